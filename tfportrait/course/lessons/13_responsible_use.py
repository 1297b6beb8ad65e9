# %% [markdown] id="title" stamp="acdddf67-6a56b4b3"
# # Responsible use: bias, memory, provenance
#
# Three questions that anybody who publishes a painter of people will be asked. Whom does it paint when the words leave
# it open? Does it paint people who were in its training data? And can one tell afterwards what it has painted? All three
# can be measured, and here they are. What may be done with the answers is a question of law and of decency; the chapter
# ends with what is known of that.
#
# **You will** measure a shift in what is painted, calibrate what counts as a copy, build a model that leaks, attack it,
# remove the cause, and attack it again.
# ---
# # 负责任地使用：偏见、记忆与来源
#
# 任何发布人像绘画模型的人都会被问到三个问题。文字没有说明时，它画的是谁？它会画出训练数据中的人吗？
# 事后能不能看出一幅画是它画的？三者都可以测量，本章就来测量。拿结果怎么办，是法律与良知的问题；本章最后说明这方面已知的内容。
#
# **你将** 测量所画内容的偏移，校准什么才算复制，造出一个会泄漏的模型，攻击它，消除原因，再攻击一次。

# %% id="setup"
import io
import pathlib
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import tfportrait as tp
from tfportrait.recipe import read_recipe, write_picture

# isort: split
import tensorflow as tf

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
COLOURS = tp.plot.COLOURS

# %% [markdown] id="bias" stamp="0c9f4937-648ea6f0"
# ## Whom does it paint when you do not say?
#
# The prompt is "a portrait", in English and in Chinese, and nothing else. The oracle reads all 18 attributes off what was
# painted. Beside it stand unseen portraits of the world, read by the same oracle, so that its own mistakes are on both
# sides. How far apart are the two? As the share of pictures that would have to change:
# ---
# ## 没有说明时，它画的是谁？
#
# 提示词只有“一幅肖像”，中英文各半，别的什么都不说。判读器从画出的图中读出全部 18 个属性。作为对照的是世界中未见过的肖像，
# 由同一个判读器读取，因此它自己的错误在两边都有。两者相差多远？用“需要改变的图像比例”来表示：


# %% id="ex-share" exercise="13-1"
def share_to_change(painted, real):
    # <solution>
    return 0.5 * np.abs(painted - real).sum()
    # </solution>


tp.course.grade("13-1", share_to_change, language=LANGUAGE)

# %% id="paint-silent"
PAINTED, REAL = (32, 200) if FAST else (256, 500)
painter = tp.LatentDiffusion.from_preset("portrait_128")
oracle = tp.Oracle.from_preset("oracle_128")
half = PAINTED // 2
painted = np.concatenate(
    [
        painter.generate([text] * half, seeds=list(range(first, first + half)), num_steps=8)
        for text, first in (("a portrait", 0), ("一幅肖像", half))
    ]
)
unseen = np.stack([tp.world.sample(2**41 + seed).render(128) for seed in range(REAL)])
read, read_real = oracle.read(painted), oracle.read(unseen)
captions = ["a portrait"] * 2 + ["一幅肖像"] * 2
tp.plot.images(painted[[0, 2, half, half + 1]], captions, columns=4, size=0.75)

# %% [markdown] id="chance" stamp="e12952de-cc24c638"
# With so few pictures the distance is never 0, not even for a perfect painter. So chance is drawn beside it: as many
# pictures from the real shares, a thousand times, and the value that 95 of 100 of them stay below. Only what lies beyond
# the grey bar says something about the painter. (Beside the bars stand the program's names of the attributes.)
# ---
# 图这么少，距离永远不会是 0，完美的模型也不例外。因此把偶然性画在旁边：按真实比例抽取同样多的图，重复一千次，取其中 95% 都不超过的值。
# 只有超出灰条的部分才说明模型有问题。（条形旁是属性在程序中的名称，如 earrings 耳饰、facial_hair 胡须、headwear 头饰、skin_tone 肤色。）

# %% id="draw-bias"
generator = np.random.default_rng(0)
distances, by_chance = {}, {}
for name, values in oracle.attributes.items():
    found, wanted = (np.bincount(x[name], minlength=len(values)) / len(x[name]) for x in (read, read_real))
    distances[name] = share_to_change(found, wanted)
    samples = generator.multinomial(PAINTED, wanted, 1000) / PAINTED
    by_chance[name] = np.quantile([share_to_change(sample, wanted) for sample in samples], 0.95)
report = tp.metrics.balance(read, read_real, oracle.attributes)
assert all(abs(distances[name] - report.distances[name]) < 1e-9 for name in distances)
order = sorted(distances, key=lambda name: distances[name] - by_chance[name])
figure, axes = plt.subplots(figsize=(4.8, 3.0), layout="constrained")
axes.barh(order, [by_chance[name] for name in order], color=tp.plot.FAINT)
beyond = [distances[name] > by_chance[name] for name in order]
axes.scatter(
    [distances[name] for name in order], order, s=24, c=[COLOURS[1] if odd else COLOURS[0] for odd in beyond], zorder=3
)
axes.set(xlabel=say("share of pictures that would have to change", "需要改变的图像比例"), xlim=0)
axes.tick_params(axis="y", labelsize=8)
print(report)
assert 0 < np.mean(list(distances.values())) < 0.6

# %% [markdown] id="bias-end" stamp="af9d9eae-4ed6a54e"
# The orange dots are the findings, attribute by attribute. The report above asks of each single value whether the two
# 95 % intervals, of the painted and of the real pictures, are apart. So one value (ink) can stand out although its
# attribute stays within chance, and an attribute whose shift is spread over many values can be missing there.
#
# Three cautions. With 95 % and 18 attributes about one is orange by chance alone. "Real" is here the distribution of the
# world, which is known exactly; for photographs you must choose it (the population? of which country? the training
# data?), and the choice is the report's most important line. And what an attribute *is* has been decided before: this
# world knows two genders and four skin tones, because somebody wrote four.
#
# With more prompts, 512 with different words, the README has: 84 of 95 values as frequent as they should be; even light,
# no earrings and no glasses too often, elderly people too rarely (`tfportrait evaluate portrait_128 --samples 512`).
# ---
# 橙色的点是按属性得到的发现。上面的报告则逐个取值检查：所画与真实的两个 95% 区间是否完全分开。因此某个取值（水墨）可能突出，
# 而它所属的属性仍在偶然范围内；偏移分散在许多取值上的属性则可能不出现在报告里。
#
# 有三点要小心。95% 的标准加上 18 个属性，单凭偶然也会有大约一个变橙。这里的“真实”是这个世界的分布，是精确已知的；
# 对于照片，你必须自己选择（人口？哪个国家的？训练数据？），这个选择是报告中最重要的一行。而且，属性 *是什么* 早已被决定：
# 这个世界只有两种性别、四种肤色，因为有人写了四种。
#
# README 中用 512 个不同的提示词测得：95 个取值中有 84 个频率正常；均匀光照、无耳环、无眼镜画得太多，老年人画得太少
# （`tfportrait evaluate portrait_128 --samples 512`）。

# %% [markdown] id="memory" stamp="25939ec3-ce69f41b"
# ## Does it paint its training data?
#
# The nearest training picture of each painted one, by the oracle's features. But *how near* is a copy? Two portraits of
# the same kind of person are near, too. So unseen portraits set the threshold: what only one of a hundred of them
# reaches counts.
# ---
# ## 它会画出训练数据吗？
#
# 用判读器的特征，找出每幅画最近的训练图像。但 *多近* 才算复制？两幅同类人物的肖像也会很近。因此由未见过的肖像来定阈值：
# 一百幅中只有一幅能达到的距离才算。


# %% id="ex-nearest" exercise="13-2"
def nearest_distances(painted, training):
    # <solution>
    return np.sqrt(((painted[:, None] - training[None]) ** 2).sum(axis=-1)).min(axis=1)
    # </solution>


tp.course.grade("13-2", nearest_distances, language=LANGUAGE)


# %% id="ex-threshold" exercise="13-6"
def calibrated_threshold(unseen_distances, level):
    # <solution>
    return np.quantile(unseen_distances, level)
    # </solution>


tp.course.grade("13-6", calibrated_threshold, language=LANGUAGE)

# %% id="measure-memory"
training = np.stack([tp.world.sample(seed).render(128) for seed in range(REAL)])
features, known, new = (oracle.embed(images) for images in (painted, training, unseen))
threshold = calibrated_threshold(nearest_distances(new, known), 0.01)
near = nearest_distances(features, known)
found = tp.metrics.memorisation(features, known, new, level=0.01)
assert np.allclose(near, found.distances, rtol=1e-3) and abs(threshold - found.threshold) < 1e-3 * threshold
low, high = found.interval
print(
    say("nearer than the threshold:", "比阈值更近的："),
    f"{found.share:.3f} ({low:.3f} - {high:.3f}),",
    say("by chance", "偶然"),
    "0.010",
)
closest = np.argsort(near)[:3]
tp.plot.table(
    np.concatenate([painted[closest], training[found.nearest[closest]]]),
    columns=[f"{distance / threshold:.2f}" for distance in near[closest]],
    rows=(say("painted", "画出的"), say("nearest", "最近的")),
    size=0.68,
)

# %% [markdown] id="memory-end" stamp="ce16fc08-1fb79237"
# Above, the three nearest pairs, with their distances in units of the threshold. They are of one kind, and not the same
# person. The search covers the first training portraits only, so it can find copies, and cannot prove that there are
# none. For 512 pictures the README has 0.016, with an interval that includes 0.01: no more than by chance. That is what
# one expects of a small network and a data set without end or copies. What does it take to leak?
# ---
# 上图是最近的三对，下方数字是以阈值为单位的距离。它们属于同一类型，但不是同一个人。搜索只覆盖了最前面的训练肖像，
# 所以能发现复制，却不能证明没有复制。README 用 512 幅图测得 0.016，区间包含 0.01：不超过偶然。
# 网络小，数据近乎无限且没有副本，这正在意料之中。那么，怎样才会泄漏？

# %% [markdown] id="leak" stamp="31e853b3-d3d1462b"
# ## A leak, made on purpose
#
# Carlini et al. (2023) extracted about a hundred training pictures from Stable Diffusion; nearly all of them had stood in
# its training data many times. Here is the same in small. 200 portraits stand once in a training set. 24 *canaries*, other
# portraits, are added: 8 of them once, 8 ten times, 8 a hundred times, each copy saved anew as a JPEG of another quality,
# as pictures on the web are. Many of the equal pictures are then different files.
#
# The painter is a small one, trained here: a network of three dense layers that predicts portraits of 16 pixels from
# noisy ones. It has no convolutions, so it memorises sooner than a U-Net; the mechanism is the same.
# ---
# ## 故意制造的泄漏
#
# Carlini 等人（2023）从 Stable Diffusion 中提取出约一百幅训练图像，几乎都在训练数据中出现过许多次。这里是缩小版。
# 训练集中有 200 幅肖像，各出现一次。再加入 24 只 *金丝雀*（另外的肖像）：8 幅出现一次，8 幅出现十次，8 幅出现一百次；
# 每个副本都以不同质量重新存成 JPEG，就像网络上的图片那样。这样一来，许多相同的画面成了不同的文件。
#
# 绘画模型很小，就在这里训练：一个三层全连接网络，从带噪图像预测 16 像素的肖像。它没有卷积，因此比 U-Net 更早开始记忆；机制是一样的。

# %% id="canaries"
generator = np.random.default_rng(0)
people = [tp.world.sample(10**7 + seed).render(64) for seed in range(424)]
once, canaries, others = people[:200], people[200:224], people[224:]
copies = np.repeat([1, 10, 100], 8)
GROUPS = {count: np.flatnonzero(copies == count) for count in (1, 10, 100)}


def saved_again(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(generator.integers(50, 96)))
    return np.asarray(Image.open(buffer))


crawled = [*once, *(saved_again(image) for image, count in zip(canaries, copies, strict=True) for _ in range(count))]
crawled = [crawled[i] for i in generator.permutation(len(crawled))]


def rows_of(images):
    """16 pixels across, in [-1, 1], as rows (N, 768)."""
    small = np.stack(images).reshape(-1, 16, 4, 16, 4, 3).mean(axis=(2, 4))
    return (small / 127.5 - 1).reshape(-1, 768).astype("float32")


print(
    len(crawled), say("pictures, different files:", "幅图，不同的文件："), len({image.tobytes() for image in crawled})
)

# %% id="trainer"
schedule = tp.diffusion.schedules.get({"name": "cosine", "timestep_spacing": "trailing"})
RATES = tf.constant(np.stack([np.asarray(rate) for rate in schedule.rates(np.arange(1000))]), "float32")
WAVES = tf.constant([2.0 ** np.arange(-1, 4)], "float32") * np.pi / 1000


def predict(weights, x_t, t):
    """x_0, (N, 768)."""
    hour = tf.cast(t, "float32")[:, None] * WAVES
    h = tf.nn.silu(tf.concat([x_t, tf.cos(hour), tf.sin(hour)], axis=-1) @ weights[0])
    for weight in weights[1:-1]:
        h = h + tf.nn.silu(h @ weight)
    return h @ weights[-1]


def losses(weights, x_0, t, noise):
    """Loss of every picture, (N,)."""
    signal_rate, noise_rate = tf.unstack(tf.gather(RATES, t, axis=1)[..., None])
    return tf.reduce_mean(tf.square(predict(weights, signal_rate * x_0 + noise_rate * noise, t) - x_0), axis=-1)


@tf.function(reduce_retracing=True)
def run(images, weights, steps):
    means, squares = ([tf.zeros_like(weight) for weight in weights] for _ in range(2))
    for i in tf.range(steps):
        seed = tf.stack([i, 0])
        rows = tf.random.stateless_uniform((64,), seed, 0, tf.shape(images)[0], dtype="int32")
        t = tf.random.stateless_uniform((64,), seed + 1, 0, 1000, dtype="int32")
        noise = tf.random.stateless_normal((64, 768), seed + 2)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_mean(losses(weights, tf.gather(images, rows), t, noise))
        slopes, n = tape.gradient(loss, weights), tf.cast(i + 1, "float32")
        means = [0.9 * mean + 0.1 * slope for mean, slope in zip(means, slopes, strict=True)]
        squares = [0.99 * square + 0.01 * slope**2 for square, slope in zip(squares, slopes, strict=True)]
        rate = 2e-3 * tf.minimum(1.0, n / 50) * (0.5 + 0.5 * tf.cos(np.pi * n / tf.cast(steps, "float32")))
        weights = [
            weight - rate * mean / (1 - 0.9**n) / (tf.sqrt(square / (1 - 0.99**n)) + 1e-8)
            for weight, mean, square in zip(weights, means, squares, strict=True)
        ]
    return weights


STEPS = 1200


def train(images, steps=STEPS):
    generator = np.random.default_rng(1)
    sizes = (768 + 10, 256, 256, 256, 768)
    start = [
        (generator.standard_normal((a, b)) / a**0.5).astype("float32") for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    return run(tf.constant(rows_of(images)), [tf.constant(weight) for weight in start], tf.constant(steps))


def paint(weights, count=300 if FAST else 1500):
    def denoise(x_t, signal_rate, noise_rate):
        t = np.abs(RATES.numpy()[1] - float(noise_rate)).argmin()
        return predict(weights, x_t, tf.fill((count,), t))

    noise = tf.constant(tp.diffusion.unit_noise(list(range(count)), 0, (768,)))
    return np.asarray(
        tp.diffusion.samplers.get("ddim")(denoise, noise, tp.diffusion.spacing.rates(schedule, "ddim", 20), None)
    )


leaky = train(crawled)
from_leaky = paint(leaky)

# %% [markdown] id="extract" stamp="44c0af08-968c5bff"
# **Extraction.** Hundreds of pictures are painted from noise. A canary counts as extracted if one of them is nearer to it
# than the threshold: the distance to a training picture that only one of a hundred unseen portraits stays below.
# ---
# **提取。** 从噪声画出几百幅图。如果其中某幅与一只金丝雀的距离小于阈值，就算提取成功；阈值是一百幅未见过的肖像中只有一幅能低于的、
# 到训练图像的距离。

# %% id="extraction"
unseen_rows, canary_rows = rows_of(others), rows_of(canaries)
limit = calibrated_threshold(nearest_distances(unseen_rows, rows_of([*once, *canaries])), 0.01)


def extracted(painted):
    """How far each canary is from the nearest painted picture, in units of the threshold."""
    return nearest_distances(canary_rows, painted) / limit


before = extracted(from_leaky)
for count, group in GROUPS.items():
    print(f"{count:4d} {say('copies: extracted', '份：提取出')} {(before[group] < 1).sum()} / {len(group)}")
assert (before[GROUPS[100]] < 1).sum() >= 3
assert (before[GROUPS[100]] < 1).sum() > (before[GROUPS[1]] < 1).sum()

# %% [markdown] id="membership" stamp="7eaf4ba1-6730f75c"
# **Membership.** Nothing has to be painted for a leak. Whoever has a picture and the model can ask whether the model knows
# it: the loss on a picture it has been trained on is smaller. The same noise is used for all pictures, at ten timesteps.
# An attacker says "member" below a threshold. For every threshold there is a share of members found and a share of false
# alarms; the curve of one over the other is the ROC curve. The area under it (AUC) is the probability that a member has a
# smaller loss than somebody else: 0.5 by guessing. The *advantage* at one threshold is the first share minus the second.
# ---
# **成员推断。** 不画出任何东西也可能泄漏。手里有一幅图和模型的人，可以问模型是否认识它：在训练过的图上，损失更小。
# 所有图像使用相同的噪声，取十个时刻。攻击者把低于阈值的判为“成员”。每个阈值对应一个成员命中率和一个误报率，
# 以前者对后者作图就是 ROC 曲线。曲线下的面积（AUC）是成员的损失小于非成员的概率：瞎猜为 0.5。
# 某个阈值处的 *优势* 是命中率减去误报率。


# %% id="ex-auc" exercise="13-4"
def auc(member_losses, other_losses):
    # <solution>
    members, others = member_losses[:, None], other_losses[None]
    return ((members < others) + 0.5 * (members == others)).mean()
    # </solution>


tp.course.grade("13-4", auc, language=LANGUAGE)


# %% id="ex-advantage" exercise="13-3"
def advantage(member_losses, other_losses, threshold):
    # <solution>
    return (member_losses < threshold).mean() - (other_losses < threshold).mean()
    # </solution>


tp.course.grade("13-3", advantage, language=LANGUAGE)

# %% id="attack"
ask = tf.function(losses, reduce_retracing=True)


def losses_of(weights, rows):
    """Mean loss over ten times, (N,)."""
    total = 0
    for t in range(150, 900, 75):
        noise = np.random.default_rng(t).standard_normal((1, 768)).astype("float32")
        noise = np.broadcast_to(noise, rows.shape)
        total = total + ask(weights, tf.constant(rows), tf.fill((len(rows),), t), tf.constant(noise)).numpy() / 10
    return total


def attack(weights):
    """AUC of each group, and of the portraits that stand in the set once."""
    other = losses_of(weights, unseen_rows)
    members = losses_of(weights, canary_rows)
    found = {count: auc(members[group], other) for count, group in GROUPS.items()}
    return found, auc(losses_of(weights, rows_of(once)), other)


auc_before, rest_before = attack(leaky)
other = losses_of(leaky, unseen_rows)
often = losses_of(leaky, canary_rows[GROUPS[100]])
gain = advantage(often, other, calibrated_threshold(other, 0.05))
print(say("AUC, 1 / 10 / 100 copies:", "AUC，1 / 10 / 100 份："), *(f"{value:.2f}" for value in auc_before.values()))
print(say("AUC of the 200 others that stand there once:", "其他 200 幅只出现一次的："), f"{rest_before:.2f}")
print(say("advantage at 5 % false alarms, 100 copies:", "误报率 5% 时的优势，100 份："), f"{gain:.2f}")
assert auc_before[100] > 0.9 and gain > 0.5

# %% [markdown] id="dedupe" stamp="bb50837d-cc874846"
# ## Taking the cause away
#
# A checksum finds only files that agree in every bit: of 1,088 it would leave 612, and of a canary with a hundred copies
# still about 40. A *perceptual hash* takes the 64 slowest waves of a picture's brightness and says whose coefficients, with
# their signs, lie above the median of all 64: as many bits, which a new compression hardly changes. Pictures that differ
# in few bits are one picture. The left panel of the figure below says where to draw the line.
# ---
# ## 消除原因
#
# 校验和只能找出逐位相同的文件：1088 个中会留下 612 个，有一百份的金丝雀每只仍剩约 40 份。*感知哈希* 取图像亮度中最慢的 64 个波，
# 记录哪些（带符号的）系数高于全部 64 个的中位数：共 64 位，重新压缩几乎不改变它。
# 只差几位的图像就是同一幅。下面那幅图的左图说明界线该画在哪里。


# %% id="ex-kept" exercise="13-5"
def kept(hashes, limit):
    # <solution>
    stay = []
    for i in range(len(hashes)):
        if all((hashes[i] != hashes[j]).sum() > limit for j in stay):
            stay.append(i)
    return np.isin(np.arange(len(hashes)), stay)
    # </solution>


tp.course.grade("13-5", kept, language=LANGUAGE)

# %% id="hashes"
COSINES = np.cos(np.pi / 32 * np.outer(np.arange(8), np.arange(32) + 0.5))


def perceptual_hash(image):
    grey = np.asarray(Image.fromarray(image).convert("L").resize((32, 32), Image.Resampling.BOX), float)
    slow = COSINES @ grey @ COSINES.T
    return (slow > np.median(slow)).ravel()


hashes = np.stack([perceptual_hash(image) for image in crawled])
apart = np.concatenate([(hashes[i] != hashes[i + 1 :]).sum(axis=1) for i in range(len(hashes) - 1)])
different = np.stack([perceptual_hash(image) for image in people])
different = np.concatenate([(different[i] != different[i + 1 :]).sum(axis=1) for i in range(len(different) - 1)])
LIMIT = 6
stays = kept(hashes, LIMIT)
clean = [image for image, stay in zip(crawled, stays, strict=True) if stay]
print(
    say("left of", "留下"),
    f"{len(crawled)}: {len(clean)},",
    say("different portraits:", "不同的肖像："),
    len(once) + len(canaries),
)
assert abs(len(clean) - len(once) - len(canaries)) < 12

# %% [markdown] id="again" stamp="39ef01a7-c504e9fb"
# The same network, the same number of steps, the cleaned set; the same two attacks. And once more with fewer steps, so that
# each picture is seen as often as a single copy was before.
# ---
# 同样的网络、同样的步数，换成清理过的训练集；再做同样的两种攻击。然后减少步数再训练一次，使每幅图被看到的次数与之前的单个副本相同。

# %% id="retrain"
cleaned = train(clean)
from_cleaned = paint(cleaned)
after = extracted(from_cleaned)
auc_after, rest_after = attack(cleaned)
figure, axes = plt.subplots(1, 3, figsize=(7.6, 2.1), layout="constrained")
bits = np.arange(0, 50, 2)
axes[0].hist(apart, bits, color=COLOURS[1], alpha=0.6, label=say("in the crawled set", "抓取的集合中"))
axes[0].hist(different, bits, color=COLOURS[0], alpha=0.8, label=say("different portraits", "不同的肖像"))
axes[0].axvline(LIMIT, color="black", linestyle=":")
axes[0].set(yscale="log", ylim=(1, 1e8), xlabel=say("bits that differ", "相差的位数"), ylabel=say("pairs", "图像对数"))
axes[0].legend(frameon=False, fontsize=8, loc="upper right")
places = np.arange(3)
for shift, share, label, colour in (
    (-0.2, before, say("with copies", "有副本"), COLOURS[1]),
    (0.2, after, say("cleaned", "清理后"), COLOURS[0]),
):
    heights = [(share[group] < 1).sum() for group in GROUPS.values()]
    bars = axes[1].bar(places + shift, heights, 0.38, color=colour, label=label)
    axes[1].bar_label(bars, fontsize=8)
for shift, values, colour in ((-0.2, auc_before, COLOURS[1]), (0.2, auc_after, COLOURS[0])):
    axes[2].bar(places + shift, list(values.values()), 0.38, color=colour)
axes[1].set(ylabel=say("extracted, of 8", "提取数（共 8）"), ylim=(0, 9.5))
axes[1].legend(frameon=False, fontsize=8)
axes[2].axhline(0.5, color="black", linestyle=":")
axes[2].set(ylabel=say("membership, AUC", "成员推断 AUC"), ylim=(0.4, 1.02))
for axis in axes[1:]:
    axis.set_xticks(places, [str(count) for count in GROUPS])
    axis.set_xlabel(say("copies", "份数"))
for count, group in GROUPS.items():
    print(
        f"{count:4d}: {(before[group] < 1).sum()} -> {(after[group] < 1).sum()},  AUC {auc_before[count]:.2f} -> {auc_after[count]:.2f}"
    )
print(say("the others:", "其他："), f"AUC {rest_before:.2f} -> {rest_after:.2f}")
passes = train(clean, STEPS * len(clean) // len(crawled))  # each picture is seen as often as one copy was before
auc_passes, rest_passes = attack(passes)
print(
    say("with as many passes: AUC", "遍数相同时：AUC"),
    *(f"{value:.2f}" for value in auc_passes.values()),
    f"{rest_passes:.2f}",
)
unseen_losses = [losses_of(weights, unseen_rows).mean() for weights in (leaky, cleaned, passes)]
print(say("loss on unseen portraits:", "未见过的肖像的损失："), *(f"{loss:.4f}" for loss in unseen_losses))
assert (after[GROUPS[100]] < 1).sum() < (before[GROUPS[100]] < 1).sum() and auc_after[100] < auc_before[100]

# %% id="show-leak"
shown = GROUPS[100][:4]


def nearest_of(painted):
    return painted[((canary_rows[shown][:, None] - painted) ** 2).sum(axis=-1).argmin(axis=1)]


pictures = np.concatenate([canary_rows[shown], nearest_of(from_leaky), nearest_of(from_cleaned)])
tp.plot.table(
    ((pictures.clip(-1, 1) + 1) * 127.5).astype("uint8").reshape(-1, 16, 16, 3),
    columns=[""] * len(shown),
    rows=(
        say("canary, 100 copies", "金丝雀，100 份"),
        say("nearest painted", "最近的画"),
        say("cleaned, nearest", "清理后最近的"),
    ),
    size=0.6,
)

# %% [markdown] id="leak-end" stamp="fb20db7e-403c306c"
# No canary can be extracted any more, and the loss on unseen portraits has fallen: for *extraction* removing copies costs
# nothing. `tfportrait data check FOLDER` finds equal and near-equal pictures of a folder. For *membership* look twice.
# With the same number of steps all 224 pictures are now seen more often, and the 200 that had hidden behind the copies
# are recognised better than before. With as many passes the attack is hardly better than guessing, but the painter is
# worse too. The leak follows how often the model has seen a picture, by copies or by passes.
#
# What gives a bound is *differential privacy*: each picture's gradient is clipped, and noise is added, so that no single
# picture can change the model much. It costs quality, and this package does not have it.
#
# The source of this course says that encryption protects the privacy of people in the training data. Encryption protects
# a file from those without the key. The model was trained on the pictures *decrypted*, and what leaked above came out of
# the model, which is published. Ask instead: were the people asked, are copies gone, and has somebody attacked the model?
# ---
# 再也提取不出任何一只金丝雀，未见过的肖像的损失还降低了：就 *提取* 而言，去除副本没有代价。
# `tfportrait data check FOLDER` 会找出文件夹中相同和近似的图片。就 *成员推断* 而言要再看一眼。步数不变时，全部 224 幅图都被看到得更多，
# 原来藏在副本后面的那 200 幅反而比以前更容易被认出。遍数相同时，攻击几乎不比瞎猜强，但画得也更差。
# 泄漏取决于模型看过一幅图多少次，无论是因为副本还是因为遍数。
#
# 能给出上界的是 *差分隐私*：裁剪每幅图的梯度并加入噪声，使任何一幅图都不能明显改变模型。它会损失质量，本包没有实现。
#
# 源文档说，加密可以保护训练数据中人物的隐私。加密只能防住没有密钥的人读取文件。模型是在 *解密后* 的图像上训练的，
# 上面泄漏的内容来自被公开的模型本身。应该问的是：当事人同意了吗？副本去掉了吗？有人攻击过这个模型吗？

# %% [markdown] id="provenance" stamp="d274ba62-a6573ea2"
# ## Where does a picture come from?
#
# Every picture that the package writes says so: for machines in its metadata (IPTC's digital source type, and the field
# `AIGC` of China's GB 45438-2025), with the whole recipe; for people, if asked, in a corner. The same is read by
# `tfportrait recipe FILE`.
# ---
# ## 图像从哪里来？
#
# 本包写出的每幅图都会说明自己的来历：在元数据里写给机器看（IPTC 的数字来源类型，以及中国 GB 45438-2025 的 `AIGC` 字段），
# 并附完整配方；需要时还可以在角落里写给人看。命令 `tfportrait recipe FILE` 读的就是它。

# %% id="write"
folder = pathlib.Path(tempfile.mkdtemp())
recipe = {"prompt": "a portrait", "seed": 0, "num_steps": 8, "preset": "portrait_128"}
write_picture(folder / "marked.png", painted[0], recipe, label=True)
print(read_recipe(folder / "marked.png"))
marks = Image.open(folder / "marked.png").text["XML:com.adobe.xmp"]
assert "trainedAlgorithmicMedia" in marks and "AIGC" in marks

pixels = np.asarray(Image.open(folder / "marked.png"))
Image.fromarray(pixels).save(folder / "stripped.png")  # every program that does not know the mark does this
try:
    read_recipe(folder / "stripped.png")
except ValueError as error:
    print(str(error).replace(str(folder), ""))

write_picture(folder / "forged.png", unseen[0], recipe)  # drawn by the world, no model had a part in it
print(say("forged:", "伪造："), read_recipe(folder / "forged.png")["preset"])
tp.plot.images([pixels], columns=1, size=1.2)

# %% [markdown] id="provenance-end" stamp="20a1ec4b-3f6367d9"
# What the marks are worth:
#
# * They inform the honest. Saving the pixels again removes them, and so do most chats and websites, without intent.
# * They prove nothing. Anybody can write any recipe into any picture. A recipe can be *checked*, though: the same
#   version, weights and recipe give the same pixels (`tfportrait paint --recipe FILE`).
# * No mark does not mean no model. Absence is no evidence.
# * A signature (C2PA) binds a statement to the pixels and to a key, so that it cannot be altered unnoticed; it can be
#   removed. A watermark in the pixels survives more, and can still be attacked. This package has neither.
#
# The source lists "removing watermarks" among the uses of restoration. A mark belongs to somebody. This package's
# `inpaint --overlay` finds the overlays that its own world draws, and leaves labels such as "AI-generated" alone.
# ---
# 这些标识值多少：
#
# * 它们告知诚实的人。重新保存像素就会去掉它们；多数聊天软件和网站也会无意中去掉。
# * 它们什么都不证明。任何人都能把任何配方写进任何图片。不过配方可以 *核对*：版本、权重和配方相同，像素就相同
#   （`tfportrait paint --recipe FILE`）。
# * 没有标识不等于没有用模型。缺席不是证据。
# * 签名（C2PA）把声明与像素和密钥绑在一起，改动会被发现，但可以被整个去掉。像素中的水印更耐久，但仍可被攻击。本包两者都没有。
#
# 源文档把“去除水印”列为图像修复的用途。标识是属于别人的。本包的 `inpaint --overlay` 只找出它自己的世界所画的覆盖物，
# “AI 生成”之类的标识保持不动。

# %% [markdown] id="law" stamp="475d2650-749e7558"
# ## Consent, likeness, licences
#
# No legal advice; rules change, and differ from place to place. As far as known when this was written:
#
# * **Likeness.** A recognisable face belongs to its person. China's Civil Code (article 1019) forbids forging a likeness by
#   technical means, and using one without consent; the rules on deep synthesis of 2023 ask for separate consent where
#   faces are edited. In the EU a photograph of an identifiable person is personal data (GDPR); in the USA states protect
#   publicity. A model that has learnt one person from five pictures (README) needs that person's consent.
# * **Labels.** In China generated content must be labelled, visibly and in its metadata, since September 2025. Article 50
#   of the EU's AI Act asks for machine-readable marks and for the disclosure of deepfakes; it was enacted to apply from
#   August 2026.
# * **Licences of data.** CelebA: 202,599 pictures of 10,177 people (not 40,789 pictures), for non-commercial research, so
#   not for advertising. FFHQ: non-commercial too, and each photograph has its own licence. Open Images: listed as CC BY
#   2.0, not guaranteed. And a photographer's licence is not the consent of the person in the photograph.
# * **Copyright.** Whether a generated picture is protected depends on the country and on what a person contributed: a
#   court in Beijing said yes for one in 2023; the US Copyright Office asks for human authorship. Whether training needs
#   permission is before the courts. A copy of a protected picture that comes out of a model is still a copy.
# * **Truth.** The source wants generated pictures to look more real to be more trustworthy. These are opposites: the more
#   real it looks, the more it needs a label.
#
# Here none of this was needed: the people of this world do not exist, and nobody had to be asked.
# ---
# ## 同意、肖像、许可
#
# 以下不是法律意见；规则会变，各地也不同。就写作时所知：
#
# * **肖像。** 可辨认的面孔属于本人。中国《民法典》第 1019 条禁止用技术手段伪造他人肖像，也禁止未经同意使用；2023 年的深度合成规定要求，
#   编辑人脸须取得单独同意。在欧盟，可识别个人的照片属于个人数据（GDPR）；在美国，由各州保护公开权。
#   用五张图学会一个人的模型（见 README）需要这个人的同意。
# * **标识。** 在中国，自 2025 年 9 月起，生成内容必须既有可见标识，又有元数据标识。欧盟《人工智能法》第 50 条要求机器可读的标识，
#   并要求披露深度伪造；立法时规定自 2026 年 8 月起适用。
# * **数据许可。** CelebA：10,177 人的 202,599 幅图（不是 40,789 幅），仅限非商业研究，因此不能用于广告。FFHQ：同样非商业，
#   而且每张照片有各自的许可。Open Images：标注为 CC BY 2.0，但不作保证。此外，摄影师的许可并不等于照片中人的同意。
# * **版权。** 生成的图像是否受保护，取决于国家和人的贡献：北京的一家法院 2023 年对一幅图认定受保护；美国版权局要求有人类作者。
#   训练是否需要许可，法院还在审理。从模型中出来的受保护图像的复制品，仍然是复制品。
# * **真实。** 文章希望生成的图像看起来更真实，从而更可信。两者恰恰相反：看起来越真，越需要标识。
#
# 本课程不需要这一切：这个世界里的人并不存在，不必征求任何人的同意。

# %% [markdown] id="end" stamp="9c29afa0-264fdb9c"
# ## What to remember
#
# * Bias is a difference from a reference that somebody has chosen. Draw chance beside it.
# * A copy is what unseen pictures are never that near to. Calibrate, then count.
# * Copies in the data become copies in the samples. Deduplicate by looks, not by checksum; then attack again.
# * A small loss betrays a member, even where nothing is painted.
# * Metadata inform; they do not prove. Consent comes before technique.
#
# **Try**: set `LIMIT` to 0 and to 16. How many pictures are left, and whose are gone? Paint "a person in a suit": which
# share are men, and which share of the suits in the world do men wear?
# ---
# ## 本章要点
#
# * 偏见是相对于某人所选参照的差别。把偶然性画在旁边。
# * 所谓复制，是未见过的图像从不会那么近。先校准，再计数。
# * 数据中的副本会变成样本中的复制。按外观而不是按校验和去重；然后再攻击一次。
# * 损失小就会暴露成员身份，哪怕什么都没有画出来。
# * 元数据用于告知，不用于证明。先有同意，再谈技术。
#
# **试一试**：把 `LIMIT` 设为 0 和 16，各留下多少幅，去掉了谁？画“穿西装的人”：其中男性占多少？这个世界里穿西装的人中男性又占多少？
