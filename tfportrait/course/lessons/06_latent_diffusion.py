# %% [markdown] id="title" stamp="b7ff9b62-396ecfc0"
# # Latent diffusion: why compress
#
# Chapter 5 trained a network on the pixels of tiny portraits. Larger pictures cost more, and most of what they cost goes
# into what nobody sees. Stable Diffusion therefore paints in a smaller space: an autoencoder makes *latents* of
# pictures, and the diffusion of chapters 4 and 5 happens among these. This is a choice, not what diffusion is: adding
# noise changes no dimension (`errata.diffusion_is_an_autoencoder`).
#
# **You will** count what compression saves, measure what it costs and where, find the number by which latents are
# scaled and see what a wrong one does, disturb latents, encode a training set once for all, and continue the training of
# a half-trained painter and measure what that changes.
# ---
# # 潜扩散：为什么要压缩
#
# 第 5 章在很小的肖像的像素上训练网络。图像越大代价越高，而大部分代价花在没有人看得见的细节上。
# 因此 Stable Diffusion 在更小的空间里作画：自编码器把图像变成 *潜变量*，第 4、5 章的扩散就在其中进行。这是一种选择，并不是扩散的本质：
# 加噪不改变维数（`errata.diffusion_is_an_autoencoder`）。
#
# **你将** 算出压缩省下多少，测量它的代价以及代价出在哪里，求出潜变量的缩放系数并看到用错的后果，扰动潜变量，
# 把训练集一次编码完，再把一个训练了一半的绘画模型继续训练一小段，并测量改变了什么。

# %% id="setup"
import io
import math
import os
import tempfile
import time

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image

import tfportrait as tp
from tfportrait.models.generation import encode_prompts, guided_denoiser
from tfportrait.models.oracle import resized

# isort: split
import keras
import tensorflow as tf

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
os.environ["TFPORTRAIT_CACHE"] = tempfile.mkdtemp()  # so that nothing has been computed before
COUNT = 32 if FAST else 256
painter = tp.LatentDiffusion.from_preset("portrait_128")
autoencoder, oracle = painter.autoencoder, tp.Oracle.from_preset("oracle_128")
texts, named, portraits = tp.metrics.held_out_prompts(COUNT)
images = np.stack([portrait.render(128) for portrait in portraits])


def photo(figure):
    """A figure of pictures as JPEG, which keeps the notebook small."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="jpeg", dpi=96, pil_kwargs={"quality": 45, "progressive": True})
    return Image(buffer.getvalue(), format="jpeg")


# %% [markdown] id="numbers" stamp="b529ad4e-6bbf9d10"
# ## What compression buys
#
# The autoencoder of the shipped painter divides both sides of a picture by eight and keeps eight channels, that of Stable
# Diffusion keeps four. How many numbers fewer are those?
# ---
# ## 压缩换来什么
#
# 随包绘画模型的自编码器把图像的两条边都除以八，保留八个通道；Stable Diffusion 的保留四个。数值个数少了多少倍？


# %% id="ex-compression" exercise="06-2"
def compression(height, width, channels):
    # <solution>
    return 3 * 64 / channels
    # </solution>


tp.course.grade("06-2", compression, language=LANGUAGE)

# %% [markdown] id="work" stamp="aa1bc973-99b5f102"
# Numbers are cheap; multiplications are not. A convolution makes them at every place:
# ---
# 数值本身不贵，乘法才贵。卷积在每个位置上都要做乘法：


# %% id="ex-multiplications" exercise="06-7"
def multiplications(height, width, kernel, channels_in, channels_out):
    # <solution>
    return height * width * kernel**2 * channels_in * channels_out
    # </solution>


tp.course.grade("06-7", multiplications, language=LANGUAGE)

# %% [markdown] id="pairs" stamp="83714d9c-59aa1957"
# Self-attention compares every place with every other, so it falls faster than the number of places:
# ---
# 自注意力把每个位置与其他所有位置比较，因此它比位置数降得更快：


# %% id="ex-attention" exercise="06-5"
def attention_ratio(side, factor):
    # <solution>
    return factor**4
    # </solution>


tp.course.grade("06-5", attention_ratio, language=LANGUAGE)

# %% [markdown] id="count-text" stamp="59436e55-43d6fe81"
# Now count. The U-Net of the painter is traced once for its 16 x 16 latents and once as if it worked on 128 x 128 pixels;
# your function adds up its convolutions, and products of matrices are counted beside them. Then each is timed for one
# picture, one evaluation.
# ---
# 现在来数。把绘画模型的 U-Net 追踪两次：一次用它的 16 x 16 潜变量，一次假装它直接处理 128 x 128 像素。
# 用你的函数累加卷积的乘法，矩阵乘积另外计数。然后分别对一幅图、一次求值计时。


# %% id="count"
def seconds(function):
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def work(side):
    """Multiplications of the U-Net by kind, and seconds, for one picture with so many places along a side."""
    run = tf.function(lambda x: painter.unet(x, tf.zeros(1), context), autograph=False)
    x = tf.zeros((1, side, side, painter.latent_channels))
    count = {"convolutions": 0, "layers of attention": 0, "pairs of places": 0}
    for operation in run.get_concrete_function(x).graph.get_operations():
        if operation.type in ("Conv2D", "Conv2DBackpropInput"):  # the second one enlarges
            kernel = operation.inputs[1].shape
            places = (operation.outputs[0] if operation.type == "Conv2D" else operation.inputs[2]).shape
            count["convolutions"] += multiplications(places[1], places[2], kernel[0], kernel[2], kernel[3])
        elif operation.type in ("MatMul", "BatchMatMulV2"):
            first, second = (tensor.shape for tensor in operation.inputs)
            product = math.prod(length or 1 for length in operation.outputs[0].shape) * first[-1]
            pairs = len(second) == 4 and "attn1" in operation.name  # the others are with words, or with weights
            count["pairs of places" if pairs else "layers of attention"] += product
    if side < 64:
        run(x)  # the first call also prepares, which takes long for a small one
    return count, seconds(lambda: run(x).numpy())[1]


context = tf.convert_to_tensor(encode_prompts(painter, texts[:1]))
small, large = work(16), work(128)
rows = zip(
    (say("convolutions", "卷积"), say("layers of attention", "注意力层"), say("pairs of places", "位置对")),
    small[0].values(),
    large[0].values(),
    strict=True,
)
print(
    say("numbers fewer:", "数值减少倍数："),
    f"{compression(128, 128, 8):.0f}, Stable Diffusion {compression(512, 512, 4):.0f}",
)
print(say("million multiplications, latents and pixels, ratio:", "乘法（百万次），潜变量与像素，比值："))
for name, few, many in rows:
    print(f"{few / 1e6:8.0f} {many / 1e6:8.0f} {many / few:6.0f}  {name}")
few, many = (sum(count.values()) for count, _ in (small, large))
print(f"{few / 1e6:8.0f} {many / 1e6:8.0f} {many / few:6.0f}  {say('together', '合计')}")
print(say("seconds:", "秒："), f"{small[1]:.3f} {large[1]:.2f}")
assert large[0]["pairs of places"] == attention_ratio(128, 8) * small[0]["pairs of places"]
assert many / few > 64 and large[1] > 10 * small[1]

# %% [markdown] id="cost" stamp="9bda5d22-e406c5dc"
# ## What it costs
#
# What the autoencoder loses the painter can never paint. How much is that? The peak signal-to-noise ratio is the mean
# squared error in decibels; 10 dB more are a tenth of the error. The formula below is for pictures in [0, 255];
# between -1 and 1 the range is 2.
#
# [[metrics.psnr]]
# ---
# ## 它的代价
#
# 自编码器丢掉的，绘画模型永远画不出来。丢了多少？峰值信噪比是用分贝表示的均方误差；增加 10 dB，误差降为十分之一。
# 下面的公式针对取值 [0, 255] 的图像；在 -1 与 1 之间，范围是 2。
#
# [[metrics.psnr]]


# %% id="ex-psnr" exercise="06-4"
def psnr(image, reconstruction):
    # <solution>
    return 10 * np.log10(4 / ((image - reconstruction) ** 2).mean())
    # </solution>


tp.course.grade("06-4", psnr, language=LANGUAGE)

# %% [markdown] id="rival" stamp="7c899d8b-d5a685a3"
# A number needs another one beside it. So here is a rival without any learning: the picture made smaller until it has
# as many numbers, 26 x 26 x 3, and enlarged again. The error (four times as strong) is drawn below the reconstructions.
# The figure shows the middle of each picture, enlarged.
# ---
# 一个数要有另一个数作对照。因此这里有一个完全不用学习的对手：把图像缩小到同样多的数值（26 x 26 x 3），再放大回来。
# 重建图下面画的是误差（数值乘以四）。各图都只取中间部分，放大显示。


# %% id="reconstruct"
def floats(images):
    return images.astype("float32") / 127.5 - 1


def decibels(others):
    pairs = zip(floats(images), floats(others), strict=True)
    return np.mean([psnr(image, other) for image, other in pairs])


reconstructed = autoencoder.reconstruct(images)
shrunk = resized(resized(images, 26), 128)
shown = [0, 1, 5]
error = np.abs(images[shown].astype(float) - reconstructed[shown])
rows = [say("portrait", "肖像"), say("latents", "潜变量"), say("error", "误差"), say("shrunk", "缩小")]
error = (4 * error).clip(0, 255).astype("uint8")
pictures = np.concatenate([images[shown], reconstructed[shown], error, shrunk[shown]])[:, 32:96, 32:96]
photo(tp.plot.table(pictures, columns=[""] * len(shown), rows=rows, size=0.9))

# %% id="where"
read = {
    say("portraits", "肖像"): images,
    say("through latents", "经过潜变量"): reconstructed,
    say("shrunk", "缩小"): shrunk,
}
found = {name: tp.metrics.prompt_accuracy(oracle, pictures, named) for name, pictures in read.items()}
real, through, small_ones = found.values()
for name, accuracy in found.items():
    near = "" if accuracy is real else f"{decibels(read[name]):.1f} dB"
    print(f"{name}: {say('oracle', '判读器')} {accuracy.accuracy:.3f}  {near}")
grey = images.mean(axis=3)
slope = np.hypot(*np.gradient(grey, axis=(1, 2)))
edges = slope >= np.quantile(slope, 0.9)
errors = ((floats(images) - floats(reconstructed)) ** 2).mean(axis=3)
share = errors[edges].sum() / errors.sum()
print(
    say(
        "share of the error in the tenth of pixels with the steepest edges:", "误差落在边缘最陡的十分之一像素上的比例："
    ),
    f"{share:.2f}",
)
assert decibels(reconstructed) > decibels(shrunk) + 2 and share > 0.2
assert abs(decibels(reconstructed) - tp.metrics.psnr(images, reconstructed).mean()) < 0.05
assert through.accuracy > real.accuracy - 0.06

# %% [markdown] id="where-end" stamp="d5333eed-3ba551a3"
# Four tenths of the error sit on a tenth of the pixels, the steepest edges: an outline that is shifted by half a pixel
# costs much and is hardly seen. The rest is mostly fine texture (look closely at strands of hair and the knitted hat).
# What a portrait *shows*, the oracle reads nearly as well as before. That is the point of the method: an autoencoder,
# trained once, takes care of what is everywhere alike, and diffusion has to learn only what is worth it.
# ---
# 误差的四成落在边缘最陡的那十分之一像素上：轮廓偏移半个像素，代价很大，却几乎看不出来。其余多是细小的纹理（请细看发丝和针织帽）。
# 而肖像 *画了什么*，判读器读得几乎和原来一样好。
# 这正是该方法的要点：自编码器训练一次，负责处处相似的细节；扩散只需要学习值得学习的部分。

# %% [markdown] id="see" stamp="f9f962cb-a902cf92"
# ## Latents as pictures
#
# Latents are arrays of 16 x 16 places with eight channels. Here are a portrait and its channels, each in grey, from
# -3 (black) to 3 (white).
# ---
# ## 把潜变量当图看
#
# 潜变量是 16 x 16 个位置、八个通道的数组。下面是一幅肖像和它的各个通道，用灰度表示，从 -3（黑）到 3（白）。

# %% id="channels"
latents = np.asarray(tp.data.encode_latents(autoencoder, images, progress=False)[:], "float32")
pictures = [images[1], *np.moveaxis(latents[1] / 3, -1, 0)]
photo(tp.plot.table(pictures, columns=["", *"12345678"], rows=[""], size=0.6))


# %% id="statistics"
def neighbours(x):
    """The correlation of numbers with their neighbours to the right."""
    return np.corrcoef(x[:, :, 1:].ravel(), x[:, :, :-1].ravel())[0, 1]


print(say("channel: mean, deviation, correlation of neighbours", "通道：均值、标准差、相邻相关系数"))
for channel in range(8):
    x = latents[..., channel]
    print(f"{channel + 1}: {x.mean():5.2f} {x.std():5.2f} {neighbours(x - x.mean()):5.2f}")
print(say("all:", "全部："), f"{latents.mean():.2f} {latents.std():.2f}")
assert abs(latents.std() - 1) < 0.15 and neighbours(latents[..., 0]) > 0.2

# %% [markdown] id="see-end" stamp="0d0e2016-e81775cd"
# The portrait is still there, coarse, and each channel shows something else of it. Nobody has told the channels what to
# mean, but they are arranged as pixels are: neighbours are alike. That is why the U-Net of chapter 5, made of
# convolutions, works on latents without any change. Each channel has its own mean and deviation; for all numbers
# together the deviation is 1. That is no accident.
# ---
# 肖像还在，只是粗糙，每个通道显示它的不同方面。没有人规定通道的含义，但它们像像素一样排列：相邻的数值相似。
# 因此第 5 章由卷积组成的 U-Net 不用任何改动就能处理潜变量。每个通道各有自己的均值和标准差；全部数值合在一起，标准差为 1。这并非偶然。

# %% [markdown] id="once" stamp="bf151025-438b2cd4"
# ## Encoded once
#
# The autoencoder does not change while the U-Net learns. So every portrait of the training set is encoded *once*, and
# training reads its latents from the disk. The same holds for captions and their token ids. Here are training portraits
# for a small painter that this chapter is going to train: rendered, encoded, and asked for again.
# ---
# ## 只编码一次
#
# U-Net 学习时，自编码器不变。因此训练集的每幅肖像只编码 *一次*，训练时从磁盘读取潜变量。描述文字及其词元编号也是如此。
# 下面是训练肖像，供本章稍后训练的小绘画模型使用：先渲染，再编码，然后重新读取。

# %% id="encode"
NUMBER, BATCH = (256, 16) if FAST else (8192, 64)


def render():
    source = tp.data.open_source("portrait_world", "train", image_size=128, count=NUMBER)
    return source, source.images(np.arange(NUMBER))


def encode(pixels):
    return tp.data.encode_latents(autoencoder, pixels, progress=False)


(source, pixels), rendering = seconds(render)
cached, first = seconds(lambda: encode(pixels))
_, again = seconds(lambda: encode(pixels))
encoding = seconds(lambda: encode(pixels[: 2 * BATCH]))[1] / 2  # of a batch, without tracing
token_ids = tp.data.token_table(source, painter.tokenizer, variants=1 if FAST else 4, progress=False)
print(
    say("seconds to render, to encode, to read again:", "渲染、编码、重新读取的秒数："),
    f"{rendering:.1f} {first:.1f} {again:.2f}",
)
size = cached.dtype.itemsize * math.prod(cached.shape)
print(pixels.shape, cached.shape)
print(
    say(
        "MB of pixels and of latents (latents take two bytes each, pixels one):",
        "像素与潜变量的 MB 数（潜变量每个数占两字节，像素占一字节）：",
    ),
    f"{pixels.nbytes / 1e6:.1f} {size / 1e6:.1f}",
)
assert again < first and len(cached) == NUMBER

# %% [markdown] id="scale" stamp="03dd0d5a-ecb14cd2"
# ## The scaling factor
#
# The encoder's own numbers have any deviation they like; for Stable Diffusion's it is 5.5. They are therefore multiplied
# by one number before noise is added, and divided by it before they are decoded. In Stable Diffusion this is the famous
# 0.18215.
# ---
# ## 缩放系数
#
# 编码器自己的数值可以有任意的标准差，Stable Diffusion 的约为 5.5。因此在加噪之前要乘以一个数，解码之前再除以它。
# 在 Stable Diffusion 里，这就是著名的 0.18215。


# %% id="ex-factor" exercise="06-1"
def scaling_factor(latents):
    # <solution>
    return 1 / latents.std()
    # </solution>


tp.course.grade("06-1", scaling_factor, language=LANGUAGE)

# %% [markdown] id="why-one" stamp="2f2138a5-97055787"
# Why a deviation of 1? Because the noise has it. A schedule was made for data of variance 1, and it says which share of
# $x_t$ is signal. For latents of another deviation the same schedule says something else:
# ---
# 为什么标准差要为 1？因为噪声的标准差是 1。噪声调度是为方差为 1 的数据设计的，它规定 $x_t$ 中信号的比例。潜变量的标准差不同，同一个调度的含义就变了：


# %% id="ex-log-snr" exercise="06-6"
def log_snr(signal_rate, noise_rate, deviation):
    # <solution>
    return 2 * np.log(signal_rate * deviation / noise_rate)
    # </solution>


tp.course.grade("06-6", log_snr, language=LANGUAGE)

# %% [markdown] id="unknown-text" stamp="5a74869f-ba25068b"
# A factor of 5.5 moves the whole curve up or down by $2 \log 5.5 = 3.4$. What this does to learning can be calculated. The
# latents have directions with much variance (is it light or dark?) and many with little (where exactly is that strand of
# hair?); they are the eigenvectors of the covariance, here of blocks of 4 x 4 places. The best *linear* denoiser of a
# block treats each by itself, and what it leaves is known in closed form.
# ---
# 相差 5.5 倍，整条曲线就上移或下移 $2 \log 5.5 = 3.4$。这对学习有什么影响是可以算出来的。潜变量有方差大的方向（明还是暗？），
# 也有许多方差小的方向（那缕头发究竟在哪里？）；它们是协方差矩阵的特征向量，这里取 4 x 4 个位置的块。
# 块的最优 *线性* 去噪器分别处理每个方向，剩下的误差有闭式解。


# %% id="ex-unknown" exercise="06-8"
def unknown(variances, signal_rate, noise_rate):
    # <solution>
    left = variances * noise_rate**2 / (signal_rate**2 * variances + noise_rate**2)
    return left.sum() / variances.sum()
    # </solution>


tp.course.grade("06-8", unknown, language=LANGUAGE)

# %% id="schedules"
scaled = np.asarray(cached[:], "float32")
own_factor = scaling_factor(scaled / autoencoder.scaling_factor)  # of the encoder's own numbers
print(
    say("factor, measured and in the model:", "系数，测得的与模型中的："),
    f"{own_factor:.3f} {autoencoder.scaling_factor:.3f}",
)
assert abs(own_factor / autoencoder.scaling_factor - 1) < 0.1
_, height, width, channels = scaled.shape
blocks = scaled.reshape(NUMBER, height // 4, 4, width // 4, 4, channels).transpose(0, 1, 3, 2, 4, 5)
variances = np.linalg.eigvalsh(np.cov(blocks.reshape(-1, 16 * channels).T))
schedule = tp.diffusion.schedules.get("scaled_linear")  # that of Stable Diffusion
times = np.arange(0, 1000, 5)
rates = np.stack(schedule.rates(times), axis=-1).astype("float64")
DEVIATIONS = (1 / 0.18215, 1.0, 0.18215)
names = [say(f"deviation {deviation:.2g}", f"标准差 {deviation:.2g}") for deviation in DEVIATIONS]
figure, axes = plt.subplots(1, 2, figsize=(6.6, 1.8), layout="constrained")
useful = []
for name, deviation, colour in zip(names, DEVIATIONS, tp.plot.COLOURS, strict=False):
    axes[0].plot(times, [log_snr(*pair, deviation) for pair in rates], color=colour, label=name)
    left = np.array([unknown(deviation**2 * variances, *pair) for pair in rates])
    axes[1].plot(times, left, color=colour)
    useful.append(((left > 0.1) & (left < 0.9)).mean())
axes[0].set(xlabel=say("time", "时刻"), ylabel=say("log SNR", "对数信噪比"))
axes[1].set(xlabel=say("time", "时刻"), ylabel=say("unknown share", "未知的比例"), ylim=(0, 1))
figure.legend(loc="outside right upper", frameon=False, fontsize=8)
print(
    say("log SNR at the last time:", "最后时刻的对数信噪比："), *(f"{log_snr(*rates[-1], d):.1f}" for d in DEVIATIONS)
)
print(
    say("share of times with 10 % to 90 % unknown:", "未知比例在 10% 至 90% 之间的时刻所占比例："),
    *(f"{x:.2f}" for x in useful),
)
assert useful[1] > max(useful[0], useful[2])

# %% [markdown] id="wrong" stamp="dc138d9b-9f7c8387"
# Too large, and for most of the time nearly everything is known: the network learns to wipe off a little dust, and even
# at the last time it sees some of the picture, where the sampler will give it pure noise. Too small, and half of the time
# is spent where next to nothing can be known.
#
# Does it matter? The painter knows all noise levels. So it can stand in for a network that has been trained, as well as
# it, on latents of another deviation: it is asked at the noise levels that such latents would have at the same times.
# The schedule is Stable Diffusion's, there are six steps, seeds and prompts are the same.
# ---
# 标准差太大，大部分时间里几乎一切都已知：网络只在学习擦掉一点灰尘，即使在最后时刻也还看得见一部分图像，而采样器在那里给它的是纯噪声。
# 标准差太小，一半时间花在几乎什么都无法知道的地方。
#
# 这要紧吗？绘画模型认识所有噪声水平。因此它可以代替一个同样好、但在另一种标准差的潜变量上训练的网络：按这种潜变量在同一时刻的噪声水平向它提问。
# 用的是 Stable Diffusion 的调度，六步，种子和提示词都相同。


# %% id="paint-wrong"
def sharpness(images):
    """The mean difference of neighbours, in that of real portraits."""
    return np.abs(np.diff(images.astype(int), axis=2)).mean() / np.abs(np.diff(real_images.astype(int), axis=2)).mean()


PROMPTS = 6 if FAST else 64
STEPS = 6
real_images = images[:PROMPTS]
denoise = guided_denoiser(painter, encode_prompts(painter, texts[:PROMPTS]), None, False)
grid = tp.diffusion.spacing.rates(schedule, "euler", STEPS, "trailing").astype("float64")
noise = tp.diffusion.unit_noise(list(range(PROMPTS)), 0, latents.shape[1:])
painted, accuracies = [], []
for name, deviation in zip(names, DEVIATIONS, strict=True):
    shifted = grid * (deviation, 1.0)
    shifted /= np.linalg.norm(shifted, axis=1, keepdims=True)
    found = tp.diffusion.samplers.get("euler")(
        lambda x, s, n: np.asarray(denoise(np.float32(x), s, n)), shifted[0, 1] * noise, shifted, None
    )
    decoded = ((np.asarray(autoencoder.decode(found)).clip(-1, 1) + 1) * 127.5).round().astype("uint8")
    painted.append(decoded[:3])
    accuracies.append(tp.metrics.prompt_accuracy(oracle, decoded, named[:PROMPTS]).accuracy)
    print(
        f"{name}: {say('oracle', '判读器')} {accuracies[-1]:.2f}, {say('latents', '潜变量')} {found.std():.2f}, {say('sharpness', '清晰度')} {sharpness(decoded):.2f}"
    )
assert accuracies[1] > accuracies[0]
photo(tp.plot.table(np.concatenate(painted), columns=[""] * 3, rows=[f"{d:.2g}" for d in DEVIATIONS], size=0.75))

# %% [markdown] id="wrong-end" stamp="012c8730-ec8acea2"
# With latents that are far too large the pictures are pale and mixed up, and read worse: the composition had to be
# decided in the very first step, from noise that was taken for a picture. With latents that are far too small this
# painter forgives a lot; what suffers is sharpness, because the last step still has much to do. A training would suffer
# more, in both cases: it would spend its time on the wrong noise levels.
# ---
# 潜变量太大时，图像苍白而混乱，判读也更差：构图必须在第一步就决定，而那一步把噪声当成了图像。潜变量太小时，这个模型相当宽容；
# 受损的是清晰度，因为最后一步还有很多事要做。若是训练，两种情形都会损失更多：时间花在了不该花的噪声水平上。

# %% [markdown] id="perturb" stamp="ea15adac-c0f5c4ac"
# ## A space that may be disturbed
#
# A painter's latents are never exactly those of a picture. So the decoder must forgive small errors, and the autoencoder
# is trained for that: it is a *variational* one (chapter 2), whose encoder gives a mean and a log-variance, and whose
# decoder has to work with a sample.
#
# [[vae.reparameterization]]
# ---
# ## 经得起扰动的空间
#
# 绘画模型给出的潜变量从来不会恰好是某幅图的潜变量。所以解码器必须容忍小的误差，自编码器也为此而训练：
# 它是 *变分* 的（第 2 章），编码器给出均值和对数方差，解码器要能从样本还原。
#
# [[vae.reparameterization]]


# %% id="ex-sample" exercise="06-3"
def sample_latents(mean, log_variance, noise, scale):
    # <solution>
    return scale * (mean + np.exp(0.5 * log_variance) * noise)
    # </solution>


tp.course.grade("06-3", sample_latents, language=LANGUAGE)

# %% id="disturb"
OF = 8 if FAST else 64
mean, log_variance = (np.asarray(part) for part in autoencoder.moments(floats(images[:OF])))
generator = np.random.default_rng(0)
unit = generator.standard_normal(mean.shape).astype("float32")
sampled = sample_latents(mean, log_variance, unit, autoencoder.scaling_factor)
clean = sample_latents(mean, log_variance, 0 * unit, autoencoder.scaling_factor)
own = float(np.sqrt(((sampled - clean) ** 2).mean()))
levels, pictures, captions = (own, 0.1, 0.2, 0.4, 0.8), [], []
for level in levels:
    decoded = np.asarray(autoencoder.decode(clean + level * unit)).clip(-1, 1)
    value = np.mean([psnr(image, other) for image, other in zip(floats(images[:OF]), decoded, strict=True)])
    pictures.append(decoded[0])
    captions.append(f"{level:.2f}\n{value:.1f}")
    if level == own:
        best = value
assert abs(best - decibels(reconstructed)) < 3 and value < best - 4
photo(tp.plot.images(pictures, captions, columns=len(levels), size=0.72))

# %% [markdown] id="disturb-end" stamp="ef2a43ae-cc8b7a11"
# Below each picture is the deviation of the noise that was added to its latents, then the PSNR of all in dB. The first is what
# the encoder itself adds: it is harmless. Larger errors make the picture gradually worse, not suddenly another one.
#
# What does the weight of the divergence have to do with it? Try it on autoencoders small enough to train in seconds: they
# see patches of 8 x 8 pixels, 192 numbers, and have 8 latents, as the shipped one has for such a patch. Four of them, with
# four weights, are trained side by side; then noise is added whose deviation is 0.4 of that of their own latents.
# ---
# 每幅图下面是加在潜变量上的噪声的标准差，以及全部图像的峰值信噪比（dB）。第一幅是编码器自己加的噪声：它是无害的。误差更大时，图像逐渐变差，而不是突然变成另一幅。
#
# 散度的权重与此有什么关系？用几秒钟就能训练好的小自编码器试一试：它们只看 8 x 8 像素的小块，192 个数，有 8 个潜变量，与随包的自编码器对这样一块所用的一样多。
# 四个自编码器、四种权重，并排训练；然后加入噪声，其标准差是各自潜变量标准差的 0.4 倍。

# %% id="patches"
WEIGHTS = np.array([0.0, 1e-4, 1e-3, 1e-2], "float32")
SMALL = 400 if FAST else 4000
patches = floats(images).reshape(COUNT, 16, 8, 16, 8, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 192)
patches = tf.constant(generator.permutation(patches))
training, unseen = patches[2048:], patches[:2048]


def layer(inputs, outputs):
    start = generator.standard_normal((1, inputs, outputs)) / inputs**0.5
    return tf.Variable(np.repeat(start, len(WEIGHTS), axis=0), dtype="float32")


layers = [layer(192, 128), layer(128, 16), layer(8, 128), layer(128, 192)]
optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, SMALL))
optimizer.build(layers)


def encoded(x):
    moments = tf.nn.silu(x @ layers[0]) @ layers[1]  # (W, B, 16)
    return moments[..., :8], tf.clip_by_value(moments[..., 8:], -30.0, 20.0)


def decoded(z):
    return tf.nn.silu(z @ layers[2]) @ layers[3]


def divergence(mean, log_variance):
    return 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, axis=-1)


@tf.function(autograph=False)
def step(x):
    with tf.GradientTape() as tape:
        mean, log_variance = encoded(x)
        z = mean + tf.exp(0.5 * log_variance) * tf.random.normal(mean.shape)
        error = tf.reduce_mean((x - decoded(z)) ** 2, axis=(1, 2))
        loss = tf.reduce_sum(error + WEIGHTS * tf.reduce_mean(divergence(mean, log_variance), axis=1))
    optimizer.apply_gradients(zip(tape.gradient(loss, layers), layers, strict=True))


keras.utils.set_random_seed(0)
for rows in generator.integers(0, len(training), (SMALL, 256)):
    step(tf.gather(training, rows))
mean, log_variance = encoded(unseen)
spread = tf.math.reduce_std(mean, axis=(1, 2), keepdims=True)
nats = tf.reduce_mean(divergence(mean, log_variance), axis=1).numpy()
own = (tf.exp(0.5 * tf.reduce_mean(log_variance, axis=(1, 2))) / spread[:, 0, 0]).numpy()
disturbed = mean + 0.4 * spread * tf.random.stateless_normal(mean.shape, (0, 0))
plain, rough = ([psnr(unseen.numpy(), x) for x in decoded(z).numpy()] for z in (mean, disturbed))
print(say("weight, nats, noise of its own, dB, dB with noise", "权重、奈特、自身的噪声、dB、加噪后的 dB"))
for row in zip(WEIGHTS, nats, own, plain, rough, strict=True):
    print("{:7g} {:6.0f} {:9.5f} {:6.1f} {:6.1f}".format(*row))
assert plain[0] - rough[0] > plain[-1] - rough[-1]

# %% [markdown] id="patches-end" stamp="21a03fab-415fd8ad"
# Without any divergence the encoder makes its own noise as small as it can (third column, in deviations of the latents),
# so that the decoder never sees any, and is hurt most by ours. A little divergence makes the encoder stop saying what
# hardly matters: a fraction of the nats, the same PSNR, and more of it left under noise. With too much the picture itself
# suffers, the beginning of the collapse of chapter 2. Rombach et al. weigh the divergence with a millionth; this package
# does, too, but beside errors that are means over the picture, while theirs are sums (`AutoencoderKL` says how they
# compare).
# ---
# 完全没有散度时，编码器把自身的噪声压到尽可能小（第三列，以潜变量的标准差为单位），解码器从未见过噪声，因此被我们加的噪声伤得最重。
# 少量散度让编码器不再说无关紧要的话：奈特数只剩一小部分，峰值信噪比不变，加噪后剩下的更多。太多则图像本身受损，这就是第 2 章坍缩的开端。
# Rombach 等人给散度的权重是百万分之一；本包也是，但这里的误差是对整幅图取平均，他们的是求和（两者的关系见 `AutoencoderKL` 的说明）。

# %% [markdown] id="train" stamp="9df12757-5601541e"
# ## A minute of training
#
# `tp.course.half_trained()` is a painter with the autoencoder and the text encoder that you know, and a smaller U-Net,
# which was stopped half-way, at a high learning rate. How good is it? The oracle reads what it paints for prompts that it has never
# seen. Guessing is the floor, and what the oracle reads off real portraits the ceiling.
# ---
# ## 一分钟的训练
#
# `tp.course.half_trained()` 是一个绘画模型，自编码器和文本编码器就是你已经认识的那两个，而 U-Net 更小，在高学习率下训练到一半就停了。
# 它有多好？让判读器判读它为从未见过的提示词所画的图。下限是猜测，上限是判读器对真实肖像的判读结果。

# %% id="before"
ASKED = 48 if FAST else 256
half = tp.course.half_trained()
texts, named, portraits = tp.metrics.held_out_prompts(ASKED)


def judged(images):
    return tp.metrics.prompt_accuracy(oracle, images, named)


def paint():
    return half.generate(texts, seeds=0, num_steps=6)


def distance(images):
    """How far pictures are from real portraits on the oracle's features; 0 for two sets of the same kind."""
    return tp.metrics.kernel_distance(oracle.embed(images), oracle.embed(real_images))


real_images = np.stack([*images, *(portrait.render(128) for portrait in portraits[COUNT:])])
before = paint()
accuracy, ceiling = judged(before), judged(real_images)
print(
    say("guessing, half-trained, real portraits:", "猜测、训练一半、真实肖像："),
    f"{accuracy.guessing:.3f} {accuracy.accuracy:.3f} {ceiling.accuracy:.3f}",
)

# %% [markdown] id="continue" stamp="bc3c705f-6b0ec129"
# Now its training goes on, on cached latents. Nothing is special about this `fit`: batches of latents and token ids, and
# a learning rate that falls to zero, which chapter 5 had as well. High rates find the valley, the fall leads to its floor.
# ---
# 现在在缓存的潜变量上继续训练。这个 `fit` 没有什么特别：一批批潜变量和词元编号，以及降到零的学习率（第 5 章也有）。
# 高学习率找到山谷，下降的学习率走到谷底。

# %% id="fit"
TOTAL = 50 if FAST else 900
batches = tp.data.latents_dataset(
    cached,
    token_ids,
    autoencoder=half.autoencoder,
    batch_size=BATCH,
    repeat=True,
    drop_remainder=True,
    seed=1,
)
decay = keras.optimizers.schedules.CosineDecay(1e-4, TOTAL - 5, warmup_target=5e-4, warmup_steps=5, alpha=0.0)
half.compile(tp.training.Muon(decay, beta_2=0.99, ema_decay=0.9, global_clipnorm=1.0), jit_compile=False)
ends = []
record = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: ends.append(time.perf_counter()))
half.fit(batches, steps_per_epoch=TOTAL, callbacks=[record], verbose=0)
stepping = float(np.median(np.diff(ends)))
print(f"{TOTAL} {say('steps', '步')}, {ends[-1] - ends[0]:.0f} s")
print(
    say(
        "milliseconds of a step, and what encoding its pictures would add:",
        "每步的毫秒数，以及若要编码图像需增加的毫秒数：",
    ),
    f"{1000 * stepping:.0f} + {1000 * encoding:.0f}",
)

# %% [markdown] id="cached-end" stamp="69f122ba-4c1a4d39"
# The second number is what caching has saved, in every step, and the pictures themselves need not be there any more. The
# price: whatever changes pictures at random, such as mirroring, has to be done before encoding, or not at all.
# ---
# 第二个数就是缓存在每一步省下的时间，而且图像本身也不必再存在。代价是：凡是随机改变图像的操作，例如镜像，都必须在编码之前做，否则就不能做。

# %% id="after"
after = paint()
later = judged(after)
print(
    say("prompt accuracy before, after, real:", "提示词准确率，之前、之后、真实："),
    f"{accuracy.accuracy:.3f} {later.accuracy:.3f} {ceiling.accuracy:.3f}",
)
distances = distance(before), distance(after), distance(pixels[:ASKED])
print(
    say(
        "distance to real portraits, before, after, of other real ones:",
        "与真实肖像的距离，之前、之后、另一组真实肖像：",
    ),
    "{:.4f} {:.4f} {:.4f}".format(*distances),
)
assert distances[1] < distances[0] and later.accuracy > accuracy.accuracy - 0.05
rows = [say("before", "之前"), say("after", "之后")]
photo(tp.plot.table([*before[:5], *after[:5]], columns=[""] * 5, rows=rows, size=0.75))

# %% [markdown] id="after-end" stamp="7a705a85-25a7c152"
# Half a minute takes away some of what the high rate had left in the pictures: harsh colours and edges. That is what
# the distance on the oracle's features sees. The estimate is unbiased, so sets of the same kind scatter around 0, also
# below it; compare with the distance of other real portraits. Attributes come more slowly: with so few prompts a
# difference of 0.02 in accuracy says nothing, and the full mode has more of everything.
# ---
# 半分钟去掉了一部分高学习率留在图像里的东西：刺眼的颜色和边缘。判读器特征上的距离看到的正是这一点。这个估计是无偏的，
# 所以同类的两组图会在 0 上下波动，也会略小于 0；请与另一组真实肖像的距离相比。属性的进步较慢：提示词这么少，
# 准确率相差 0.02 说明不了什么；完整模式的各项都更多。

# %% [markdown] id="end" stamp="2438b55f-22e1f8bd"
# ## What to remember
#
# * Compression saves multiplications, most of all for attention, whose pairs fall with the fourth power of the factor.
# * It costs textures and the exactness of edges, once and for all: whoever wants those needs a better autoencoder.
# * Latents are scaled to deviation 1 because the noise has it; the factor is a part of the model, like its weights.
# * A little divergence keeps the encoder from hiding everything in digits that no painter can hit.
# * Encode once, train often.
#
# **Try**: paint with deviations of 0.5 and 2. How exact must the scaling factor be? In full mode, how near to the ceiling
# do 900 steps lead?
# ---
# ## 本章要点
#
# * 压缩省下乘法，注意力省得最多：位置对的数目按倍数的四次方减少。
# * 它的代价是纹理和边缘的精确，而且一旦丢失就无法挽回：想要这些，就需要更好的自编码器。
# * 潜变量缩放到标准差 1，因为噪声的标准差是 1；这个系数和权重一样是模型的一部分。
# * 一点散度就能防止编码器把一切藏在绘画模型无法命中的小数位里。
# * 编码一次，训练多次。
#
# **试一试**：用标准差 0.5 和 2 作画。缩放系数需要多精确？在完整模式下，900 步能离上限多近？
