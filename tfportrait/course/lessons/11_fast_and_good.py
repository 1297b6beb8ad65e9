# %% [markdown] id="title" stamp="a564a8f4-f0563116"
# # Making it fast and good
#
# "Use XLA. Use half precision. Smaller learning rates prevent overfitting. Bigger batches generalise better. Deeper is
# better." Advice of this kind is everywhere, and the source of this course repeats some of it. This chapter tests it:
# each piece of advice becomes a measurement that takes a few seconds and has a number to be compared with.
#
# **You will** measure time fairly, find out where floating-point numbers end, scale and clip gradients, add up the
# gradients of small batches, average weights, and run eight ablations with several seeds each.
# ---
# # 又快又好
#
# “用 XLA。用半精度。小学习率防止过拟合。大批量泛化更好。网络越深越好。”这类建议到处都是，源文档也重复了其中几条。
# 本章来检验它们：每条建议变成一次几秒钟的测量，并且有可以对照的数。
#
# **你将** 公平地测量时间，弄清浮点数的边界，缩放并裁剪梯度，累加小批量的梯度，平均权重，并做八个消融实验，每个都用多个随机种子。

# %% id="setup"
import collections
import contextlib
import functools
import io
import pathlib
import tempfile
import time

import matplotlib.pyplot as plt
import numpy as np

import tfportrait as tp

# isort: split
import keras
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
SEEDS = 4 if FAST else 10
COLOURS = tp.plot.COLOURS

# %% [markdown] id="clock" stamp="ec214d3d-381bc67b"
# ## Fast: how to measure it
#
# A time is a random number. The first call does other work (it traces and compiles), and a machine is faster in one
# second than in the next. So: keep the first call apart, take turns between what is compared, so that a slow second
# meets both, wait for the result, and report the median.
# ---
# ## 快：怎样测量
#
# 时间是随机数。第一次调用还要做别的事（追踪和编译），机器这一秒快、下一秒慢。因此：把第一次调用单独记录；让被比较的各方轮流运行，
# 慢的那一秒就会落到每一方头上；等结果真正算完；报告中位数。


# %% id="seconds"
def seconds(functions, repeats=15):
    """First call and median of the others, of functions that take turns."""
    times = {name: [] for name in functions}
    for _ in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            np.asarray(function())
            times[name].append(time.perf_counter() - start)
    return {name: (found[0], float(np.median(found[1:]))) for name, found in times.items()}


# %% [markdown] id="xla" stamp="820ade5d-79d4d20c"
# ## Does XLA help?
#
# XLA joins many operations into few. That saves the trips between them, and it costs a compilation at the first call. Two
# kinds of work: 300 small operations in a row, where the trips are most of the time; and convolutions with their
# gradients, where nearly all of the time is arithmetic. When has compiling paid?
# ---
# ## XLA 有用吗？
#
# XLA 把许多操作合并成少数几个，省去操作之间的往返，代价是第一次调用时要编译。这里有两种工作：300 个连续的小操作，时间主要花在往返上；
# 带梯度的卷积，时间几乎都花在算术上。编译从第几步开始划算？


# %% id="ex-worth-it" exercise="11-6"
def worth_it_from(first_plain, plain, first_compiled, compiled):
    # <solution>
    return 1 + (first_compiled - first_plain) / (plain - compiled)
    # </solution>


tp.course.grade("11-6", worth_it_from, language=LANGUAGE)

# %% id="xla-times"
small = tf.random.stateless_normal((8, 32), (0, 0))
batch = tf.random.stateless_normal((16, 16, 16, 32), (0, 1))
kernels = tf.random.stateless_normal((2, 3, 3, 32, 32), (0, 2), stddev=0.06)


def many_small(x):
    for i in range(100):
        x = tf.tanh(x * 1.01 + 0.01 * i)
    return x


def convolutions(kernels):
    with tf.GradientTape() as tape:
        tape.watch(kernels)
        x = batch
        for i in range(2):
            x = tf.nn.silu(tf.nn.conv2d(x, kernels[i], 1, "SAME"))
        loss = tf.reduce_mean(tf.square(x))
    return tape.gradient(loss, kernels)


for name, function, argument in (
    (say("300 small operations", "300 个小操作"), many_small, small),
    (say("convolutions, gradients", "卷积与梯度"), convolutions, kernels),
):
    plain, compiled = tf.function(function), tf.function(function, jit_compile=True)
    assert np.allclose(plain(argument), compiled(argument), atol=1e-4)
    plain, compiled = tf.function(function), tf.function(function, jit_compile=True)
    found = seconds({"plain": functools.partial(plain, argument), "XLA": functools.partial(compiled, argument)})
    for key, (first, later) in found.items():
        print(f"{name}, {key}: {say('first', '首次')} {first:.2f} s, {say('then', '之后')} {1000 * later:.2f} ms")
    steps = worth_it_from(*found["plain"], *found["XLA"]) if found["XLA"][1] < found["plain"][1] else np.inf
    print("  ", say("worth it from step", "划算的起始步数："), f"{steps:.0f}")

# %% [markdown] id="xla-end" stamp="eb5fb50c-67de6962"
# Run the cell twice, and see whether even the sign stays. On a CPU the gain, where there is one, is small, and it has to
# earn back the compilation first, in hundreds or thousands of steps. A whole diffusion model of 0.56 million weights on
# 16-pixel portraits took 5.8 s for its first step and 80 ms for the others without XLA, 24 s and 101 ms with it, on two
# cores. On a GPU the answer is usually the other one. That is why `tp.accelerate()` looks at the device:
# ---
# 把这个单元运行两次，看看连正负号是否稳定。在 CPU 上，即使有收益也很小，而且要先用几百到几千步赚回编译的时间。
# 一个 56 万权重、处理 16 像素肖像的完整扩散模型，在两个核心上不用 XLA 时首步 5.8 秒、之后每步 80 毫秒；用 XLA 则是 24 秒和 101 毫秒。
# 在 GPU 上答案通常相反。所以 `tp.accelerate()` 要先看设备：

# %% id="accelerate"
choice = tp.accelerate()
keras.config.set_dtype_policy("float32")  # what follows is about float32 unless it says otherwise
assert choice.precision in ("float32", "mixed_bfloat16", "mixed_float16")

# %% [markdown] id="profile" stamp="9c287da5-8dd6ea8f"
# ## Where does the time go?
#
# Before you make something faster, look what is slow. `tp.training.Profile` records some steps of `fit`, for TensorBoard
# or Perfetto; here its file is read directly and the time of the operations is added up by kind. Three questions, in this
# order: Are there gaps, in which the device waits for data? Which kind has most of the time? Is that arithmetic, which
# only less work or a narrower type makes faster, or small change, which can be joined?
# ---
# ## 时间花在哪里？
#
# 动手加速之前，先看什么慢。`tp.training.Profile` 记录 `fit` 的若干步，供 TensorBoard 或 Perfetto 查看；这里直接读它的文件，
# 按种类累加各操作的时间。依次问三个问题：有没有空隙，即设备在等数据？哪一类占的时间最多？它是算术（只有减少工作量或换更窄的类型才会变快），
# 还是零碎开销（可以合并）？

# %% id="read-profile"
tiny = np.stack([tp.world.sample(seed).render(32) for seed in range(32)])
keras.utils.set_random_seed(0)
model = tp.PixelDiffusion(cell=2, block_out_channels=(16, 32), norm_num_groups=8)
model.compile(tp.training.AdamW(1e-3, ema_decay=0.99), jit_compile=False)
folder = pathlib.Path(tempfile.mkdtemp())
with contextlib.redirect_stdout(io.StringIO()):  # it says where the profile is
    model.fit(
        tf.data.Dataset.from_tensors({"image": tiny}).repeat(9),
        verbose=0,
        callbacks=[tp.training.Profile(folder / "profile", first=4, steps=5)],
    )
space = xplane_pb2.XSpace()
space.ParseFromString(next(folder.rglob("*.xplane.pb")).read_bytes())
KINDS = (
    (say("convolutions, backward", "卷积（反向）"), ("Backprop",)),
    (say("convolutions, forward", "卷积（前向）"), ("Conv2D",)),
    (say("optimizer", "优化器"), ("Adam",)),
    (say("noise", "噪声"), ("StatelessRandom",)),
    (
        say("sums, products, SiLU", "加、乘、SiLU"),
        ("Mul", "Add", "Sub", "Sum", "Sigmoid", "Square", "Mean", "Rsqrt", "Reshape", "MatMul", "Transpose", "Cast"),
    ),
)
spent = collections.Counter()
for plane in space.planes:
    for line in plane.lines:
        if "tf_Compute" in line.name:
            for event in line.events:
                operation = plane.event_metadata[event.metadata_id].name.rpartition(":")[2]
                kind = next((kind for kind, words in KINDS if any(word in operation for word in words)), None)
                if kind:
                    spent[kind] += event.duration_ps / 1e9 / 5
print(say("milliseconds in a step, added up over threads:", "每步毫秒数（各线程相加）："))
for kind, duration in spent.most_common():
    print(f"{duration:8.2f}  {kind}")
convolution = sum(spent[kind] for kind, _ in KINDS[:2]) / sum(spent.values())
print(say("share of convolutions:", "卷积所占比例："), f"{convolution:.2f}")
assert convolution > 0.2

# %% [markdown] id="profile-end" stamp="88a3e7da-a2831836"
# Here convolutions have a good half, small operations of many kinds nearly all the rest, optimizer and noise little. In
# so small a network the small operations weigh much; that share is what joining can save. Gaps are not in this list: look
# for them in the timeline of TensorBoard or Perfetto.
# ---
# 这里卷积占一半多，各种零碎操作几乎占去其余，优化器和噪声很少。网络这么小，零碎操作才占这么多；合并能省下的就是这一部分。
# 空隙不在这张表里：请在 TensorBoard 或 Perfetto 的时间线上找。

# %% [markdown] id="precision" stamp="517c8fff-0000083b"
# ## Half precision: what a number can still say
#
# A floating-point number has a sign, an exponent, which says how large, and a mantissa, which says how exactly.
# float16 and bfloat16 share 16 bits differently: float16 has ten bits behind the point and a short range, bfloat16 has
# seven and the range of float32.
# ---
# ## 半精度：一个数还能表达多少
#
# 浮点数由符号、指数（多大）和尾数（多精确）组成。float16 和 bfloat16 对 16 个比特的分配不同：
# float16 小数点后有十位，但范围小；bfloat16 只有七位，但范围与 float32 相同。


# %% id="ex-spacing" exercise="11-4"
def spacing(x, bits):
    # <solution>
    return 2.0 ** (np.floor(np.log2(np.abs(x))) - bits)
    # </solution>


tp.course.grade("11-4", spacing, language=LANGUAGE)

# %% [markdown] id="scaling" stamp="d26ca6dd-f75247cf"
# float16 ends at 65,504 above, and at 6e-8 below. Gradients of a mean over many pixels are small, and the smallest become
# zero. So the *loss* is multiplied by a large number before the derivative is taken, which multiplies every gradient,
# and afterwards the gradient is divided by it, in float32. Clipping comes after the division: its limit is meant for the
# gradient, not for what was scaled.
# ---
# float16 的上界是 65504，下界是 6e-8。对许多像素求平均后，梯度很小，其中最小的会变成零。因此求导之前先把 *损失* 乘以一个大数，
# 所有梯度随之放大，之后再以 float32 除回来。裁剪放在除法之后：上限针对的是梯度本身，而不是放大后的数。


# %% id="ex-unscale" exercise="11-2"
def unscale_and_clip(gradient, scale, limit):
    # <solution>
    gradient = gradient / scale
    return gradient * min(1.0, limit / np.linalg.norm(gradient))
    # </solution>


tp.course.grade("11-2", unscale_and_clip, language=LANGUAGE)

# %% [markdown] id="half-text" stamp="41386b36-ede4a067"
# First, how far apart neighbouring numbers are, by your function. Then the gradient of a small network in float16, for
# growing scales, scaled back and clipped by your function; the error is its distance from the gradient in float32. With too
# small a scale numbers vanish. With too large a scale they overflow, and the step must be skipped: Keras'
# `LossScaleOptimizer` then halves the scale, and doubles it after 2,000 good steps.
# ---
# 先看相邻两数的间距，由你的函数计算。然后是一个小网络在 float16 下的梯度，缩放系数逐渐增大，再由你的函数除回并裁剪；
# 误差是它与 float32 梯度的距离。系数太小，数会消失；太大则溢出，这一步必须跳过：Keras 的 `LossScaleOptimizer` 这时把系数减半，
# 连续 2000 步正常后再加倍。

# %% id="half"
generator = np.random.default_rng(0)
x = generator.standard_normal((2048, 32)).astype("float32")
layers = [(generator.standard_normal((32, 32)) / 32**0.5).astype("float32") for _ in range(3)]
truth = x
for layer in layers:  # what the network says already, but for a little
    truth = truth @ layer
    truth = truth / (1 + np.exp(-truth))
truth = truth + 0.03 * generator.standard_normal((2048, 32)).astype("float32")


def gradient_in(dtype, scale=1.0):
    weights = [tf.cast(layer, dtype) for layer in layers]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        h = tf.cast(x, dtype)
        for weight in weights:
            h = tf.nn.silu(h @ weight)
        loss = tf.reduce_mean(tf.square(tf.cast(h, "float32") - truth)) * scale
    return np.concatenate([tf.cast(slope, "float32").numpy().ravel() for slope in tape.gradient(loss, weights)])


exact = gradient_in("float32")
limit = 2 * np.linalg.norm(exact)
scales, errors = 2.0 ** np.arange(0, 41, 10), []
for scale in scales:
    scaled = gradient_in("float16", scale)
    finite = np.isfinite(scaled).all()
    errors.append(
        np.linalg.norm(unscale_and_clip(scaled, scale, limit) - exact) / np.linalg.norm(exact) if finite else np.nan
    )
magnitudes = 2.0 ** np.linspace(-30, 20, 401)
figure, axes = plt.subplots(figsize=(3.6, 1.9), layout="constrained")
for (name, bits, least, most), colour in zip(
    (("float32", 23, -126, 127), ("bfloat16", 7, -126, 127), ("float16", 10, -14, 15)), COLOURS, strict=False
):
    known = np.where(
        magnitudes < 2.0 ** (most + 1), np.maximum(spacing(magnitudes, bits), 2.0 ** (least - bits)), np.nan
    )
    axes.loglog(magnitudes, known, label=name, color=colour)
axes.set(xlabel=say("size of the number", "数的大小"), ylabel=say("to the next number", "到下一个数"))
axes.legend(frameon=False, fontsize=8)
for scale, error in zip(scales, errors, strict=True):
    shown = say("overflow", "溢出") if np.isnan(error) else f"{error:.4f}"
    print(f"{say('scale', '系数')} 2^{np.log2(scale):<3.0f} {say('error', '误差')} {shown}")
numbers = np.array([0.3, 1.0, 1000.0], "float16")
assert np.array_equal(spacing(numbers.astype("float64"), 10), np.spacing(numbers).astype("float64"))
assert np.nanmin(errors) < 0.7 * errors[0] and np.isnan(errors[-1])

# %% [markdown] id="accumulate" stamp="cdbecbe4-e61b63e0"
# ## When the batch does not fit
#
# The gradient of a mean is the mean of gradients, so a large batch can be computed in parts: the same step, with less
# memory and more time. `gradient_accumulation_steps=4` in an optimizer does it. The parts may differ in size; then each
# counts as much as it has examples.
# ---
# ## 批量放不下时
#
# 均值的梯度等于梯度的均值，所以大批量可以分块计算：更新完全相同，内存更少，时间更多。优化器的参数
# `gradient_accumulation_steps=4` 就是做这件事。各块大小可以不同，此时每块按样本数加权。


# %% id="ex-accumulated" exercise="11-1"
def accumulated(gradients, sizes):
    # <solution>
    return (gradients * sizes[:, None]).sum(axis=0) / sizes.sum()
    # </solution>


tp.course.grade("11-1", accumulated, language=LANGUAGE)


# %% [markdown] id="memory" stamp="57984226-089ec60f"
# Why memory is short: training holds every weight several times, and what the layers answered besides (this alone depends
# on the batch).
# ---
# 内存为什么紧张：训练时每个权重要存好几份，此外还有各层的输出（只有这一部分取决于批量）。


# %% id="ex-bytes" exercise="11-3"
def training_bytes(weights, averaged):
    # <solution>
    return 4 * weights * (5 if averaged else 4)
    # </solution>


tp.course.grade("11-3", training_bytes, language=LANGUAGE)

# %% id="parts"
whole = np.arange(2048)
parts = np.split(whole, [200, 1000])


def gradient_of(rows):
    with tf.GradientTape() as tape:
        weights = [tf.constant(layer) for layer in layers]
        tape.watch(weights)
        h = tf.constant(x[rows])
        for weight in weights:
            h = tf.nn.silu(h @ weight)
        loss = tf.reduce_mean(tf.square(h - truth[rows]))
    return np.concatenate([slope.numpy().ravel() for slope in tape.gradient(loss, weights)])


sizes = np.array([len(rows) for rows in parts])
together = accumulated(np.stack([gradient_of(rows) for rows in parts]), sizes)
difference = np.abs(together - gradient_of(whole)).max() / np.abs(together).max()
print(say("parts against the whole batch, relative difference:", "分块与整批的相对差："), f"{difference:.1e}")
assert difference < 1e-4
for name, count in (
    (say("the tiny model above", "上面的小模型"), model.count_params()),
    (say("U-Net of Stable Diffusion 1.5", "Stable Diffusion 1.5 的 U-Net"), 859_520_964),
):
    print(f"{name}: {training_bytes(count, True) / 1e9:.3f} GB")

# %% [markdown] id="laboratory" stamp="0c3de7c6-796a6e64"
# ## Good: a laboratory for ablations
#
# To say that one setting is better than another one needs several seeds: networks that differ in nothing but the seed
# differ in their loss. So the laboratory is small: the face of chapter 4, now as a distribution from which points can be
# drawn without end, and a network of three layers. All runs of an experiment train side by side, as the first axis of
# every weight.
#
# Losses alone say little, so each is placed between two known ones: answering 0, and the ideal denoiser, which is
# computed from many points. *Learned* is 0 for the first and 1 for the second, on points that were not trained on.
# ---
# ## 好：消融实验的小实验室
#
# 要说一种设置比另一种好，需要多个种子：只有种子不同的网络，损失也会不同。所以实验室很小：第 4 章的那张脸，
# 现在是一个可以无限抽取点的分布，加上一个三层网络。一个实验的所有运行并排训练，成为每个权重的第一个轴。
#
# 单看损失说明不了什么，因此把它放在两个已知值之间：回答 0，以及由大量点算出的理想去噪器。
# *学到的比例* 对前者是 0，对后者是 1，都在没有训练过的点上计算。


# %% id="face"
def face(count, seed):
    """Points of a face that is the same in the mirror; mean 0, variance 1."""
    generator = np.random.default_rng(seed)
    part = generator.choice(4, count, p=[0.53, 0.135, 0.135, 0.2])
    center = np.array([[0, 0], [-0.8, 0.7], [0.8, 0.7], [0, -0.2]])[part]
    radius = np.array([2, 0.25, 0.25, 1.1])[part]
    share = generator.uniform(0, 1, count)
    angle = np.where(part == 3, np.pi * (1.15 + 0.7 * share), 2 * np.pi * share)
    points = center + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return ((points + [0, 0.03]) / 1.19).astype("float32")


schedule = tp.diffusion.schedules.get({"name": "cosine", "timestep_spacing": "trailing"})
RATES = tf.constant(np.stack([np.asarray(rate) for rate in schedule.rates(np.arange(1000))]), "float32")
WAVES = tf.constant(np.random.default_rng(1).normal(0, 2, (2, 12)), "float32")  # as in chapter 5, of places
TIMES = tf.constant([[1.0, 2.0, 4.0]]) * np.pi / 2000


def weights_of(runs, depth=3, width=48, seed=0):
    generator = np.random.default_rng(seed)
    sizes = [2 + 24 + 6, *[width] * depth, 2]
    weights = []
    for a, b in zip(sizes[:-1], sizes[1:], strict=True):
        kernels = generator.normal(0, a**-0.5, (runs, a, b)).astype("float32")
        weights += [tf.constant(kernels), tf.zeros((runs, 1, b))]
    return weights


def predict(weights, x, t):
    """The velocity, (R, B, 2), of points x (R, B, 2) at times t (R, B)."""
    place, hour = x @ WAVES, tf.cast(t, "float32")[..., None] * TIMES
    h = tf.concat([x, tf.cos(place), tf.sin(place), tf.cos(hour), tf.sin(hour)], axis=-1)
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        h = tf.nn.silu(h @ kernel + bias)
    return h @ weights[-2] + weights[-1]


def losses(weights, x_0, t, noise):
    """Loss of every run, (R,)."""
    signal_rate, noise_rate = tf.unstack(tf.gather(RATES, t, axis=1)[..., None])
    predicted = predict(weights, signal_rate * x_0 + noise_rate * noise, t)
    return tf.reduce_mean(tf.square(predicted - (signal_rate * noise - noise_rate * x_0)), axis=(-2, -1))


generator = np.random.default_rng(2)
test_t, test_noise = generator.integers(0, 1000, 2000), generator.standard_normal((2000, 2)).astype("float32")
test_signal, test_rate = RATES.numpy()[:, test_t][..., None]


def zero_and_ideal(points):
    """Losses of answering 0 and of the ideal denoiser of the whole distribution, for these points."""
    target = test_signal * test_noise - test_rate * points
    x_t, many = test_signal * points + test_rate * test_noise, face(3000, seed=5)
    logits = -((x_t[:, None] - test_signal[:, None] * many) ** 2).sum(axis=-1) / (2 * test_rate**2)
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    x_0 = share @ many / share.sum(axis=1, keepdims=True)
    return np.square(target).mean(), np.square((test_signal * x_t - x_0) / test_rate - target).mean()


unseen = face(2000, seed=1)
zero, ideal = zero_and_ideal(unseen)
print(
    say("loss of answering 0:", "回答 0 的损失："),
    f"{zero:.3f},",
    say("of the ideal denoiser:", "理想去噪器："),
    f"{ideal:.3f}",
)


def learned(weights, points=unseen):
    return (zero - losses(weights, points[None], test_t[None], test_noise[None]).numpy()) / (zero - ideal)


# %% [markdown] id="trainer" stamp="f6c4d9eb-15a107e9"
# The trainer: Adam, warm-up, and a rate that falls to zero along a cosine. Every run has its own learning rate.
# ---
# 训练器：Adam、预热，以及沿余弦降到零的学习率。每个运行有自己的学习率。


# %% id="train"
@functools.cache
def loop(runs, size, depth, augmented, half, keep):
    shapes = [tf.TensorSpec(weight.shape) for weight in weights_of(runs, depth)]
    flags = [tf.TensorSpec((runs,), "bool"), tf.TensorSpec((runs,))]

    @tf.function(input_signature=[tf.TensorSpec((None, 2)), shapes, tf.TensorSpec((None, runs)), *flags])
    def run(points, weights, rates, mirrored, turned):
        steps = tf.shape(rates)[0]
        means, squares = ([tf.zeros_like(weight) for weight in weights] for _ in range(2))
        path = tf.TensorArray("float32", size=steps if keep else 0)
        for i in tf.range(steps):
            seed = tf.stack([i, 0])
            rows = tf.random.stateless_uniform((runs, size), seed, 0, tf.shape(points)[0], dtype="int32")
            x_0 = tf.gather(points, rows)
            if augmented:
                draws = tf.random.stateless_uniform((2, runs, size), seed + 3)
                side = tf.where((draws[0] < 0.5) & mirrored[:, None], -1.0, 1.0)
                angle = turned[:, None] * (2 * draws[1] - 1)
                across, up = side * x_0[..., 0], x_0[..., 1]
                x_0 = tf.stack(
                    [tf.cos(angle) * across - tf.sin(angle) * up, tf.sin(angle) * across + tf.cos(angle) * up], axis=-1
                )
            t = tf.random.stateless_uniform((runs, size), seed + 1, 0, 1000, dtype="int32")
            noise = tf.random.stateless_normal((runs, size, 2), seed + 2)
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss = tf.reduce_sum(losses(weights, x_0, t, noise))
            slopes, n = tape.gradient(loss, weights), tf.cast(i + 1, "float32")
            means = [0.9 * mean + 0.1 * slope for mean, slope in zip(means, slopes, strict=True)]
            squares = [0.99 * square + 0.01 * slope**2 for square, slope in zip(squares, slopes, strict=True)]
            rate = rates[i][:, None, None]
            weights = [
                weight - rate * mean / (1 - 0.9**n) / (tf.sqrt(square / (1 - 0.99**n)) + 1e-8)
                for weight, mean, square in zip(weights, means, squares, strict=True)
            ]
            if half:
                weights = [tf.cast(tf.cast(weight, "bfloat16"), "float32") for weight in weights]
            if keep:
                path = path.write(i, tf.concat([tf.reshape(weight, [-1]) for weight in weights], axis=0))
        return weights, path.stack() if keep else tf.zeros((0,))

    return run.get_concrete_function()  # traced once for each of these arguments


def train(
    points,
    peaks,
    *,
    steps=600,
    size=64,
    depth=3,
    warmup=40,
    falls=True,
    mirrored=False,
    turned=0.0,
    half=False,
    keep=False,
):
    """Trains one network for every one of `peaks`, the learning rates (R,). Returns weights and, if kept, their path."""
    step, runs = np.arange(steps)[:, None], len(peaks)
    rates = np.minimum(1, (step + 1) / np.maximum(warmup, 1)) * np.asarray(peaks)
    rates = rates * (0.5 + 0.5 * np.cos(np.pi * step / steps)) if falls else rates
    mirrored, turned = np.broadcast_to(mirrored, runs), np.broadcast_to(np.float32(turned), runs)
    augmented = bool(mirrored.any() or turned.any())
    run = loop(runs, size, depth, augmented, half, keep)
    arrays = (tf.constant(array) for array in (rates.astype("float32"), mirrored, turned))
    return run(tf.constant(points), weights_of(runs, depth), *arrays)


# %% [markdown] id="rate-text" stamp="60120098-19f8025a"
# ## Learning rate, warm-up, and overfitting
#
# Five learning rates, with and without 40 steps of warm-up, on 2,000 points; then the same rates on 25 points only.
# Bars are from the worst to the best seed.
# ---
# ## 学习率、预热与过拟合
#
# 五种学习率，有或没有 40 步预热，用 2000 个点训练；然后同样的学习率只用 25 个点。竖线从最差的种子到最好的种子。

# %% id="rate"
many, few = face(2000, seed=0), face(25, seed=3)
peaks = np.array([1e-3, 3e-3, 1e-2, 3e-2, 1e-1])
each = np.repeat(peaks, SEEDS)


def spread(axis, places, values, label, colour, style="o-"):
    values = np.reshape(values, (len(places), -1))
    middle = np.median(values, axis=1)
    reach = np.stack([middle - values.min(axis=1), values.max(axis=1) - middle])
    axis.errorbar(places, middle, reach, fmt=style, label=label, color=colour, markersize=4, capsize=2)
    return middle


both, _ = train(many, np.tile(each, 2), warmup=np.repeat([40, 1], len(each)))
warm, cold = np.split(learned(both), 2)
small_set, _ = train(few, each)
figure, axes = plt.subplots(1, 2, figsize=(6.2, 2.1), layout="constrained")
warm_middle = spread(axes[0], peaks, warm, say("with warm-up", "有预热"), COLOURS[0])
cold_middle = spread(axes[0], peaks * 1.06, cold, say("without", "无预热"), COLOURS[1], "s--")
few_middle = spread(axes[1], peaks, learned(small_set), say("unseen points", "未见过的点"), COLOURS[0])
seen = np.tile(few, (80, 1))
own_zero, _ = zero_and_ideal(seen)
# the same scale, but 0 where answering 0 stands on these 25 points
fitted = learned(small_set, seen) + (own_zero - zero) / (zero - ideal)
spread(axes[1], peaks * 1.06, fitted, say("the 25 training points", "25 个训练点"), COLOURS[1], "s--")
for axis, title in zip(axes, (say("2,000 points", "2000 个点"), say("25 points", "25 个点")), strict=True):
    axis.set(xscale="log", xlabel=say("learning rate", "学习率"), ylabel=say("learned", "学到的比例"), title=title)
    axis.axhline(0, color="grey", linestyle=":")
    axis.legend(frameon=False, fontsize=8)
print(
    say("learned, 2,000 points:", "2000 个点学到的："),
    warm_middle.round(2),
    say("without warm-up:", "无预热："),
    cold_middle.round(2),
)
print(say("25 points, unseen:", "25 个点，未见过的："), few_middle.round(2))
assert warm_middle.max() > 0.4 and warm_middle.max() - warm_middle[0] > 0.1

# %% [markdown] id="rate-end" stamp="3cbcd131-c6accfaf"
# A rate that is too small is not safe, it is slow; one that is too large learns nothing. Warm-up changes nothing here, in a
# small network with Adam: advice that is right for large transformers need not be right for yours. On 25 points the
# smallest rate does lose least on unseen points, but look at the training points: it has found no better solution, it has
# not arrived at any. Stopping earlier does the same for less time. "A smaller learning rate prevents overfitting" confuses
# the two. More than 1 on training points is learning by heart: the ideal denoiser of the whole face does not know these
# 25.
# ---
# 学习率太小并不安全，只是慢；太大则什么都学不到。预热在这里毫无作用：网络小，又用 Adam。对大型 transformer 正确的建议，
# 对你的网络未必正确。用 25 个点时，最小的学习率在未见过的点上确实损失最少，但看训练点就知道：它并没有找到更好的解，
# 而是还没走到任何解。提早停止也能做到，还更省时间。“小学习率防止过拟合”混淆了这两件事。
# 训练点上超过 1 就是死记硬背：整张脸的理想去噪器并不认识这 25 个点。

# %% [markdown] id="size-text" stamp="20005d7a-b388a0c2"
# ## Batch size, depth, and the type of the weights
#
# Batches of 16, 64 and 256, each at the best of three learning rates: once with the same number of *steps*, once with
# the same number of *points*, which takes about the same arithmetic. Then one to six layers, with the same steps. And
# last the weights themselves in bfloat16, at three learning rates: after every step they are rounded to it, and a step that
# is smaller than half the spacing is lost.
# ---
# ## 批量大小、深度与权重的类型
#
# 批量 16、64、256，各取三种学习率中最好的：一次固定 *步数*，一次固定 *点的总数*（计算量大致相同）。
# 然后是一到六层，步数相同。最后，在三种学习率下让权重本身是 bfloat16：每一步之后都舍入到它，小于半个间距的更新就丢失了。

# %% id="sizes"
tried = np.repeat([5e-3, 1e-2, 2e-2], SEEDS)


@functools.cache
def tuned(size=64, steps=300, depth=3):
    """Of three learning rates that with the best median: (SEEDS,)."""
    groups = learned(train(many, tried, size=size, steps=steps, depth=depth)[0]).reshape(3, SEEDS)
    return groups[np.median(groups, axis=1).argmax()]


batches, depths, slow = (16, 64, 256), (1, 2, 3, 6), np.array([3e-4, 1e-3, 1e-2])
same_steps = [tuned(size) for size in batches]
same_points = [tuned(size, 300 * 64 // size) for size in batches]
by_depth = [tuned(depth=depth) for depth in depths]
by_type = [learned(train(many, np.repeat(slow, SEEDS), steps=300, half=half)[0]) for half in (False, True)]
figure, axes = plt.subplots(1, 3, figsize=(6.8, 2.0), layout="constrained", width_ratios=(1.2, 1, 1), sharey=True)
steps_middle = spread(axes[0], np.array(batches), same_steps, say("300 steps", "300 步"), COLOURS[0])
points_middle = spread(
    axes[0], np.array(batches) * 1.06, same_points, say("19,200 points", "19200 个点"), COLOURS[1], "s--"
)
axes[0].set(xscale="log", xlabel=say("batch", "批量"), ylabel=say("learned", "学到的比例"))
axes[0].set_xticks(batches, [str(size) for size in batches])
axes[0].minorticks_off()
axes[0].legend(frameon=False, fontsize=8)
depth_middle = spread(axes[1], np.array(depths), by_depth, "", COLOURS[2])
axes[1].set(xlabel=say("layers", "层数"))
axes[1].set_xticks(depths)
type_middle = [
    spread(axes[2], slow * (1 + 0.1 * i), found, name, COLOURS[i], style)
    for i, (found, name, style) in enumerate(zip(by_type, ("float32", "bfloat16"), ("o-", "s--"), strict=True))
]
axes[2].set(xscale="log", xlabel=say("learning rate", "学习率"))
axes[2].legend(frameon=False, fontsize=8)
print(say("batches, same steps:", "批量，步数相同："), steps_middle.round(2))
print(say("batches, same points:", "批量，点数相同："), points_middle.round(2))
print(say("layers:", "层数："), depth_middle.round(2))
print(say("float32, bfloat16:", "float32，bfloat16："), *np.round(type_middle, 2))
assert steps_middle[2] > steps_middle[0] and points_middle[0] > points_middle[2]
assert type_middle[0][0] > type_middle[1][0]

# %% [markdown] id="size-end" stamp="97bd9292-5c7c22d6"
# With the same steps the large batch wins, because it has seen more; for the same work the small batch wins here, because
# it has made more steps. Neither says anything about "generalising": all points are new. On a GPU a batch of 256 may take
# hardly longer than one of 16, and the answer turns round; so measure in the currency that you pay in. From one layer to
# two there is a gain, from three to six none: depth is no virtue in itself either. With large steps bfloat16 weights learn
# as much as float32; with small ones, such as every training needs at its end, they hardly move. That is why mixed
# precision keeps the *weights* in float32.
# ---
# 步数相同时大批量胜出，因为它看过更多的点；计算量相同时，这里是小批量胜出，因为它走了更多步。两者都与“泛化”无关：所有点都是新的。
# 在 GPU 上，批量 256 可能几乎不比 16 慢，答案就反过来了；所以要用你实际付出的代价来衡量。从一层到两层有收益，从三层到六层没有：深度本身也不是优点。
# 步子大时，bfloat16 的权重学得和 float32 一样多；步子小时（每次训练的末尾都需要小步），它们就几乎不动。
# 这就是混合精度让 *权重* 保持 float32 的原因。

# %% [markdown] id="average-text" stamp="c7153912-632dab60"
# ## The average of the weights
#
# With the rate held high, weights jump about; their average does not. A long memory averages more, but it also remembers
# the beginning, when the weights were random. Hence the warm-up of the *average*:
#
# [[training.average]]
#
# With $d = 0.995$ the warm-up lasts 1,791 steps, so for our 400 the decay is $n / (9 + n)$ throughout.
# ---
# ## 权重的滑动平均
#
# 学习率一直很高时，权重跳来跳去，它们的平均却不会。记忆越长平均得越充分，但也会记住一开始的随机权重。因此 *平均* 也要预热：
#
# [[training.average]]
#
# $d = 0.995$ 时预热要持续 1791 步，所以在这里的 400 步中衰减始终是 $n / (9 + n)$。


# %% id="ex-averaged" exercise="11-5"
def averaged(weights, decay):
    # <solution>
    average = weights[0].copy()
    for n in range(2, len(weights) + 1):
        decay_n = min(decay, n / (9 + n))
        average = decay_n * average + (1 - decay_n) * weights[n - 1]
    return average
    # </solution>


tp.course.grade("11-5", averaged, language=LANGUAGE)

# %% id="averages"
STEPS = 400
decays = (0.9, 0.95, 0.995)
results = {}


def learned_by(row, weights):
    """What the weights have learned that stand in one row of a path."""
    pieces = np.split(row.astype("float32"), np.cumsum([weight.numpy().size for weight in weights])[:-1])
    return learned([tf.reshape(piece, weight.shape) for piece, weight in zip(pieces, weights, strict=True)])


for falls in (False, True):
    last, path = train(many, np.full(SEEDS, 2e-2), steps=STEPS, falls=falls, keep=True)
    path = path.numpy()
    results[falls, 0.0] = learned_by(path[-1], last)
    for decay in decays:
        results[falls, decay] = learned_by(averaged(path, decay), last)
    # 0.995 without warm-up, written out: how much each row of the path counts
    remembering = 0.005 * 0.995 ** np.arange(STEPS)[::-1]
    remembering[0] = 0.995 ** (STEPS - 1)
    results[falls, "cold"] = learned_by(remembering @ path, last)
names = [say("weights", "权重"), *[f"{decay:g}" for decay in decays], say("0.995, no warm-up", "0.995，无预热")]
print(say("learned by the weights and by averages of this decay", "权重本身与不同衰减的平均所学到的比例"))
middle = {key: float(np.median(found)) for key, found in results.items()}
reach = max(found.max() - found.min() for found in results.values())
for falls, title in ((False, say("constant rate:", "恒定学习率：")), (True, say("falling rate:", "下降的学习率："))):
    values = [middle[falls, key] for key in (0.0, *decays, "cold")]
    print(title, ", ".join(f"{name} {value:.3f}" for name, value in zip(names, values, strict=True)))
print(say("largest difference between seeds:", "种子间的最大差别："), f"{reach:.2f}")
gains = results[False, 0.9] - results[False, 0.0]
print(say("gain of 0.9 at the constant rate, seed by seed:", "恒定学习率下 0.9 的增益（逐个种子）："), gains.round(2))
assert (gains > 0).mean() > 0.7 and middle[False, 0.95] > middle[False, 0.0] + 0.01
assert middle[False, 0.995] > middle[False, "cold"]

# %% [markdown] id="average-end" stamp="b1d3a5a8-fee2e287"
# At a constant rate the average gains in every seed (compare seed by seed: the seeds differ among themselves by more). A
# rate that falls to zero gains more still, and leaves the average nothing to do. With an average you can stop at any
# time; a falling rate must know the end in advance. And without its warm-up a long average is worse than no average.
# ---
# 学习率恒定时，每个种子都因平均而受益（要逐个种子比较：种子之间的差别更大）。学习率降到零的收益更大，平均就无事可做了。
# 有了平均，任何时候都可以停；下降的学习率则必须事先知道何时结束。而没有预热的长平均，比不平均还差。

# %% [markdown] id="augment-text" stamp="ca1cf89c-86b0781a"
# ## Augmentation: free data, or a leak
#
# Augmentation says to the model: this, too, is data. If it is true, it helps. The face is the same in the mirror, so
# mirrored points are points of the face. Turned points are not. Both are tried on 60 points, several seeds each.
#
# Grey: the face; orange: the 60 training points; blue: 150 painted points of the first seed. The numbers are medians over
# the seeds; *off the face* is the share of painted points more than 0.2 away from it.
# ---
# ## 数据增强：免费的数据，还是泄漏
#
# 数据增强等于告诉模型：这也是数据。如果这是真的，它就有帮助。这张脸左右对称，所以镜像后的点仍在脸上；旋转后的点则不是。
# 两种都在 60 个点上尝试，每种多个种子。
#
# 灰色是脸，橙色是 60 个训练点，蓝色是第一个种子画出的 150 个点。数字是各种子的中位数；*脸外* 是离脸超过 0.2 的点所占的比例。

# %% id="augment"
some = face(60, seed=3)
kinds = (say("none", "无"), say("mirrored", "镜像"), say("turned by up to 40°", "旋转至多 40°"))
trained, _ = train(
    some,
    np.full(3 * SEEDS, 1e-2),
    steps=1500,
    mirrored=np.repeat([False, True, False], SEEDS),
    turned=np.repeat([0.0, 0.0, np.deg2rad(40)], SEEDS),
)
groups = learned(trained).reshape(3, SEEDS)
count = 500
noise = tp.diffusion.unit_noise(list(range(count)), 0, (2,))
log_ratio = np.log(RATES.numpy()[0] / RATES.numpy()[1])


def denoise(x_t, signal_rate, noise_rate):
    t = np.abs(log_ratio - np.log(signal_rate / noise_rate)).argmin()
    return signal_rate * x_t - noise_rate * predict(trained, x_t, tf.fill((3 * SEEDS, count), t))


painted = tp.diffusion.samplers.get("ddim")(
    denoise,
    tf.constant(np.tile(noise, (3 * SEEDS, 1, 1))),
    tp.diffusion.spacing.rates(schedule, "ddim", 25),
    None,
)
painted = np.asarray(painted).reshape(3, SEEDS, count, 2)
drawn = face(1500, seed=6)
away = np.sqrt(((painted[:, :, :, None] - drawn) ** 2).sum(axis=-1).min(axis=-1))
off_face = (away > 0.2).mean(axis=2)
figure, axes = plt.subplots(1, 3, figsize=(5.4, 2.4), layout="constrained")
for axis, kind, points, group, wrong in zip(axes, kinds, painted[:, 0], groups, off_face, strict=True):
    axis.scatter(*drawn.T, s=2, color=tp.plot.FAINT)
    axis.scatter(*points[:150].T, s=3, color=COLOURS[0], linewidths=0)
    axis.scatter(*some.T, s=8, color=COLOURS[1], linewidths=0)
    axis.set(xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), aspect="equal", xticks=[], yticks=[])
    numbers = f"{say('learned', '学到')} {np.median(group):.2f}\n{say('off the face', '脸外')} {np.median(wrong):.2f}"
    axis.set_title(f"{kind}\n{numbers}", fontsize=8)
assert np.median(groups[1]) > np.median(groups[0])
assert np.median(off_face[2]) > np.median(off_face[1])

# %% [markdown] id="augment-end" stamp="7c169af9-c8dd2384"
# Mirroring helps. Turning, with so few points, helps the loss as well, by filling gaps; but it paints more points off the
# face: a *leak*, the augmentation is in the samples. The loss alone would have hidden it. Rotations and shears help a
# classifier, whose answer they do not change. A generator paints what it is shown. And captions must follow: mirrored,
# "lit from the left" becomes "lit from the right". `tp.data.load(..., augmentation={"flip": 0.5})` does that.
# ---
# 镜像有帮助。点这么少时，旋转填补了空隙，也能改善损失；但它画出更多脸外的点：这就是 *泄漏*，增强出现在了样本里。
# 只看损失是发现不了的。旋转和错切对分类器有益，因为不改变它的答案；
# 生成模型却会画出它所看到的。描述也必须跟着变：镜像之后，“光从左边来”变成“光从右边来”。`tp.data.load(..., augmentation={"flip": 0.5})` 会处理这一点。

# %% [markdown] id="attention-text" stamp="6ead3af4-76d5d867"
# ## Attention: already there
#
# "Adding attention would improve Stable Diffusion." It has had attention from the beginning: in the U-Net of version 1.5
# there are 16 transformers, in each one layer that looks across the picture and one that looks at the words. What do they
# contribute? The shipped painter, on portraits it has never seen, with parts of it switched off. That is no fair ablation
# (a network trained without a part would make up for some of it), but it shows what this network relies on.
# ---
# ## 注意力：本来就有
#
# “加入注意力机制可以改进 Stable Diffusion。”它从一开始就有注意力：1.5 版的 U-Net 里有 16 个 transformer，
# 每个都有一层在图像内部相互看，一层看文字。它们贡献多少？让随包提供的模型面对从未见过的肖像，并关掉它的某些部分。
# 这不是公平的消融（训练时就没有某部分的网络会设法弥补），但它说明这个网络依赖什么。

# %% id="attention"
painter = tp.LatentDiffusion.from_preset("portrait_128")
count = 16 if FAST else 256
people = [tp.world.sample(2**41 + seed) for seed in range(count)]
latents = painter.autoencoder.encode(np.stack([person.render(128) for person in people]).astype("float32") / 127.5 - 1)
latents = np.asarray(latents)
words = [str(person.caption("en", seed=0)) for person in people]
measure = tf.function(lambda ids: painter.compute_loss({"latents": latents, "token_ids": ids}, training=False))


def loss_with(texts, without=None):
    """Loss with all weights of the U-Net at zero whose path has one of the words."""
    chosen = [weight for weight in painter.unet.weights if without and without in weight.path]
    assert chosen or not without
    kept = [weight.numpy() for weight in chosen]
    for weight in chosen:
        weight.assign(tf.zeros_like(weight))
    loss = float(measure(tf.constant(painter.tokenizer.encode(texts), "int32")))
    for weight, value in zip(chosen, kept, strict=True):
        weight.assign(value)
    return loss


found = {
    say("everything", "完整"): loss_with(words),
    say("another portrait's words", "别人的描述"): loss_with([*words[1:], words[0]]),
    say("no words", "没有文字"): loss_with([""] * count),
    say("without self-attention", "去掉自注意力"): loss_with(words, "attn1/to_out"),
    say("without cross-attention", "去掉交叉注意力"): loss_with(words, "attn2/to_out"),
    say("answering 0", "回答 0"): loss_with(words, "conv_out"),
}
for name, loss in found.items():
    print(f"{loss:.3f}  {name}")
values = list(found.values())
assert values[0] < values[1] and values[0] < values[3] and values[0] < values[4]

# %% [markdown] id="attention-end" stamp="0ef1bfe2-1ac984e0"
# Without words the loss rises a little, with another portrait's words a lot: the network believes what it is told. Without
# the layers that read words it rises most of all, much more than without words, so these layers carry more than words.
# That is the limit of switching off: it shows what the rest has come to rely on.
# ---
# 没有文字，损失略有上升；换成别人的描述，上升很多：网络相信所给的文字。去掉读文字的层，损失上升最多，远多于没有文字，
# 可见这些层承载的不只是文字。这也是“关掉”的局限：它只说明其余部分已经依赖了什么。

# %% [markdown] id="figures" stamp="6ade3ba0-e2141762"
# ## What this package has measured
#
# The README has more, with the machines and the commands. Two examples, on two CPU cores. A training step of the U-Net is
# 1.30 times as fast as diffusers' on one machine, and 0.86 to 1.06 times on another, whose speed wavers
# (`python tests/benchmarks/bench_unet.py`): a speed without its machine is no number. With half of its weights at zero the
# painter's prompt accuracy falls from 0.892 to 0.766, and comes back to 0.853 after 100 more steps
# (`python tests/benchmarks/bench_pruning.py --steps 100 --portraits 3000`).
# ---
# ## 本包测得的数
#
# README 里有更多数字，并注明机器和命令。举两个例子，都在两个 CPU 核心上。U-Net 训练步的速度在一台机器上是 diffusers 的 1.30 倍；
# 在另一台速度不稳的机器上是 0.86 到 1.06 倍（`python tests/benchmarks/bench_unet.py`）：不说明机器的速度不是一个数。
# 把一半权重置零，提示词准确率从 0.892 降到 0.766，再训练 100 步后回到 0.853
# （`python tests/benchmarks/bench_pruning.py --steps 100 --portraits 3000`）。

# %% [markdown] id="end" stamp="8203dc74-1f32ca87"
# ## What to remember
#
# * Take turns, keep the first call apart, report medians. XLA pays for itself or not; measure it.
# * float16 lacks range, bfloat16 lacks digits. Scale the loss, unscale, then clip; keep the weights in float32.
# * Parts of a batch add up to the batch, each counted by its size.
# * Every comparison needs several seeds, the loss of answering 0, and a currency: steps, examples, or seconds.
# * Averages and falling rates tame the same noise, the falling rate more thoroughly here. Augment only by what is true of
#   the data.
#
# **Try**: give `train` two thousand steps on `few` and compare the unseen loss with that after two hundred. Is the best
# learning rate for batches of 256 larger than that for 16?
# ---
# ## 本章要点
#
# * 轮流运行，首次调用单独记，报告中位数。XLA 划算与否，测了才知道。
# * float16 缺范围，bfloat16 缺位数。放大损失，除回来，再裁剪；权重保持 float32。
# * 一批可以拆成几块相加，每块按大小加权。
# * 每次比较都需要多个种子、“回答 0”的损失，以及一种计价单位：步数、样本数或秒数。
# * 滑动平均和下降的学习率抑制的是同一种噪声，这里下降的学习率更彻底。只做符合数据真实情况的增强。
#
# **试一试**：让 `train` 在 `few` 上训练两千步，与两百步后的未见损失比较。批量 256 的最佳学习率是否比 16 的大？
