# %% [markdown] id="title" stamp="2f28f684-484ac4f6"
# # Editing: restyle, inpaint, restore, enlarge
#
# Another style, a repaired corner, noise taken away, more pixels: all of these are one idea. A denoiser knows what
# pictures look like, and something of a given picture is held fast while it paints. What is held, and how, makes the
# difference. The world of this course can draw the same person in another style, without the damage, or twice as large,
# so each result is compared with the *right* picture.
#
# **You will** write two measures, find out which steps "strength" runs, walk DDIM backwards, hold a picture fast around a
# mask, derive what a damaged picture and a model say together, and learn what an edit costs: how much of the person is
# still there afterwards.
# ---
# # 编辑：换风格、局部重绘、修复、放大
#
# 换一种风格、修补一角、去掉噪声、增加像素，这些其实是同一个想法：去噪器知道图像应有的样子，作画时把给定图像的某些部分固定住。
# 固定什么、怎样固定，决定了它们的区别。本课程的世界能画出同一个人的另一种风格、没有损坏的原图、或两倍大的图，
# 因此每个结果都与 *正确的* 图像相比较。
#
# **你将** 写出两个度量，弄清“强度”运行哪些步，让 DDIM 反向行走，在掩码周围固定图像，推导损坏的图像与模型合起来说明了什么，
# 并知道一次编辑的代价：编辑之后，原来那个人还剩下多少。

# %% id="setup"
import io

import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
from IPython.display import Image

import tfportrait as tp
from tfportrait.models.generation import decode, encode_prompts, guided_denoiser
from tfportrait.tasks.filling import fill

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
COUNT = 6 if FAST else 48  # portraits
STEPS = 10 if FAST else 20
painter = tp.LatentDiffusion.from_preset("portrait_128")
oracle = tp.Oracle.from_preset("oracle_128")


def photo(figure, drawn=False):
    """A figure as a small file: a JPEG of pictures, a PNG of few colours of what is drawn."""
    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    plt.close(figure)
    picture = PIL.Image.open(buffer).convert("RGB")
    if drawn:
        picture.quantize(24).save(small, "png", optimize=True)
    else:
        picture.save(small, "jpeg", quality=55, optimize=True, progressive=True)
    return Image(small.getvalue(), format="png" if drawn else "jpeg")


def close_up(picture, rows, columns):
    """A part of a picture, each of its pixels four times as wide."""
    return picture[rows, columns].repeat(4, axis=0).repeat(4, axis=1)


# %% [markdown] id="measures" stamp="a2dc3ba1-57d8fd11"
# ## Two measures, each with its ends
#
# **Near**: the peak signal-to-noise ratio is the mean squared difference on a scale of decibels. 10 dB more are a tenth of
# the error.
#
# [[metrics.psnr]]
# ---
# ## 两个度量，以及各自的两端
#
# **接近**：峰值信噪比是用分贝表示的均方差。增加 10 dB，误差就降为十分之一。
#
# [[metrics.psnr]]


# %% id="ex-psnr" exercise="10-3"
def psnr(images, others):
    # <solution>
    error = ((images.astype(float) - others) ** 2).mean(axis=(1, 2, 3))
    return 10 * np.log10(255**2 / error)
    # </solution>


tp.course.grade("10-3", psnr, language=LANGUAGE)

# %% [markdown] id="who" stamp="026bcf8c-5ce272f5"
# **The same person**: an edit asks for something, and nothing else shall change. So leave out what was asked for; of all
# other attributes that the oracle reads, how many are as they should be? Call that share the *identity*.
# ---
# **同一个人**：编辑要求改变某样东西，其余都不应改变。因此去掉所要求的，在判读器读出的其他属性中，有多少与应有的一致？
# 这个比例称为 *身份*。


# %% id="ex-identity" exercise="10-6"
def identity(read, wanted, asked):
    # <solution>
    return (read == wanted)[:, ~asked].mean(axis=1)
    # </solution>


tp.course.grade("10-6", identity, language=LANGUAGE)

# %% id="portraits"
styles = ("soft", "watercolour", "anime", "flat", "oil", "soft", "flat", "watercolour")
goals = ("watercolour", "oil", "ink", "pixel", "pencil", "anime", "soft", "flat")
styles, goals = ([each[i % 8] for i in range(COUNT)] for each in (styles, goals))
portraits = [tp.world.sample(seed, style=style, pose="front") for seed, style in enumerate(styles, start=4 * 10**6)]
images = np.stack([portrait.render(128) for portrait in portraits])
right = np.stack([portrait.replace(style=goal).render(128) for portrait, goal in zip(portraits, goals, strict=True)])


def read(images):
    """What the oracle reads, a row for each picture: the numbers of the attributes' values, (N, A)."""
    return np.stack([*oracle.read(images).values()], axis=-1)


def asked(*names):
    return np.isin(list(oracle.attributes), names)


def words(portrait):
    """All that it has. What it has not is left unsaid: "no beard" orders a beard (chapter 7)."""
    return str(tp.world.compose({name: value for name, value in portrait.attributes.items() if value != "none"}, "en"))


def to_latents(images):
    return np.asarray(painter.autoencoder.encode(images.astype("float32") / 127.5 - 1))


def to_images(latents):
    return decode(painter, np.asarray(latents, "float32"))


sources = [words(portrait) for portrait in portraits]
targets = [words(portrait.replace(style=goal)) for portrait, goal in zip(portraits, goals, strict=True)]
print(targets[0])
latents, truth = to_latents(images), read(images)
there_and_back = to_images(latents)
ceiling = psnr(images, there_and_back).mean(), identity(read(there_and_back), truth, asked()).mean()
strangers = np.mean([identity(np.roll(truth, i, axis=0), truth, asked("style")).mean() for i in range(1, 6)])
print("{:.1f} dB, {:.2f}".format(*ceiling), say("to latents and back", "变成潜变量再变回来"))
print(f"         {strangers:.2f}", say("two strangers", "两个陌生人"))
assert 24 < ceiling[0] < 34 and ceiling[1] > 0.8 and strangers < 0.6

# %% [markdown] id="strength" stamp="7fb34c1a-640c9806"
# Whatever passes through the latents comes no nearer to a picture than the first line. And two different people have as
# many attributes in common as the second says: an edit with that identity has kept nobody.
#
# ## Image to image
#
# SDEdit (Meng et al. 2022) hides the details of a picture under noise and lets the sampler paint them again for other
# words. `strength` says how much is hidden: of $N$ steps the last $\lfloor\text{strength}\cdot N\rfloor$ are run, and the
# picture gets the noise with which the first of those begins. That is the forward process of chapter 4, and then the
# second half of any sampler of chapter 8.
# ---
# 凡是经过潜变量的，都不可能比第一行更接近原图。而两个不同的人，相同的属性也有第二行那么多：身份只有这么高的编辑，谁也没有留住。
#
# ## 图生图
#
# SDEdit（Meng 等人，2022）用噪声盖住图像的细节，再让采样器按别的文字重新画出。强度 `strength` 决定盖住多少：在 $N$ 步中运行最后
# $\lfloor\text{strength}\cdot N\rfloor$ 步，图像加上这些步的第一步开始时的噪声。也就是第 4 章的前向过程，
# 再接第 8 章任一采样器的后半程。


# %% id="ex-first-step" exercise="10-1"
def first_step(steps, strength):
    # <solution>
    return steps - int(strength * steps)
    # </solution>


tp.course.grade("10-1", first_step, language=LANGUAGE)


# %% id="own-restyle"
def denoiser(prompts, scale=4.0):
    """The painter as a denoiser for these prompts; scale 1 does without guidance."""
    texts = prompts if scale == 1 else [*prompts, *[""] * len(prompts)]
    predict = guided_denoiser(painter, encode_prompts(painter, texts), None if scale == 1 else scale, False)
    return lambda x, signal_rate, noise_rate: np.asarray(predict(x.astype("float32"), signal_rate, noise_rate))


seeds = list(range(COUNT))
noise = tp.diffusion.unit_noise(seeds, 0, latents.shape[1:])


def hidden(strength):
    """The latents under noise, and the rates of the steps that are left."""
    rates = tp.diffusion.spacing.rates(painter.schedule, "dpmpp_2m", STEPS)[first_step(STEPS, strength) :]
    signal_rate, noise_rate = rates[0]
    return signal_rate * latents + noise_rate * noise, rates


def restyle(prompts, strength):
    start, rates = hidden(strength)
    return to_images(tp.diffusion.samplers.get("dpmpp_2m")(denoiser(prompts), start, rates, None))


strengths = (0.1, 0.3, 0.5, 0.85, 1.0)
restyled = {strength: restyle(targets, strength) for strength in strengths}
theirs = tp.tasks.image_to_image(painter, images, targets, strength=0.5, seeds=0, num_steps=STEPS)
difference = np.abs(restyled[0.5] - theirs.astype(float)).mean()
print(say("difference from the package's:", "与本包结果之差："), f"{difference:.2f} / 255")
assert difference < 1
shown = (0.3, 0.85)
photo(
    tp.plot.table(
        [*to_images(np.stack([hidden(strength)[0][0] for strength in shown]))]
        + [restyled[strength][0] for strength in shown],
        columns=[f"{say('strength', '强度')} {strength:g}" for strength in shown],
        rows=(say("hidden", "盖住"), say("painted", "画出")),
        size=1.0,
    )
)

# %% [markdown] id="strengths" stamp="b7a25ea6-59d9325f"
# Above, the picture under more and more noise; below, what is painted from there. Now for all portraits: does the
# oracle find the new style, how much identity is left, how near is the result to the world's drawing? The first line is
# the picture as it was. (The oracle's own mistakes are on both sides: it reads the world's drawing, too. With six
# portraits, differences below about 0.1 mean little.)
# ---
# 上排是被越来越多的噪声盖住的图；下排是从那里画出的结果。再看全部肖像：判读器能读到新风格吗？
# 身份还剩多少？结果离世界所画的有多近？第一行是未改动的原图。（判读器自身的错误在两边都有：世界所画的图也由它来读。
# 只有六幅肖像时，小于约 0.1 的差别没有多少意义。）

# %% id="strength-table"
wanted = read(right)


def measures(painted):
    """The share with the new style, the identity, PSNR to the world's drawing."""
    found = read(painted)
    style = asked("style")
    reached = (found == wanted)[:, style].mean()
    return reached, identity(found, wanted, style).mean(), psnr(right, painted).mean()


table = {strength: measures(painted) for strength, painted in restyled.items()}
print(say("style  identity  dB   strength, steps", "风格   身份     dB   强度，步数"))
print("{:.2f}   {:.2f}     {:.1f}".format(*measures(images)), "-")
for strength, values in table.items():
    print("{:.2f}   {:.2f}     {:.1f}".format(*values), f"{strength:.2f}, {STEPS - first_step(STEPS, strength)}")
assert table[0.85][0] > table[0.1][0]

# %% [markdown] id="inversion" stamp="3e744f98-d196f26e"
# Little noise keeps the old style as well; much noise forgets the picture.
#
# ## DDIM backwards
#
# Random noise hides everything alike. But DDIM is a path without chance: it can be walked the other way, from the
# picture to *the* noise from which it would be painted (Song et al. 2021). At every step the network says what is noise
# in $x$, and its share is made larger instead of smaller.
#
# [[sampler.ddim]]
# ---
# 噪声少，旧风格也留了下来；噪声多，就忘了原图。
#
# ## 反向行走的 DDIM
#
# 随机噪声对一切一视同仁地掩盖。但 DDIM 的路径没有随机性：可以反着走，从图像走到 *恰好* 能画出它的那份噪声（Song 等人，2021）。
# 每一步由网络说出 $x$ 中哪些是噪声，再把它的比例变大而不是变小。
#
# [[sampler.ddim]]


# %% id="ex-inversion" exercise="10-4"
def inversion_step(x, noise, alpha_bar, next_alpha_bar):
    # <solution>
    x_0 = (x - np.sqrt(1 - alpha_bar) * noise) / np.sqrt(alpha_bar)
    return np.sqrt(next_alpha_bar) * x_0 + np.sqrt(1 - next_alpha_bar) * noise
    # </solution>


tp.course.grade("10-4", inversion_step, language=LANGUAGE)


# %% id="invert"
def invert(prompts, steps):
    """The noise from which DDIM paints the latents."""
    denoise = denoiser(prompts, 1)
    x, share = latents, 1.0
    for signal_rate, noise_rate in tp.diffusion.spacing.rates(painter.schedule, "ddim", steps)[-2::-1].tolist():
        predicted = (x - signal_rate * denoise(x, signal_rate, noise_rate)) / noise_rate
        x, share = inversion_step(x, predicted, share, signal_rate**2), signal_rate**2
    return x


def repaint(x, prompts, scale, steps=STEPS):
    rates = tp.diffusion.spacing.rates(painter.schedule, "ddim", steps)
    return to_images(tp.diffusion.samplers.get("ddim")(denoiser(prompts, scale), x, rates, None))


errors = []
for steps in (STEPS // 2, STEPS):
    found = invert(sources, steps)
    errors.append(psnr(there_and_back, repaint(found, sources, 1, steps)).mean())
    print(f"{errors[-1]:.1f} dB", say(f"there and back in {steps} steps each", f"往返各 {steps} 步"))
beside = np.corrcoef(found[:, :, :-1].ravel(), found[:, :, 1:].ravel())[0, 1]
print(say("the noise found: deviation, correlation of neighbours", "找到的噪声：标准差，相邻值的相关系数"), end=" ")
print(f"{found.std():.2f}, {beside:.2f}")
assert errors[0] < errors[-1] and errors[-1] > 20

# %% [markdown] id="use-inversion" stamp="c49ca234-1791a939"
# On the way there the network is asked about $x$ one step too early, so the way back ends beside the picture; more steps
# come nearer. What is found is not quite noise either: neighbours are alike. Painted from it with the *new* words, and
# with guidance:
# ---
# 去程中每一步都是早一步向网络询问 $x$，所以返程的终点在原图旁边；步数越多越接近。找到的也不完全是噪声：相邻的值彼此相像。
# 用 *新的* 文字加上引导，从它开始作画：

# %% id="use-inversion-code"
table["inversion"] = measures(repaint(found, targets, 4.0))
print("{:.2f}   {:.2f}     {:.1f}".format(*table["inversion"]), say("inversion", "反演"))

# %% [markdown] id="who-keeps" stamp="72f06a36-10f30939"
# ## Who keeps the person: the picture, or the words?
#
# In the table above even strength 1 has much identity, though nothing of the picture is left there. The *words* brought it
# back: they named hair, glasses, background, everything. Say nothing but the style, and see what the picture keeps.
# ---
# ## 是谁留住了这个人：图像，还是文字？
#
# 在上面的表中，强度为 1 时身份仍然不低，而那时原图已荡然无存。是 *文字* 把它带了回来：头发、眼镜、背景，样样都说到了。
# 那就只说风格，别的什么都不说，看看图像自己能留住什么。


# %% id="only-style"
def of_style(names):
    return [str(tp.world.compose({"style": name}, "en")) for name in names]


print(of_style(goals)[0])
pictures = {strength: restyle(of_style(goals), strength) for strength in (0.5, 0.85, 1.0)}
pictures["inversion"] = repaint(invert(of_style(styles), STEPS), of_style(goals), 4.0)
alone = {name: measures(painted) for name, painted in pictures.items()}
print(say("style  identity  dB   strength", "风格   身份     dB   强度"))
for name, values in alone.items():
    print(
        "{:.2f}   {:.2f}     {:.1f}".format(*values), say("inversion", "反演") if name == "inversion" else f"{name:.2f}"
    )
assert alone[1.0][1] < alone["inversion"][1] and alone[1.0][1] < table[1.0][1]
columns = {
    say("picture", "原图"): images,
    say("noise, 0.85", "加噪 0.85"): pictures[0.85],
    say("inversion", "反演"): pictures["inversion"],
    say("the world", "世界所画"): right,
}
photo(
    tp.plot.table(
        [column[i] for i in (1, 3) for column in columns.values()],
        columns=list(columns),
        rows=[tp.world.tags({"style": goals[i]}, LANGUAGE) for i in (1, 3)],
        size=0.8,
    )
)

# %% id="draw-identity"
figure, axes = plt.subplots(figsize=(4.4, 2.2), layout="constrained")
for values, colour, label in (
    (table, tp.plot.COLOURS[0], say("all is said", "全部说出")),
    (alone, tp.plot.COLOURS[1], say("the style is said", "只说风格")),
):
    by_noise = [name for name in values if name != "inversion"]
    axes.plot(by_noise, [values[name][1] for name in by_noise], "o-", color=colour, markersize=4, label=label)
    axes.plot([1.25], [values["inversion"][1]], "D", color=colour, markersize=5)
for height, label in (
    (ceiling[1], say("to latents and back", "变成潜变量再变回来")),
    (strangers, say("two strangers", "两个陌生人")),
):
    axes.axhline(height, color="black", linestyle=":", linewidth=1)
    axes.text(0.08, height + 0.01, label, fontsize=8, va="bottom")
axes.set(ylim=(0, 1.12), ylabel=say("identity", "身份"), xlabel=say("strength of the noise", "加噪强度"))
axes.set_xticks([*strengths, 1.25], [*map(str, strengths), say("inversion", "反演")])
axes.legend(frameon=False, fontsize=8, loc="lower center")
photo(figure, drawn=True)

# %% [markdown] id="inpainting" stamp="09e1f4ab-485368ac"
# With nothing but the style said, noise of full strength paints strangers, and noise of 0.85 keeps far less than before.
# Inversion reaches the style *and* keeps nearly as much as before: the noise that it finds carries the person. (With
# all said the two differ little; on 128 portraits the README has style and identity 0.85 and 0.85 for inversion, 0.79
# and 0.82 for noise of 0.85.) While words name everything, a high identity says nothing about the method: tell which
# words were given.
#
# ## Inpainting: hold the rest fast
#
# A mask says what is painted anew. After each step all latents outside it are replaced by those of the known picture,
# *with the noise of this step* (Lugmayr et al. 2022), so that the network sees one picture of one noise level, and what
# it paints inside goes with what is outside. No training is needed.
# ---
# 只说风格时，满强度的加噪画出的是陌生人，强度 0.85 保住的比前面少得多。反演 *既* 达到了风格，保住的也几乎与前面一样多：
# 它找到的噪声里带着这个人。（全部说出时，两者相差不大；README 在 128 幅肖像上测得的风格与身份：反演为 0.85 和 0.85，
# 强度 0.85 的加噪为 0.79 和 0.82。）只要文字说出了一切，身份高就说明不了方法好：要交代给了哪些文字。
#
# ## 局部重绘：固定其余部分
#
# 掩码指出要重画的部分。每一步之后，掩码外的潜变量都换成已知图像的潜变量，*并加上这一步的噪声*（Lugmayr 等人，2022）。
# 这样网络看到的是噪声水平一致的一幅图，里面画的就会与外面相配。不需要训练。


# %% id="ex-keep-known" exercise="10-2"
def keep_known(painted, known, noise, mask, alpha_bar):
    # <solution>
    return mask * painted + (1 - mask) * (np.sqrt(alpha_bar) * known + np.sqrt(1 - alpha_bar) * noise)
    # </solution>


tp.course.grade("10-2", keep_known, language=LANGUAGE)

# %% id="own-inpaint"
mask = np.zeros((128, 128), bool)
mask[48:104, 32:96] = True  # eyes, nose and mouth
cells = mask[::8, ::8, None].astype("float32")  # of the latents, each of 8 x 8 pixels
smooth = fill(images.astype("float32"), np.repeat(mask[None], COUNT, axis=0))  # like a membrane over the hole
known = to_latents(smooth)
rates = tp.diffusion.spacing.rates(painter.schedule, "ddim", STEPS)


def inpaint(keep):
    denoise, x = denoiser(sources), noise
    for (signal, level), (next_signal, next_level) in zip(rates[:-1], rates[1:], strict=True):
        x_0 = denoise(x, signal, level)
        x = next_signal * x_0 + next_level * (x - signal * x_0) / level
        x = keep(x, known, noise, cells, min(next_signal**2, 1.0))
    return to_images(x)


def pasted(painted):
    return np.where(mask[..., None], painted, images)


def seam(pictures):
    """Mean step from pixel to pixel across the border of the mask."""
    pictures = pictures.astype(float)
    across = mask[:, 1:] != mask[:, :-1], mask[1:] != mask[:-1]
    steps = pictures[:, :, 1:] - pictures[:, :, :-1], pictures[:, 1:] - pictures[:, :-1]
    return np.mean([np.abs(step[:, where]).mean() for step, where in zip(steps, across, strict=True)])


def inside(pictures):
    return pictures[:, 48:104, 32:96]


decoded = inpaint(keep_known)
filled = {
    say("smooth", "平滑填充"): smooth.round().astype("uint8"),
    say("not held", "不固定"): pasted(inpaint(lambda painted, *others: painted)),
    say("no noise", "固定不加噪"): pasted(inpaint(lambda x, known, noise, mask, share: mask * x + (1 - mask) * known)),
    say("yours", "你的"): pasted(decoded),
    say("package", "本包"): tp.tasks.inpaint(painter, images, mask, sources, seeds=0, num_steps=STEPS),
}
face = asked("expression", "eye_color", "glasses", "facial_hair")
print(say("PSNR inside, attributes of the face, seam", "掩码内的 PSNR，面部属性，接缝"))
numbers = {}
for name, pictures in filled.items():
    numbers[name] = psnr(inside(images), inside(pictures)).mean(), identity(read(pictures), truth, ~face).mean()
    print("{:5.1f} dB  {:.2f}".format(*numbers[name]), f" {seam(pictures):5.1f} ", name)
print(f"{'':10s} 1.00  {seam(images):5.1f} ", say("original", "原图"))
assert numbers[say("yours", "你的")][1] > numbers[say("smooth", "平滑填充")][1]
photo(
    tp.plot.table(
        [row[1] for row in (*list(filled.values())[:2], pasted(decoded), images)],
        columns=[*list(filled)[:2], say("yours", "你的"), say("original", "原图")],
        size=0.8,
    )
)

# %% [markdown] id="outside" stamp="7d2c78a1-a56b303a"
# *Smooth* is what is known without any model. *Not held* paints a face of its own and pastes it: the seam gives it away.
# Held *without noise*, the known part looks as nothing did in training; this network forgives it (on 48 portraits: 15.7
# dB without, 15.3 with it). The package replaces what the network *predicts* instead of $x$, so that
# the sampler's own noise stays consistent. That most attributes are right in the four that were painted is the words'
# merit again.
#
# And outside? The latents were held, and yet:
# ---
# *平滑填充* 是不用任何模型就能知道的。*不固定* 是另画一张脸再贴上去，接缝露了馅。*固定不加噪* 时，已知部分是训练中从未见过的样子；
# 这个网络倒不介意（在 48 幅肖像上：不加噪 15.7 dB，加噪 15.3 dB）。本包替换的是网络的 *预测* 而不是 $x$，
# 使采样器自身的噪声保持一致。作画得到的四种，面部属性大多正确，这仍然是文字的功劳。
#
# 掩码之外呢？潜变量是固定住的，可是：

# %% id="bits"
package = filled[say("package", "本包")]
for name, pictures in ((say("decoded", "解码所得"), decoded), (say("package", "本包"), package)):
    off = np.abs(pictures[:, ~mask].astype(int) - images[:, ~mask])
    print(
        f"{off.mean():.2f}, {off.max():3d}",
        say("of 255: mean and largest difference outside,", "/ 255：掩码外的平均差与最大差，"),
        name,
    )
again = images[:2]
for _ in range(10):
    again = to_images(to_latents(again))
fresh, worn = (psnr(images[:2], each).mean() for each in (there_and_back[:2], again))
print(f"{fresh:.1f} -> {worn:.1f} dB", say("after one and ten times of coding", "编码一次与十次之后"))
assert worn < fresh - 3
assert (package[:, ~mask] == images[:, ~mask]).all()

# %% [markdown] id="paste" stamp="1cd21156-9bd95966"
# Held latents are not held pixels: the autoencoder shows them a little differently, every time, and after ten edits the
# untouched part has worn out. So the pixels themselves must be pasted. The package pastes so that no seam
# remains: how the autoencoder errs outside is continued smoothly into the mask and taken off there (Pérez et al. 2003).
# Outside, every pixel is the original's, bit for bit.
#
# What is inside follows the words. So inpainting is editing, too, and so is its reverse, painting beyond the borders:
# ---
# 固定了潜变量，并不等于固定了像素：每经过一次自编码器，画面都有一点不同；编辑十次之后，没动过的部分已经磨损。所以必须粘贴像素本身。
# 本包粘贴时不留接缝：自编码器在掩码外的误差被平滑地延伸到掩码内并扣除（Pérez 等人，2003）。掩码之外，每个像素都与原图逐位相同。
#
# 掩码之内听从文字。所以局部重绘也是编辑；反过来，画到边界之外也是：

# %% id="edit"
eyes = np.zeros((128, 128), bool)
eyes[44:76, 28:100] = True
changed = [words(portrait.replace(glasses="sunglasses")) for portrait in portraits]
sunglasses = tp.tasks.inpaint(painter, images, eyes, changed, seeds=0, num_steps=STEPS)
seen = read(sunglasses)
wearing = (seen[:, asked("glasses")] == oracle.attributes["glasses"].index("sunglasses")).mean()
kept_behind = identity(seen, truth, asked("glasses", "eye_color")).mean()
print(f"{wearing:.2f}, {kept_behind:.2f}", say("sunglasses found, identity", "读到墨镜，身份"))

middle = images[:, :, 32:96]
wider = tp.tasks.outpaint(painter, middle, (0, 32, 0, 32), sources, seeds=0, num_steps=STEPS)
drawn_out = np.pad(middle, ((0, 0), (0, 0), (32, 32), (0, 0)), "edge")
for pictures, name in ((drawn_out, say("edge drawn out", "边缘拉长")), (wider, say("painted", "画出"))):
    sides = psnr(*(np.concatenate([each[:, :, :32], each[:, :, 96:]], axis=2) for each in (images, pictures))).mean()
    beyond = identity(read(pictures), truth, asked()).mean()
    print(f"{sides:.1f} dB, {beyond:.2f}", name)
assert (wider[:, :, 32:96] == middle).all() and kept_behind > 0.7
photo(
    tp.plot.table(
        [images[0], sunglasses[0], wider[0]],
        columns=say(("picture", "sunglasses", "sides painted"), ("原图", "墨镜", "两侧重画")),
        size=0.8,
    )
)

# %% [markdown] id="posterior" stamp="e142b3c2-537cd21c"
# PSNR and oracle agree: beside the middle, the painter does far better than a drawn-out edge. Where in the sky the moon
# stands, the words do not say, so it is painted anywhere.
#
# ## Restoring: what is left, and what is known of pictures
#
# Noise, blur, lost pixels: damage is a known function $A$ and some noise, $y = A x_0 + \text{noise}$. To run it backwards
# is an *inverse problem*, and has no single answer, because $A$ has lost something. The model says the rest. At each step
# it expects $\hat x_0$, wrong by a variance $r_t^2$; what was seen has the variance $\sigma_y^2$. Of two normal
# distributions together the most probable value is a mean weighted by certainty (Song et al. 2023):
#
# [[tasks.restore]]
#
# $\sigma_d$ is the deviation of the data, about 0.5 for pixels from -1 to 1. For damage that treats every pixel by
# itself, $A$ is a number $a$ for each pixel: 1 where it survived, 0 where it is lost. The sampler does not begin with
# pure noise but, as image to image does, with the smooth filling under as much noise as signal.
# ---
# PSNR 与判读器的结论一致：在中间部分的两侧，画出来的比把边缘拉长好得多。月亮在天空的哪一边，文字没有说，于是随意画了一处。
#
# ## 修复：剩下的，加上对图像的了解
#
# 噪声、模糊、丢失的像素：损坏就是一个已知的函数 $A$ 加上一些噪声，$y = A x_0 + \text{噪声}$。把它反过来是一个 *反问题*，
# 答案不唯一，因为 $A$ 丢掉了一些东西。其余由模型来说。每一步模型给出 $\hat x_0$，误差方差为 $r_t^2$；观测的方差为 $\sigma_y^2$。
# 两个正态分布合在一起，最可能的值是按可信程度加权的平均（Song 等人，2023）：
#
# [[tasks.restore]]
#
# $\sigma_d$ 是数据的标准差，像素取 -1 到 1 时约为 0.5。如果损坏是逐像素的，$A$ 就是每个像素一个数 $a$：保留处为 1，丢失处为 0。
# 采样并不从纯噪声开始，而是像图生图那样，从平滑填充加上与信号同样强的噪声开始。


# %% id="ex-posterior" exercise="10-5"
def posterior_mean(x_0, y, a, variance, noise_variance):
    # <solution>
    return x_0 + variance * a / (variance * a**2 + noise_variance) * (y - a * x_0)
    # </solution>


tp.course.grade("10-5", posterior_mean, language=LANGUAGE)

# %% id="own-restore"
model = tp.PixelDiffusion.from_preset("pixels_128")  # knows portraits, takes no words, has no autoencoder
few = slice(0, 4 if FAST else COUNT)
true = images[few]
clean = true.astype("float32") / 127.5 - 1
survived = (np.random.default_rng(0).uniform(size=(len(true), 128, 128, 1)) < 0.5).astype("float32")
level = 30 / 127.5  # deviation of the noise, where pixels go from -1 to 1
y = survived * (clean + level * tp.diffusion.unit_noise(seeds[few], 9, clean.shape[1:]))
filling = fill(y, survived[..., 0] == 0)


def restore(sample, steps=8):
    """A picture that agrees with y, and looks like a portrait, float32."""
    rates = tp.diffusion.spacing.rates_below(model.schedule, 1.0, steps)

    def denoise(x, signal_rate, noise_rate):
        predicted = np.asarray(model.denoise(x, signal_rate, noise_rate))
        variance = 1 / (1 / 0.5**2 + (signal_rate / noise_rate) ** 2)  # r_t squared
        return posterior_mean(predicted, y, survived, variance, level**2).astype("float32")

    def fresh(i):
        return tp.diffusion.unit_noise(seeds[few], 100 * sample + i + 1, y.shape[1:])

    x = rates[0, 0] * filling + rates[0, 1] * fresh(-1)
    return np.asarray(tp.diffusion.samplers.get("ddpm")(denoise, x.astype("float32"), rates, fresh))


def as_pixels(x):
    return ((x.clip(-1, 1) + 1) * 127.5).round().astype("uint8")


def sharpness(pictures):
    """The step between neighbours that only one of 50 exceeds, in that of the originals."""
    steps = [np.quantile(np.abs(np.diff(each.astype(float), axis=2)), 0.98) for each in (pictures, true)]
    return steps[0] / steps[1]


samples = [restore(sample) for sample in range(4)]
noisy, blurred = tp.tasks.degrade(true, "gaussian", 50), tp.tasks.degrade(true, "blur", 2)
results = {
    say("half of the pixels lost, the rest noisy: smooth filling", "丢失一半像素，其余有噪声：平滑填充"): as_pixels(
        filling
    ),
    say("    one sample", "    一个样本"): as_pixels(samples[0]),
    say("    mean of four", "    四个样本的平均"): as_pixels(np.mean(samples, axis=0)),
    say("noise of 50 grey levels", "50 级噪声"): noisy,
    say("    restored", "    修复后"): tp.tasks.restore(model, noisy, "gaussian", level=50),
    say("blur of 2 pixels", "2 像素的模糊"): blurred,
    say("    restored ", "    修复后 "): tp.tasks.restore(model, blurred, "blur", level=2, samples=1, num_steps=8),
}
print(say("PSNR, sharpness (1: as the original), identity", "PSNR，锐度（1 为原图），身份"))
numbers = []
for name, pictures in results.items():
    kept = identity(read(pictures), truth[few], asked()).mean()
    numbers.append((psnr(true, pictures).mean(), sharpness(pictures), kept))
    print("{:5.1f} dB  {:.2f}  {:.2f} ".format(*numbers[-1]), name)
guessed, one, mean, noised, denoised, soft, deblurred = numbers
assert mean[0] > one[0] > guessed[0] and one[1] > mean[1]
assert denoised[0] > noised[0] + 5 and deblurred[0] > soft[0] + 2
lost = as_pixels(np.where(survived == 1, y, 1))
shown = [lost, as_pixels(samples[0]), as_pixels(np.mean(samples, axis=0)), true]
titles = say(("what is left", "a sample", "mean of four", "original"), ("剩下的", "一个样本", "四个的平均", "原图"))
face_of = slice(40, 88), slice(40, 88)
photo(tp.plot.table([close_up(pictures[2], *face_of) for pictures in shown], columns=titles, size=1.2))

# %% [markdown] id="means" stamp="dc2aeb38-55a27ecc"
# A sampler gives one possible picture; its details are one guess of many. The mean of several guesses lies nearer to the
# truth and is softer. PSNR rewards the mean, however it looks: never choose a restorer by PSNR alone. And
# before you trust a restored face: what was lost is *invented*. It is likely, and need not be true.
#
# ## Twice the size
#
# Enlarging is the same problem: $A$ takes the mean of 2 x 2 pixels, without noise. Then the formula says: of all large
# pictures whose means are the small one, take the nearest to what the model expects.
# ---
# 采样器给出一种可能的图像，细节只是许多猜测之一。多个猜测的平均更接近真相，也更柔和。
# PSNR 奖励平均，无论它好不好看：不要只凭 PSNR 选择修复方法。
# 在相信一张修复的脸之前要记住：丢失的部分是 *编出来的*，它是可能的，却未必是真的。
#
# ## 两倍大小
#
# 放大是同一个问题：$A$ 取 2 x 2 像素的平均，没有噪声。公式此时的意思是：在平均后等于小图的所有大图中，取离模型的预测最近的一幅。


# %% id="ex-faithful" exercise="10-7"
def faithful(large, small):
    # <solution>
    count, height, width, channels = small.shape
    means = large.reshape(count, height, 2, width, 2, channels).mean(axis=(2, 4))
    return large + (small - means).repeat(2, axis=1).repeat(2, axis=2)
    # </solution>


tp.course.grade("10-7", faithful, language=LANGUAGE)

# %% id="upscale"
large = np.stack([portrait.render(256) for portrait in portraits])


def reduced(pictures):
    count, side, _, channels = pictures.shape
    return pictures.reshape(count, side // 2, 2, side // 2, 2, channels).mean(axis=(2, 4)).round().astype("uint8")


small = reduced(large.astype(float))
bicubic = np.stack(
    [np.asarray(PIL.Image.fromarray(each).resize((256, 256), PIL.Image.Resampling.BICUBIC)) for each in small]
)
enlarged = {
    say("nearest", "最近邻"): small.repeat(2, axis=1).repeat(2, axis=2),
    say("bicubic", "双三次"): bicubic,
    say("bicubic, faithful", "双三次，一致"): faithful(bicubic.astype(float), small)
    .clip(0, 255)
    .round()
    .astype("uint8"),
    say("diffusion", "扩散"): tp.tasks.upscale(small, 2, seeds=0),
}
numbers = {}
for name, pictures in enlarged.items():
    off = np.abs(reduced(pictures.astype(float)) - small.astype(float)).max()
    numbers[name] = psnr(large, pictures).mean(), tp.metrics.ssim(large, pictures).mean(), off
    print("{:.1f} dB, SSIM {:.3f},".format(*numbers[name]), say("reduced", "缩小后"), f"± {off:.0f} ", name)
plain, true_to_it, painted = (numbers[name] for name in list(enlarged)[1:])
assert painted[0] > plain[0] + 1 and true_to_it[0] > plain[0] and painted[2] <= 2
eye = slice(108, 140), slice(88, 120)
photo(
    tp.plot.table(
        [close_up(pictures[3], *eye) for pictures in (bicubic, list(enlarged.values())[-1], large)],
        columns=[*list(enlarged)[1::2], say("original", "原图")],
        size=1.5,
    )
)

# %% [markdown] id="cost" stamp="fbcdc517-65ab2fd6"
# *Faithful* alone improves bicubic enlargement, for nothing. (± 12 is what cutting off at 0 and 255 spoils again.) What
# the diffusion model, `upscale_2x`, trained for nothing but this, adds is what such pictures look like: clean edges.
# Reduced again, its result is the input within rounding; what was given has been kept, and only what was missing is
# invented. SSIM compares local means, contrasts and patterns, and is 1 for equal pictures; here it sees no difference
# between the faithful bicubic picture and the diffusion model's, while PSNR and the eye do.
#
# ## What an edit costs
#
# All edits of this chapter in one measure, dearest first:
# ---
# 仅仅让结果与小图 *一致*，就改善了双三次放大，而且没有代价。（± 12 是截断到 0 与 255 造成的。）
# 扩散模型 `upscale_2x` 专为放大而训练，它加入的是这类图像应有的样子：清晰的边缘。
# 它的结果再缩小，就是输入（只差舍入）；给定的都保留了，只有缺少的才是编出来的。
# SSIM 比较局部的均值、对比度与结构，相同的图为 1；它在这里分不出一致的双三次与扩散模型，PSNR 和眼睛则能分出。
#
# ## 编辑的代价
#
# 把本章的所有编辑用同一个度量排在一起，代价大的在前：

# %% id="costs"
costs = {
    say("two strangers", "两个陌生人"): strangers,
    say("nothing done, read for the new style", "未作改动，按新风格判读"): measures(images)[1],
    say("restyled by noise of 0.85, only the style said", "加噪 0.85 换风格，只说风格"): alone[0.85][1],
    say("restyled by noise of 0.85, all said", "加噪 0.85 换风格，全部说出"): table[0.85][1],
    say("restyled by inversion, only the style said", "反演换风格，只说风格"): alone["inversion"][1],
    say("restyled by inversion, all said", "反演换风格，全部说出"): table["inversion"][1],
    say("to latents and back", "变成潜变量再变回来"): ceiling[1],
    say("sunglasses put on", "戴上墨镜"): kept_behind,
    say("sides painted anew", "两侧重画"): beyond,
    say("smooth filling of half of the pixels", "一半像素的平滑填充"): guessed[2],
    say("restored from half of the pixels", "从一半的像素修复"): one[2],
}
for name, value in sorted(costs.items(), key=lambda cost: cost[1]):
    print(f"{value:.2f}", name)

# %% [markdown] id="cost-end" stamp="17ff852b-67bcb12d"
# What is pasted costs nothing, what is held costs little, and what is hidden is gone, unless words bring it back.
#
# Restyled pictures are compared with the world's drawing in the new style, where the untouched picture itself has only
# 0.92; the rest are compared with the picture as it was. So the two groups have different ends. And the smooth filling
# has 0.99 as well: identity does not judge a restorer.
#
# Identity is here what the oracle counts: 18 attributes. Two people who have them all in common are one person to it. For
# photographs one takes the similarity that a network for face recognition sees; it needs the same two ends beside it,
# the picture itself after the autoencoder, and strangers.
# ---
# 粘贴的没有代价，固定的代价很小；被盖住的就没有了，除非文字把它带回来。
#
# 换风格的结果与世界用新风格所画的图比较，此时未改动的原图也只有 0.92；其余的与原图比较，因此两组的上端不同。
# 平滑填充也有 0.99：身份不能用来评判修复。
#
# 这里的身份由判读器数出来：18 个属性。所有属性都相同的两个人，在它看来就是同一个人。对于照片，通常用人脸识别网络给出的相似度；
# 旁边同样要放上这两端：只经过自编码器的原图，以及陌生人。

# %% [markdown] id="end" stamp="16592b67-e3a8f6a2"
# ## What to remember
#
# * Editing is sampling with something held fast: a noise level, a found noise, latents outside a mask, a damaged picture.
# * Strength runs the last steps; it trades the old picture against the new words.
# * What is held gets the noise of the step, as in training; whether a network forgives its absence is to be measured
#   (this one does). Held latents are not held pixels: paste, and outside the mask every bit is the original's.
# * A posterior is a mean weighted by certainty. One sample is sharp, a mean of samples is near: say which you report.
# * Compare with the right picture wherever one exists, with the simplest method (smooth filling, bicubic) always, and
#   identity with two strangers.
#
# **Try**: a mask of half a latent around the eyes. What does the package do with a latent that lies half outside? How
# many of the pixels may be lost before the oracle no longer reads the expression?
# ---
# ## 本章要点
#
# * 编辑就是固定某些东西的采样：一个噪声水平、一份找到的噪声、掩码外的潜变量、一幅损坏的图像。
# * 强度运行最后若干步；它在旧图像与新文字之间取舍。
# * 固定的部分应带有该步的噪声，如同训练时那样；网络能否容忍没有噪声，要靠测量（这个网络能）。固定潜变量不等于固定像素：要粘贴，掩码之外才与原图逐位相同。
# * 后验是按可信程度加权的平均。单个样本清晰，样本的平均接近真相：报告时要说明是哪一个。
# * 只要存在正确的图像，就与它比较；永远与最简单的方法（平滑填充、双三次）比较；身份则与两个陌生人比较。
#
# **试一试**：在眼睛周围取宽度只有半个潜变量的掩码。对半在掩码外的潜变量，本包怎样处理？丢失多少像素之后，判读器就读不出表情了？
