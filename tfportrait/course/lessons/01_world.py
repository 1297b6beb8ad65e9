# %% [markdown] id="title" stamp="abaea51b-0c639031"
# # Data and the portrait world
#
# A painter can be no better than what it saw, and what cannot be measured cannot be called good. This chapter is about
# the pictures from which everything else learns: what they are as numbers, what is known about them, and how
# data quietly spoil a training: by lopsided attributes, wrong labels, pictures that leak, and broken files.
#
# **You will** turn pictures into numbers and back, count the steps of a training, measure how balanced attributes are,
# mirror a picture together with its label, and find the pictures that leak from training into validation.
# ---
# # 数据与肖像世界
#
# 画师不可能好过它所见过的东西；无法测量的东西，也谈不上好。本章讲的是其他一切赖以学习的图像：它们作为数字是什么样子，
# 关于它们我们知道什么，以及数据如何悄悄毁掉训练：不均衡的属性、错误的标签、泄漏的图像和损坏的文件。
#
# **你将** 把图像变成数字再变回来，计算训练的步数，测量属性是否均衡，把图像连同标签一起镜像，并找出从训练集泄漏到验证集的图像。

# %% id="setup"
import json
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import tfportrait as tp
from tfportrait.data.check import check

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
ATTRIBUTES = tp.world.ATTRIBUTES

# %% [markdown] id="world" stamp="7a152a23-a5e40fa9"
# ## A world that is known exactly
#
# Photographs of faces come with labels that people clicked, and people err. The portraits of this course are *drawn* by
# a program from 18 attributes, so the labels are the cause of the picture and not an opinion about it. A seed settles
# whatever the attributes leave open: shades, positions, what stands in the background. One attribute can be changed
# while all else stays as it was, which no photograph allows.
# ---
# ## 一个完全已知的世界
#
# 人脸照片的标签是人点选的，而人会犯错。本课程的肖像由程序根据 18 个属性 *画出*，因此标签是图像的原因，而不是对图像的看法。
# 属性没有规定的一切由种子决定：色调、位置、背景里有什么。可以只改变一个属性，其余保持不变，这是任何照片都做不到的。

# %% id="one-person"
person = tp.world.sample(7, style="soft", expression="neutral", headwear="none")
changes = {
    say("as drawn", "原图"): {},
    say("laughing", "大笑"): {"expression": "laughing"},
    say("sunglasses", "墨镜"): {"glasses": "sunglasses"},
    say("blue hair", "蓝发"): {"hair_color": "blue"},
    say("in ink", "水墨"): {"style": "ink"},
}
tp.plot.images([person.replace(**change).render(128) for change in changes.values()], list(changes), 5, size=0.72)

# %% id="combinations"
print(
    len(ATTRIBUTES),
    say("attributes, combinations:", "个属性，组合数："),
    f"{np.prod([*map(len, ATTRIBUTES.values())]):.1e}",
)
assert person.replace(style="ink").attributes == {**person.attributes, "style": "ink"}
assert (tp.world.sample(7).render(64) == tp.world.sample(7).render(64)).all()  # a seed is a picture

# %% [markdown] id="captions" stamp="097aa76c-ce47e497"
# ## Captions say a part
#
# A caption names some of the attributes, in English or Chinese, in many wordings. Which ones it names is known exactly
# (`.named`), so that a painter is later judged by what it was *asked* for. Some attributes cannot be seen: there are no
# colours in an ink drawing. They are never named, and count nowhere.
# ---
# ## 描述只说出一部分
#
# 一条文字描述用英文或中文、以各种措辞说出部分属性。它说了哪些是确切知道的（`.named`），因此以后可以只按 *要求* 的内容来评判画师。
# 有些属性是看不见的：水墨画里没有颜色。它们不会被提到，也不参与任何统计。

# %% id="some-captions"
for language, seed in (("en", 0), ("zh", 0), ("en", 1), ("zh", 1)):
    caption = person.caption(language, seed=seed)
    print(f"{caption}\n    {len(caption.named)}: {', '.join(caption.named)}")
assert person.caption("en", seed=0).named == person.caption("zh", seed=0).named  # the same facts in both languages
hidden = set(ATTRIBUTES) - person.replace(style="ink").visible
print(say("hidden in an ink drawing:", "水墨画中看不见的："), ", ".join(sorted(hidden)))

# %% [markdown] id="numbers" stamp="04fdc241-b6182d27"
# ## A picture is numbers
#
# A file has whole grey levels from 0 to 255, as `uint8`. Networks like numbers around zero; a generator that ends in
# `tanh` makes numbers from -1 to 1, so that is what it must be shown. Many tutorials, and the source document, divide
# by 255 instead and keep `tanh`: then half of the generator's range is never seen in the data, and real and painted
# pictures can be told apart by their range alone.
#
# [[errata.listing_range]]
#
# The name under a formula is its entry in the ledger: `tp.equations.get("errata.listing_range")` says where it is from
# and which function and test stand for it; `errata` are the document's mistakes.
# ---
# ## 图像就是数字
#
# 图像文件存的是 0 到 255 的整数灰度，类型为 `uint8`。网络喜欢零附近的数；以 `tanh` 结尾的生成器输出 -1 到 1 的数，
# 因此也应该给它看这个范围的数。许多教程，包括源文档，却在使用 `tanh` 的同时除以 255：
# 于是生成器的一半取值范围从未在数据中出现，仅凭取值范围就能分辨真图与画出的图。
#
# [[errata.listing_range]]
#
# 公式下方是它在公式表中的名字：`tp.equations.get("errata.listing_range")` 给出出处以及对应的函数和测试；
# `errata` 是源文档的错误。


# %% id="ex-to-unit" exercise="01-1"
def to_unit_range(images):
    # <solution>
    return images / 127.5 - 1
    # </solution>


tp.course.grade("01-1", to_unit_range, language=LANGUAGE)


# %% id="ex-to-pixels" exercise="01-2"
def to_pixels(images):
    # <solution>
    return np.clip(np.round((images + 1) * 127.5), 0, 255).astype("uint8")
    # </solution>


tp.course.grade("01-2", to_pixels, language=LANGUAGE)

# %% id="round-trip"
levels = np.arange(256, dtype="uint8")
assert (to_pixels(to_unit_range(levels)) == levels).all()  # nothing is lost
bright = to_unit_range(levels[-3:]) + 0.02  # a network overshoots a little
print(
    say("clipped:", "截断："),
    to_pixels(bright),
    say("only cast:", "仅转换类型："),
    ((bright + 1) * 127.5).astype(int) % 256,
)

# %% [markdown] id="batch" stamp="d6834d2d-31a886d0"
# ## A batch
#
# `tp.data.load` takes the name of a data set or the path of a folder, and gives batches: dictionaries of pictures,
# captions and attributes. Pictures are `float32` of shape (batch, height, width, channels), short NHWC, from -1 to 1.
# An attribute is the index of its value, and -1 where it is hidden. Captions come in either language, drawn at random.
# The world is drawn on all cores and kept in a cache.
# ---
# ## 一个批次
#
# `tp.data.load` 接受数据集名称或文件夹路径，给出批次：由图像、文字描述和属性组成的字典。图像是 `float32`，
# 形状为（批次，高，宽，通道），简称 NHWC，取值 -1 到 1。属性是其取值的编号，看不见时为 -1。
# 描述的语言随机，英文或中文。肖像世界由所有核心一起画出并缓存。

# %% id="load"
data = tp.data.load("portrait_world", image_size=32, batch_size=16, count=100)
batch = next(iter(data))
image = batch["image"].numpy()
print(image.dtype, image.shape, f"{image.min():.2f} … {image.max():.2f}")
print(batch["caption"][0].numpy().decode())
print("hair_color:", batch["attributes"]["hair_color"].numpy())
assert image.min() >= -1 and image.max() <= 1 and image.min() < -0.5


# %% id="ex-steps" exercise="01-3"
def steps(examples, batch_size, epochs):
    # <solution>
    return epochs * -(-examples // batch_size)
    # </solution>


tp.course.grade("01-3", steps, language=LANGUAGE)

# %% id="count-steps"
print(say("steps of one epoch:", "一个 epoch 的步数："), steps(100, 16, 1), len(data))
assert steps(100, 16, 1) == len(data)

# %% [markdown] id="balance" stamp="a4c2436d-f1fd23be"
# ## Is it balanced?
#
# If three of four portraits have no beard, "no beard" is right three times of four without a look at the picture, and a
# painter seldom practises beards. How even the values of an attribute are is told by the entropy of their shares $p_k$,
# divided by the largest that $K$ values can have: 1 is perfectly even, 0 is always the same.
#
# $$ B = -\frac{1}{\log K} \sum_{k:\,p_k > 0} p_k \log p_k $$
# ---
# ## 均衡吗？
#
# 如果四幅肖像中有三幅没有胡须，那么不看图就回答“没有胡须”，四次也能对三次；画师也很少有机会练习画胡须。
# 一个属性的各取值是否均匀，可以用比例 $p_k$ 的熵除以 $K$ 个取值所能达到的最大熵来衡量：1 表示完全均匀，0 表示永远相同。
#
# $$ B = -\frac{1}{\log K} \sum_{k:\,p_k > 0} p_k \log p_k $$


# %% id="ex-balance" exercise="01-4"
def balance(labels, count):
    # <solution>
    shares = np.bincount(labels[labels >= 0], minlength=count) / (labels >= 0).sum()
    shares = shares[shares > 0]
    return -(shares * np.log(shares)).sum() / np.log(count)
    # </solution>


tp.course.grade("01-4", balance, language=LANGUAGE)

# %% id="draw-balance"
portraits = [tp.world.sample(seed) for seed in range(1000 if FAST else 20000)]
labels = {
    name: np.array([values.index(p[name]) if name in p.visible else -1 for p in portraits])
    for name, values in ATTRIBUTES.items()
}
evenness = {name: balance(labels[name], len(values)) for name, values in ATTRIBUTES.items()}
print(", ".join(f"{name} {evenness[name]:.2f}" for name in sorted(evenness, key=evenness.get)))

elderly, grey = (
    np.array([p[name] == value for p in portraits]) for name, value in (("age", "elderly"), ("hair_color", "grey"))
)
print(
    say("grey hair: of the elderly, of the others", "灰发比例：老人、其他人"),
    f"{grey[elderly].mean():.2f}",
    f"{grey[~elderly].mean():.2f}",
)
assert evenness["facial_hair"] == min(evenness.values()) and grey[elderly].mean() > 3 * grey[~elderly].mean()

# %% [markdown] id="correlated" stamp="8f070c91-0986fbf4"
# Beards are the least balanced, because women and children have none. Attributes that are balanced each for itself can
# still depend on each other: hair colours are balanced on the whole, but grey hair goes with age, as among people. A
# network that has learned "grey, therefore old" is right most of the time and has not looked at the face. Ask for "a
# child with grey hair" to find out.
# ---
# 最不均衡的是胡须，因为女性和儿童没有。各自均衡的属性仍可能互相关联：发色总体上均衡，但灰发与年龄有关，就像真人一样。
# 一个学会了“灰发所以年老”的网络大多数时候是对的，却没有看过脸。让它画“灰发的孩子”，就能揭穿它。

# %% [markdown] id="oracle" stamp="23b9486b-03731a30"
# ## The oracle
#
# A classifier, trained on this world, reads all 18 attributes off a picture. The labels being exact, every disagreement
# is the oracle's own error, and it can be counted on portraits that it has never seen. Beside it stands what an answer
# without looking would get: always the most frequent value.
# ---
# ## 判读器
#
# 一个在这个世界上训练的分类器能从图像中读出全部 18 个属性。由于标签是精确的，每一处不一致都是判读器自己的错误，
# 而且可以在它从未见过的肖像上数出来。旁边给出的是不看图的回答能得到的准确率：永远回答最常见的取值。

# %% id="read"
count = 96 if FAST else 1000
unseen = [tp.world.sample(seed) for seed in range(2**40, 2**40 + count)]  # where the validation split begins
pictures = np.stack([portrait.render(128) for portrait in unseen])


def accuracy(pictures, names=ATTRIBUTES):
    """How often the oracle reads what the world drew; hidden attributes do not count."""
    read = tp.tasks.read_attributes(pictures)
    pairs = list(zip(read, unseen, strict=True))
    return {name: np.mean([found[name] == p[name] for found, p in pairs if name in p.visible]) for name in names}


def most_frequent(name):
    values = [p[name] for p in unseen if name in p.visible]
    return max(values.count(value) for value in ATTRIBUTES[name]) / len(values)


right = accuracy(pictures)
order = sorted(right, key=most_frequent)
figure, axes = plt.subplots(figsize=(4.8, 3.3), layout="constrained")
axes.plot(
    [most_frequent(name) for name in order],
    order,
    "o",
    color=tp.plot.COLOURS[7],
    label=say("most frequent value", "最常见的取值"),
)
axes.plot([right[name] for name in order], order, "o", color=tp.plot.COLOURS[0], label=say("oracle", "判读器"))
axes.tick_params(labelsize=8)
axes.grid(axis="y", color=tp.plot.FAINT, linewidth=0.6)
axes.set(xlim=(0, 1.03), xlabel=say("accuracy", "准确率"))
figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
print(
    f"{np.mean(list(right.values())):.3f}",
    say("lowest:", "最低："),
    min(right, key=right.get),
    f"{min(right.values()):.3f}",
)
assert np.mean(list(right.values())) > 0.95

# %% [markdown] id="proof" stamp="d8342d50-fb99f08e"
# With exact labels, 0.98 says something about the oracle. Were one label in ten wrong, as a tired person may click
# them, a *perfect* reader would measure only about 0.9, and nobody could say whether the reader or the labels erred.
# That is why this course measures on a drawn world first. One warning: the oracle answers whatever it is shown.
# ---
# 有了精确的标签，0.98 才真正说明判读器的水平。如果十个标签中有一个是错的（疲劳的标注者就可能如此），*完美* 的判读器测出来也只有约 0.9，
# 谁也说不清是判读器错了还是标签错了。所以本课程先在一个画出来的世界里测量。提醒一点：无论给它看什么，判读器都会作答。

# %% id="wrong-labels"
generator = np.random.default_rng(0)
truth = labels["expression"]
clicked = np.where(generator.random(len(truth)) < 0.1, (truth + generator.integers(1, 6, len(truth))) % 6, truth)
print(
    say("a perfect reader, one label in ten wrong:", "十个标签错一个时，完美的判读器："),
    f"{(clicked == truth).mean():.3f}",
)
noise = generator.integers(0, 256, (1, 128, 128, 3)).astype("uint8")
answer = tp.tasks.read_attributes(noise)[0]
print(
    say("what it reads in pure noise:", "它从纯噪声中读出："),
    answer["age"],
    answer["gender"],
    answer["hair_style"],
    answer["style"],
)
assert 0.85 < (clicked == truth).mean() < 0.95

# %% [markdown] id="augmentation" stamp="bdb2006f-6ee21e28"
# ## Augmentation that makes labels wrong
#
# Flips, turns and other colours give more pictures for nothing, says every tutorial. A flip turns a face that looks
# left into one that looks right: picture *and* label must change. Write both. Poses are numbered as in `ATTRIBUTES`: 0
# left, 1 front, 2 right.
# ---
# ## 会让标签出错的数据增强
#
# 翻转、旋转、改变颜色，白白得到更多图像，每个教程都这么说。翻转会把朝左的脸变成朝右的脸：图像 *和* 标签都必须改变。请同时写出两者。
# 姿态的编号与 `ATTRIBUTES` 中相同：0 朝左，1 正面，2 朝右。


# %% id="ex-mirror" exercise="01-5"
def mirror(images, poses):
    # <solution>
    return images[:, :, ::-1], 2 - poses
    # </solution>


tp.course.grade("01-5", mirror, language=LANGUAGE)

# %% id="mirrored"
poses = np.array([ATTRIBUTES["pose"].index(portrait["pose"]) for portrait in unseen])
mirrored, exchanged = mirror(pictures, poses)
read = np.array([ATTRIBUTES["pose"].index(found["pose"]) for found in tp.tasks.read_attributes(mirrored)])
print(
    say("mirrored, label kept / exchanged:", "镜像后，标签不变 / 互换："),
    f"{(read == poses).mean():.2f} / {(read == exchanged).mean():.2f}",
)
print(
    tp.data.mirrored_text("a man facing left, lit from the right"), "|", tp.data.mirrored_text("面向左侧的男士，右侧光")
)
assert (read == exchanged).mean() > 0.95 > 0.6 > (read == poses).mean()

# %% [markdown] id="others" stamp="3434a893-4c830fc8"
# With the old label only the portraits seen from the front are still right. The package's own flip changes attributes
# and captions in both languages (`mirrored_text`). Other changes are worse: exchanging red and blue makes every word
# about colour a lie. And a turned portrait keeps its labels, but nobody in this world tilts the head by 25 degrees; the
# oracle is lost, and a *generator* that has seen such pictures paints them. Augment a painter with care.
# ---
# 保留旧标签时，只有正面的肖像还是对的。本包自带的翻转会同时修改属性和两种语言的描述（`mirrored_text`）。其他改变更糟：
# 交换红蓝通道会让所有关于颜色的词都变成谎话。旋转后的肖像标签虽然不变，但这个世界里没有人把头歪 25 度；判读器因此茫然失措，
# 而见过这种图像的 *生成器* 就会把它们画出来。给画师做数据增强要小心。

# %% id="changed"
turned = np.stack([np.asarray(Image.fromarray(picture).rotate(25, Image.BICUBIC)) for picture in pictures])
versions = {
    say("as drawn", "原图"): pictures,
    say("mirrored", "镜像"): mirrored,
    say("red and blue exchanged", "红蓝互换"): pictures[..., ::-1],
    say("turned by 25°", "旋转 25°"): turned,
}
names = ("pose", "lighting", "hair_color", "clothing_color", "expression", "glasses")
measured = {version: accuracy(np.ascontiguousarray(changed), names) for version, changed in versions.items()}
rows = [f"{name:15s}" + "".join(f"{found[name]:8.2f}" for found in measured.values()) for name in names]
width = say(8, 6)  # of a heading: a Chinese character takes two columns
headings = say("drawn mirror r<->b turned", "原图 镜像 红蓝 旋转").split()
print(f"{'':15s}" + "".join(f"{heading:>{width}}" for heading in headings), *rows, sep="\n")
assert measured[say("turned by 25°", "旋转 25°")]["expression"] < 0.7 < measured[say("mirrored", "镜像")]["expression"]
shown = next(
    i for i, p in enumerate(unseen) if p["pose"] == "left" and p["hair_color"] == "red" and p["style"] == "flat"
)
tp.plot.images([changed[shown] for changed in versions.values()], list(versions), columns=4, size=0.8)

# %% [markdown] id="leak" stamp="5cd3d9c1-c6ea8f49"
# ## Leakage
#
# Validation pictures tell whether a network has learned or memorised. They fail if they are nearly in the training set:
# the same person twice, the same file in another size. CelebA has 202,599 pictures of 10,177 people, and its official
# split keeps people apart. The test is one number for each validation picture: how far is the nearest
# training picture? The classical trap is the type: the difference of two `uint8` wraps around.
# ---
# ## 数据泄漏
#
# 验证图像用来判断网络是学会了还是背下来了。如果它们几乎就在训练集里，这种判断就失效：同一个人出现两次，同一个文件换了尺寸。
# CelebA 有 10,177 个人的 202,599 幅图，其官方划分把不同的人分开。检验方法是每幅验证图像一个数：最近的训练图像有多远？
# 经典的陷阱是数据类型：两个 `uint8` 的差会回绕。


# %% id="ex-nearest" exercise="01-6"
def nearest(training, validation):
    # <solution>
    training, validation = (images.reshape(len(images), -1).astype(float) for images in (training, validation))
    distances = np.stack([((training - picture) ** 2).mean(axis=1) for picture in validation])  # (V, N)
    return np.sqrt(distances.min(axis=1))
    # </solution>


tp.course.grade("01-6", nearest, language=LANGUAGE)

# %% [markdown] id="two-splits" stamp="e0f0ba48-5181b965"
# Here are people with four portraits each that differ in the expression alone. One split takes a quarter of the
# *pictures* at random, the other a quarter of the *people*. Who copies the label of the nearest training picture has
# learned nothing, and yet:
# ---
# 这里每个人有四幅肖像，只有表情不同。一种划分随机取四分之一的 *图像*，另一种取四分之一的 *人*。
# 只会照抄最近训练图像标签的人什么也没有学会，然而：

# %% id="splits"
people = 80 if FAST else 400
drawn = [
    tp.world.sample(s).replace(expression=e) for s in range(people) for e in ("neutral", "smiling", "laughing", "sad")
]
images = np.stack([portrait.render(32) for portrait in drawn])
owner = np.repeat(np.arange(people), 4)
splits = {
    say("by picture", "按图像划分"): generator.permutation(len(drawn)) < len(drawn) // 4,
    say("by person", "按人划分"): generator.permutation(people)[owner] < people // 4,
}
names = ("face_shape", "hair_style", "clothing", "age")
print(" ".join(f"{name:>11}" for name in names), " ", say("label of the nearest", "照抄最近图像的标签"))
figure, axes = plt.subplots(figsize=(4.8, 2.2), layout="constrained")
copied, pairs = {}, []
for colour, (split, held_out) in zip(tp.plot.COLOURS, splits.items(), strict=False):
    training, validation = images[~held_out], images[held_out]
    axes.hist(nearest(training, validation), bins=np.arange(0, 90, 3), color=colour, alpha=0.8, label=split)
    twins = [int(np.argmin([nearest(picture[None], one[None])[0] for picture in training])) for one in validation]
    some = slice(None, None, len(validation) // 4)
    pairs += [*validation[some], *training[twins[some]]]
    copied[split] = {}
    for name in names:
        truth = np.array([portrait[name] for portrait in drawn])
        copied[split][name] = (truth[~held_out][twins] == truth[held_out]).mean()
    print(" ".join(f"{copied[split][name]:11.2f}" for name in names), " ", split)
guess = [max(np.mean([p[name] == value for p in drawn]) for value in ATTRIBUTES[name]) for name in names]
print(" ".join(f"{value:11.2f}" for value in guess), " ", say("most frequent value", "最常见的取值"))
axes.set(
    xlabel=say("distance to the nearest training picture, grey levels", "到最近训练图像的距离（灰度级）"),
    ylabel=say("pictures", "图像数"),
)
axes.legend(frameon=False, fontsize=8)
for name in ("face_shape", "hair_style"):
    assert copied[say("by picture", "按图像划分")][name] > 0.95 > 0.6 > copied[say("by person", "按人划分")][name]

# %% [markdown] id="twins" stamp="1608ac78-7a4ee2b1"
# Split by picture, copying is perfect; split by person, it is as good as guessing. The same method, the same pictures:
# only the second number is true. Below, validation pictures and their nearest training pictures for both splits. The
# splits of `portrait_world` can never meet, because each draws its portraits from its own range of seeds.
# ---
# 按图像划分时，照抄完美无缺；按人划分时，它和瞎猜一样。方法相同，图像相同：只有第二个数是真的。
# 下面是两种划分下的验证图像和与之最近的训练图像。`portrait_world` 的各个划分永远不会相遇，因为每个划分从各自的种子范围中取肖像。

# %% id="draw-twins"
rows = [
    say(*texts)
    for texts in (("by picture", "按图像"), ("its nearest", "最近的"), ("by person", "按人"), ("its nearest", "最近的"))
]
tp.plot.table(pairs, columns=[""] * 4, rows=rows, size=0.5)

# %% [markdown] id="folder" stamp="4f5cfcd6-09bdd4cc"
# ## A folder of your own
#
# Pictures of your own come as a folder, with a line of JSON for each picture in `metadata.jsonl`; `data/portraits` in
# the repository is such a folder. Here is another one, and what happens to folders in practice: a download that stopped
# half-way, a web page saved as a picture, a copy, and a copy that was compressed again under another name.
# ---
# ## 你自己的文件夹
#
# 你自己的图像可以放在一个文件夹里，`metadata.jsonl` 中每幅图一行 JSON；代码仓库里的 `data/portraits` 就是这样的文件夹。
# 下面是另一个，以及文件夹在现实中的遭遇：中断的下载、被存成图像的网页、一个副本，以及换了名字又重新压缩的副本。

# %% id="write-folder"
folder = tp.world.write("photos", 24, 64, seed=10**6, workers=1, progress=False)
line = json.loads((folder / "metadata.jsonl").read_text("utf-8").splitlines()[1])
print(line["file_name"], "|", line["text"], "|", line["text_zh"], "|", line["hidden"])
whole = (folder / "03.png").read_bytes()
Path(folder, "stopped.png").write_bytes(whole[: len(whole) // 2])
Path(folder, "page.jpg").write_text("<html>404</html>")
shutil.copy(folder / "05.png", folder / "copy.png")
Image.open(folder / "06.png").convert("RGB").save(folder / "again.jpg", quality=60)

# %% [markdown] id="check" stamp="4d9b9644-dce96765"
# In a shell the next cell is `tfportrait data check photos`. It reads every picture once. Equal files are found by a
# hash of their bytes; pictures that *look* the same by a hash of their 64 lowest frequencies, which survives scaling
# and usual compression. (`tfportrait data show photos --augment flip` draws what training would see.)
# ---
# 在命令行中，下一个单元格就是 `tfportrait data check photos`。它把每幅图读一遍。相同的文件由字节的哈希找出；
# *看起来* 相同的图像由 64 个最低频率的哈希找出，它经得起缩放和一般的压缩。（`tfportrait data show photos --augment flip` 会画出训练所看到的样子。）

# %% id="run-check"
report = check(folder, image_size=32, progress=False)
print(report.table())
assert len(report.bad) == 2 and ["06.png", "again.jpg"] in [sorted(group) for group in report.near_duplicates]

# %% [markdown] id="too-many" stamp="e03c725d-1ba83798"
# Training refuses such a folder, because more than 5 % of it are bad. Whoever has looked at the report may allow more:
# then the bad files are left out, with a warning that names them. Copies are not left out; that is for you to decide.
# ---
# 训练会拒绝这样的文件夹，因为其中超过 5 % 是坏的。看过报告的人可以放宽限制：坏文件会被跳过，并给出列出它们的警告。
# 副本不会被跳过；那由你来决定。

# %% id="refused"
try:
    tp.data.load(folder, image_size=32, batch_size=8)
except ValueError as error:
    print(str(error).partition(" (")[0])
source = tp.data.open_source(folder, "train", image_size=32, max_bad_fraction=0.1)
print(len(source), [Path(path).name for path, _ in source.report.bad])
assert len(source) == 26

# %% [markdown] id="end" stamp="c853b7f1-ea1ac9c4"
# ## What to remember
#
# * Pictures are NHWC from -1 to 1, and `uint8` only in files: subtract after the cast, clip before the cast back.
# * A number without a baseline says little: beside every accuracy stands that of the most frequent value.
# * Exact labels turn disagreement into error that can be counted. The oracle is right about 98 times of 100 here, and
#   answers even to noise.
# * Augmentation must change the label where it changes the truth, and a generator paints what augmentation invents.
# * Split by person (by source, by file's origin), never by picture; look for twins before training, not after.
#
# **Try**: at which quality does JPEG make two copies look different to `check`? How does the copying of labels fare if
# 1 person of 80 is in both sets?
# ---
# ## 本章要点
#
# * 图像是 -1 到 1 的 NHWC，只有在文件里才是 `uint8`：先转换类型再相减，先截断再转换回去。
# * 没有基线的数说明不了什么：每个准确率旁边都应有“最常见取值”的准确率。
# * 精确的标签使不一致成为可以数出来的错误。这里的判读器 100 次约对 98 次，而且连噪声也会作答。
# * 数据增强改变了事实，就必须改变标签；增强凭空造出的东西，生成器会画出来。
# * 按人（按来源、按文件出处）划分，不要按图像划分；在训练之前找出孪生图像，而不是之后。
#
# **试一试**：JPEG 质量降到多少时，`check` 会认为两个副本不同？如果 80 人中有 1 人同时在两个集合里，照抄标签的结果如何？
