# %% [markdown] id="title" stamp="b5766c5e-822e46ec"
# # A U-Net, and training it
#
# Chapter 4 had the best possible denoiser, and it could only copy. A network takes its place: it sees a noisy picture
# and a time and says what it thinks the picture is. In this chapter you look at its parts, write what surrounds it in
# training, and train: one from nothing, with a training step of your own, then one that goes on from the package's, with
# Keras' `fit`.
#
# **You will** write the time embedding, the target called velocity, gradient clipping, a learning rate with warm-up, the
# average of the weights, and a `train_step`.
# ---
# # U-Net 及其训练
#
# 第 4 章有最优的去噪器，可它只会复制。现在由网络来代替：它看到一幅带噪的图和一个时刻，说出它认为图上是什么。
# 本章先看网络的组成，再写出训练时围绕它的各个部分，最后是训练：先用你自己写的训练步骤从零训练一个，再用 Keras 的 `fit` 接着训练随包附带的一个。
#
# **你将** 写出时间嵌入、名为速度（velocity）的目标、梯度裁剪、带预热的学习率、权重的滑动平均，以及一个 `train_step`。

# %% id="setup"
import time

import matplotlib.pyplot as plt
import numpy as np

import tfportrait as tp

# isort: split
import keras
import tensorflow as tf
from keras import ops

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
SIZE = 32
portraits = np.stack([tp.world.sample(seed).render(SIZE) for seed in range(512 if FAST else 8192)])
images = portraits.reshape(-1, SIZE // 2, 2, SIZE // 2, 2, 3).mean(axis=(2, 4)) / 127.5 - 1  # 2 x 2 pixels are one
images = images.astype("float32")
print(portraits.shape, images.shape, f"{images.min():.2f} {images.max():.2f}")
tp.plot.images(portraits[:8], columns=8, size=0.9)

# %% [markdown] id="time" stamp="df79619d-00ce8ed2"
# ## What time is it?
#
# The same network works at all noise levels, so it must be told which one. A single number between 0 and 999 is hard to
# read for a network; as a row of waves of many lengths, near times look alike and far ones do not.
#
# [[network.time_embedding]]
#
# $C$ is the size of the embedding, $i = 0, \dots, C/2-1$.
# ---
# ## 现在是什么时刻？
#
# 同一个网络要处理所有噪声水平，所以必须告诉它当前是哪一个。单独一个 0 到 999 的数对网络来说很难读；
# 写成一排波长各异的正弦波之后，相近的时刻看起来相近，相远的则不同。
#
# [[network.time_embedding]]
#
# $C$ 是嵌入的维数，$i = 0, \dots, C/2-1$。


# %% id="ex-embedding" exercise="05-1"
def time_embedding(times, size):
    # <solution>
    half = size // 2
    frequencies = 10000.0 ** (-np.arange(half) / half)
    angles = times[:, None] * frequencies
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    # </solution>


tp.course.grade("05-1", time_embedding, language=LANGUAGE)

# %% id="draw-embedding"
embedded = time_embedding(np.arange(1000.0), 64)
alike = embedded @ embedded.T / 32
figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.4), layout="constrained")
axes[0].imshow(embedded.T, aspect="auto", cmap="RdBu", vmin=-1, vmax=1)
axes[0].set(xlabel=say("time", "时刻"), ylabel=say("number of the embedding", "嵌入的第几个数"))
for t in (100, 500, 900):
    axes[1].plot(alike[t], label=f"t = {t}")
axes[1].set(xlabel=say("other time", "另一时刻"), ylabel=say("likeness", "相似度"), ylim=(-0.05, 1.45))
axes[1].legend(frameon=False, fontsize=8, ncols=3, loc="upper center")
assert all(alike[t].argmax() == t for t in (100, 500, 900))

# %% [markdown] id="shape" stamp="5fea58f4-af915d53"
# ## Down, through, up
#
# A U-Net halves the picture's sides a few times, so that a small kernel sees far, and doubles them again. What is lost
# on the way down is handed across to the same level on the way up. The next figure asks how far an output pixel sees:
# the gradient of the middle one with respect to every pixel of the input, in networks of one, two and three levels.
# Their weights are random; brightness is the fourth root of the squared gradient, so that faint influence shows.
# ---
# ## 向下、穿过、向上
#
# U-Net 把图像的边长减半几次，使小卷积核也能看得远，然后再放大回来。向下时丢失的细节，经由同一层级的跳跃连接直接交给向上的一侧。
# 下图要问的是：一个输出像素能看多远？图中是中间那个输出像素对输入每个像素的梯度，网络分别有一个、两个和三个分辨率层级。
# 网络未经训练；亮度是梯度平方的四次方根，使微弱的影响也看得见。


# %% id="sees"
def unet(channels):
    levels = len(channels)
    return tp.UNet(
        in_channels=3,
        out_channels=3,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=["DownBlock2D"] * levels,
        mid_block_type=None,
        up_block_types=["UpBlock2D"] * levels,
        cross_attention_dim=None,
        norm_num_groups=8,
    )


keras.utils.set_random_seed(0)
wide = portraits[:4] / 127.5 - 1
batch, times = tf.constant(wide, "float32"), tf.fill((4,), 300.0)
rows, columns = np.mgrid[:32, :32]
figure, axes = plt.subplots(1, 3, figsize=(6.0, 2.2), layout="constrained")
reaches = []
for axis, channels in zip(axes, ((16,), (16, 32), (16, 32, 48)), strict=True):
    network = unet(channels)
    _, slope = tp.autodiff.gradient(lambda x, network=network: ops.sum(network(x, times)[:, 16, 16]), batch)
    power = np.square(slope).mean(axis=(0, 3))
    distance = (rows - 16) ** 2 + (columns - 16) ** 2
    reaches.append(float(np.sqrt((power * distance).sum() / power.sum())))
    axis.imshow(power**0.25, cmap="magma")
    axis.set(xticks=[], yticks=[])
    count = network.count_params()
    levels = say(f"levels: {len(channels)}", f"层级数：{len(channels)}")
    weights = say(f"{count / 1000:.0f} k weights", f"{count / 10000:.1f} 万个权重")
    axis.set_title(f"{levels}, {weights}", fontsize=9)
print(say("how far it sees, in pixels:", "能看多远（像素）："), *(f"{reach:.1f}" for reach in reaches))
assert reaches[0] < reaches[1] < reaches[2]

# %% [markdown] id="target" stamp="b2b69425-8d2a685e"
# ## What shall it predict?
#
# The noise? Where there is hardly any signal left that is easy, and says nothing about the picture. The picture? Where
# there is hardly any noise left that is easy. The *velocity* is a mixture that is never trivial: it is the noise at the
# beginning of the path, where $x_t$ is the picture, and minus the picture at its end, where $x_t$ is noise.
#
# [[prediction.v]]
#
# $F^* = v$ is what the network should answer, $F$ what it does answer; $\alpha_t$ and $\sigma_t$ are the signal rate
# and the noise rate.
# ---
# ## 让它预测什么？
#
# 预测噪声？在几乎没有信号的地方这很容易，却对图像毫无说明。预测图像？在几乎没有噪声的地方这也很容易。
# *速度* 是两者的混合，在任何时刻都不平凡：在路径起点（$x_t$ 就是图像）它等于噪声，在终点（$x_t$ 就是噪声）它等于负的图像。
#
# [[prediction.v]]
#
# $F^* = v$ 是网络应给出的回答，$F$ 是它实际的回答；$\alpha_t$、$\sigma_t$ 即信号率与噪声率。


# %% id="ex-velocity" exercise="05-2"
def velocity(x_0, noise, signal_rate, noise_rate):
    # <solution>
    return signal_rate * noise - noise_rate * x_0
    # </solution>


tp.course.grade("05-2", velocity, language=LANGUAGE)


# %% id="ex-image" exercise="05-3"
def x_0_from_velocity(x_t, velocity, signal_rate, noise_rate):
    # <solution>
    return signal_rate * x_t - noise_rate * velocity
    # </solution>


tp.course.grade("05-3", x_0_from_velocity, language=LANGUAGE)

# %% [markdown] id="baseline" stamp="e21deb09-1bc719a7"
# **The number to beat.** A network that always answers 0 has the loss $\operatorname{E}[v^2]$. Its value stands beside
# every loss of this course: a training that ends near it has learned nothing, however smooth its curve.
# ---
# **要超过的数。** 永远回答 0 的网络，其损失是 $\operatorname{E}[v^2]$。本课程的每个损失旁边都写着它：
# 训练若停在它附近，曲线再光滑也什么都没学到。

# %% id="zero"
schedule = tp.diffusion.schedules.get({"name": "cosine", "timestep_spacing": "trailing"})
generator = np.random.default_rng(0)
signal, noise_rate = (
    np.asarray(rate)[:, None, None, None] for rate in schedule.rates(generator.integers(0, 1000, 512))
)
unit_noise = generator.standard_normal(images[:512].shape)
targets = velocity(images[:512], unit_noise, signal, noise_rate)
baseline = float(np.square(targets).mean())
print(say("loss of answering 0:", "回答 0 的损失："), f"{baseline:.3f}")
back = x_0_from_velocity(signal * images[:512] + noise_rate * unit_noise, targets, signal, noise_rate)
assert np.abs(back - images[:512]).max() < 1e-5

# %% [markdown] id="around" stamp="9f9a3fc6-3d65ed81"
# ## What surrounds the network
#
# **The learning rate** begins small, because the first gradients point anywhere, and ends small, because noise in the
# gradients would keep the weights from settling.
# ---
# ## 网络的外围
#
# **学习率** 开始时小，因为最初的梯度方向杂乱；结束时也小，因为梯度中的噪声会让权重无法稳定下来。


# %% id="ex-rate" exercise="05-6"
def learning_rate(step, warmup, total, peak):
    # <solution>
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + np.cos(np.pi * (step - warmup) / (total - warmup)))
    # </solution>


tp.course.grade("05-6", learning_rate, language=LANGUAGE)

# %% [markdown] id="clip" stamp="7e2854a7-61fea38c"
# **Clipping** keeps one bad batch from undoing a thousand good ones. All gradients are scaled by *one* factor, so that
# the step becomes shorter but keeps its direction.
# ---
# **裁剪** 防止一个坏批次毁掉一千个好批次。所有梯度乘以 *同一个* 系数：步子变短，方向不变。


# %% id="ex-clip" exercise="05-5"
def clip_by_global_norm(kernel_gradient, bias_gradient, limit):
    # <solution>
    norm = np.sqrt((kernel_gradient**2).sum() + (bias_gradient**2).sum())
    factor = min(1.0, limit / norm)
    return kernel_gradient * factor, bias_gradient * factor
    # </solution>


tp.course.grade("05-5", clip_by_global_norm, language=LANGUAGE)

# %% [markdown] id="average" stamp="21727e1f-d2c8962c"
# **The average of the weights** paints better than the weights themselves: they jump about in the valley, and their
# average lies nearer to its floor.
#
# [[training.average]]
#
# The decay $d_n$ begins small, so that the random start is soon forgotten; chapter 11 measures what the average gains.
# ---
# **权重的滑动平均** 画得比权重本身更好：权重在谷底附近跳来跳去，而它们的平均更接近谷底。
#
# [[training.average]]
#
# 衰减 $d_n$ 一开始很小，好尽快忘掉随机的初值；平均带来的好处在第 11 章测量。


# %% id="ex-average" exercise="05-4"
def update_average(average, weight, decay):
    # <solution>
    return decay * average + (1 - decay) * weight
    # </solution>


tp.course.grade("05-4", update_average, language=LANGUAGE)

# %% [markdown] id="own-step" stamp="00f1e65b-73c36f5b"
# ## A training step of your own
#
# `fit` brings batches, callbacks and progress; what happens with one batch is said in `train_step`. Here it is, whole:
# draw times and noise, mix, predict, compare, differentiate, clip, step, average.
# ---
# ## 自己写的训练步骤
#
# `fit` 负责批次、回调和进度；一个批次里发生什么，由 `train_step` 决定。下面是完整的一步：
# 抽取时刻和噪声，混合，预测，比较，求导，裁剪，更新，平均。


# %% id="train-step"
@keras.saving.register_keras_serializable("lesson")
class Diffusion(keras.Model):
    def __init__(self, network, decay):
        super().__init__()
        self.network, self.decay = network, decay
        self.averages = [tf.Variable(weight, trainable=False) for weight in network.trainable_variables]
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def train_step(self, x_0):
        count = tf.shape(x_0)[0]
        t = tf.random.uniform((count,), 0, 1000, dtype="int32")
        signal_rate, noise_rate = (tf.reshape(rate, (-1, 1, 1, 1)) for rate in schedule.rates(t))
        noise = tf.random.normal(tf.shape(x_0))
        with tf.GradientTape() as tape:
            predicted = self.network(signal_rate * x_0 + noise_rate * noise, tf.cast(t, "float32"), training=True)
            loss = tf.reduce_mean(tf.square(predicted - velocity(x_0, noise, signal_rate, noise_rate)))
        weights = self.network.trainable_variables
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, weights), 1.0)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        n = tf.cast(self.optimizer.iterations, "float32")
        decay = tf.minimum(self.decay, n / (9 + n))
        for average, weight in zip(self.averages, weights, strict=True):
            average.assign(update_average(average, weight, decay))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}


keras.utils.set_random_seed(0)
BATCH, STEPS = 32, 44
mine = Diffusion(unet((16, 32)), decay=0.98)
mine.compile(keras.optimizers.AdamW(4e-3), jit_compile=False)  # XLA would compile for longer than this trains
dataset = tf.data.Dataset.from_tensor_slices(images).repeat().shuffle(1024, seed=0).batch(BATCH)
rates = keras.callbacks.LambdaCallback(
    on_train_batch_begin=lambda step, logs: mine.optimizer.learning_rate.assign(
        float(learning_rate(step, 10, STEPS, 4e-3))
    )
)
losses = []
record = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: losses.append(logs["loss"]))
mine.fit(dataset, steps_per_epoch=STEPS, callbacks=[rates, record], shuffle=False, verbose=0)
sums = np.array(losses) * np.arange(1, STEPS + 1)  # Keras reports the mean since the epoch's start
losses = np.diff(sums, prepend=0)
print(
    say("loss of the last 20 steps", "最后 20 步的损失"),
    f"{losses[-20:].mean():.3f},",
    say("of zero", "回答 0"),
    f"{baseline:.3f}",
)
assert losses[-20:].mean() < 0.8 * baseline

# %% [markdown] id="fit" stamp="4884e1b3-cfc1a98d"
# ## The same with the package
#
# From nothing it would take an hour until such a network paints faces. So the next one goes on from where the package's
# `pixels_128` is: 6000 steps of 16 portraits. It has learned whole portraits of 128 pixels. A canvas of 32 pixels has
# room for a piece of one at that scale, and that is what it paints: it knows strokes and shades, not where on so small
# a face they belong.
#
# `PixelDiffusion` has a step like yours built in, with the average, recovery after a crash, mixed precision and XLA
# (both in chapter 11). Its optimizer here is Muon, which makes the steps of a matrix equally long in all directions.
# ---
# ## 用本包完成同样的事
#
# 从零开始，这样的网络要一小时才画得出脸。所以下一个从随包的 `pixels_128` 接着训练：它已训练了 6000 步，每步 16 幅肖像。
# 它学的是 128 像素的整幅肖像；32 像素的画布按这个尺度只放得下其中一小块，它画的也就是这样一块：知道笔触和明暗，却不知道它们在这么小的脸上该放在哪里。
#
# `PixelDiffusion` 内置了和你写的一样的训练步骤，另外还有滑动平均、崩溃后的恢复、混合精度和 XLA（后二者见第 11 章）。这里的优化器是 Muon，
# 它让一个权重矩阵在所有方向上的更新同样长。

# %% id="train"
keras.utils.set_random_seed(0)
model = tp.models.PixelDiffusion.from_preset("pixels_128")
before = model.generate(seeds=list(range(8)), num_steps=20, image_size=SIZE)
EPOCHS, PER_EPOCH, BATCH = (5, 10, 24) if FAST else (10, 75, 32)
total = EPOCHS * PER_EPOCH
decay = keras.optimizers.schedules.CosineDecay(4e-4, total - 5, warmup_target=4e-3, warmup_steps=5, alpha=0.0)
model.compile(tp.training.Muon(decay, beta_2=0.99, ema_decay=0.9, global_clipnorm=1.0), jit_compile=False)
start = time.perf_counter()
history = model.fit(
    tf.data.Dataset.from_tensor_slices({"image": portraits}).repeat().shuffle(1024, seed=0).batch(BATCH),
    epochs=EPOCHS,
    steps_per_epoch=PER_EPOCH,
    verbose=0,
)
print(f"{total} {say('steps', '步')}, {time.perf_counter() - start:.0f} s")
figure, axes = plt.subplots(figsize=(4.6, 2.4))
axes.plot(np.arange(1, EPOCHS + 1) * PER_EPOCH, history.history["loss"], label=say("training", "训练"))
axes.axhline(baseline, color="grey", linestyle=":", label=say("answering 0", "回答 0"))
axes.set(xlabel=say("steps", "步"), ylabel=say("loss", "损失"), ylim=(0, 1.1 * baseline))
axes.legend(frameon=False, fontsize=8)
assert history.history["loss"][-1] < min(0.5 * baseline, history.history["loss"][0])

# %% [markdown] id="sees-through" stamp="d14c4f0f-9b4d2ab8"
# What it has learned, at six noise levels: the noisy portrait above, below what the network takes it for. With little
# noise it cleans; with much it guesses a face that is likely, and blurred where it does not know.
# ---
# 它学到了什么？六个噪声水平：上排是带噪的肖像，下排是网络认为的原图。噪声少时它在清理；噪声多时它猜测一张可能的脸，不知道的地方是模糊的。

# %% id="denoised"
clean = tp.world.sample(10**6 + 1, style="flat", hair_color="red").render(SIZE)[None].astype("float32") / 127.5 - 1
noise = tp.diffusion.unit_noise([3], 0, clean.shape[1:])
rows = [[], []]
levels = (0.1, 0.3, 0.5, 0.7, 0.9, 0.97)
with model.averaged_weights():
    for noise_rate in levels:
        signal_rate = np.sqrt(1 - noise_rate**2)
        noisy = signal_rate * clean + noise_rate * noise
        rows[0].append(noisy[0])
        rows[1].append(np.asarray(model.denoise(noisy, signal_rate, noise_rate))[0])
shown = ((np.concatenate(rows).reshape(-1, SIZE, SIZE, 3).clip(-1, 1) + 1) * 127.5).astype("uint8")
tp.plot.table(
    shown,
    columns=[f"{level:g}" for level in levels],
    rows=(say("noisy", "带噪"), say("denoised", "去噪")),
    size=0.9,
)

# %% [markdown] id="paint" stamp="064bbfb7-530357d8"
# ## Portraits out of nothing
#
# A sampler asks the network 20 times (chapter 8), with the same seeds before and after the training. The third row
# shows the nearest of the portraits that it was trained on. Does it copy, as the ideal denoiser does? Compare with the
# distance of new renders from their nearest: a copy would be much nearer. Chapter 13 measures this with more care.
# ---
# ## 从无到有的肖像
#
# 采样器询问网络 20 次（第 8 章），训练前后用同样的种子。第三行是训练集中与之最近的肖像。它会像理想去噪器那样复制吗？
# 与新渲染的肖像到其最近者的距离相比：若是复制，会近得多。第 13 章会更仔细地测量这一点。


# %% id="samples"
def nearest_to(pictures):
    """The training portraits that are nearest to pictures, and their root mean square differences from them."""
    known = portraits.astype("float32")
    away = np.array([np.sqrt(np.square(known - picture).mean(axis=(1, 2, 3))) for picture in pictures])
    return portraits[away.argmin(axis=1)], away.min(axis=1)


painted = model.generate(seeds=list(range(8)), num_steps=20, image_size=SIZE)
nearest, away = nearest_to(painted)
_, away_new = nearest_to(np.stack([tp.world.sample(10**6 + seed).render(SIZE) for seed in range(8)]))
print(
    say("root mean square difference from the nearest:", "与最近者的均方根差："),
    f"{say('painted', '所画的')} {away.mean():.0f}, {say('new renders', '新渲染的')} {away_new.mean():.0f}, / 255",
)
assert away.mean() > 0.5 * away_new.mean()
tp.plot.table(
    np.concatenate([before, painted, nearest]),
    columns=[str(seed) for seed in range(8)],
    rows=(say("before", "之前"), say("after", "之后"), say("nearest", "最近的")),
    size=0.9,
)

# %% [markdown] id="longer" stamp="98e26c81-ef0de5a8"
# Fifty steps have moved the strokes to where they belong: hair above, skin in the middle, clothes below. These are not
# portraits yet; eyes and hats can only be guessed. What `pixels_128` paints at the size that it was trained on:
# ---
# 五十步把笔触挪到了大致正确的位置：上面是头发，中间是皮肤，下面是衣服。这还算不上肖像，眼睛和帽子只能靠猜。
# 而 `pixels_128` 在它受训的尺寸上画的是：

# %% id="shipped"
patient = tp.models.PixelDiffusion.from_preset("pixels_128")
tp.plot.images(patient.generate(seeds=list(range(5)), num_steps=20), columns=5, size=1.1)

# %% [markdown] id="end" stamp="94da3e63-5709d2a4"
# ## What to remember
#
# * One network for all noise levels; the time is given to it as waves.
# * Down and up lets it see far; the connections across keep the details.
# * Never look at a loss without the loss of answering 0 beside it.
# * Clip by the norm of all gradients together; warm up, decay; paint with the average.
#
# **Try**: predict the noise instead of the velocity in `Diffusion` (two lines). Which loss does a network have now that
# answers 0, and does the picture of one step at noise rate 0.97 become better or worse?
# ---
# ## 本章要点
#
# * 一个网络对付所有噪声水平；时刻以一排波的形式告诉它。
# * 先下后上使它看得远；跳跃连接保住细节。
# * 看损失时，旁边一定要有“回答 0”的损失。
# * 按所有梯度合在一起的长度裁剪；预热，衰减；用滑动平均的权重作画。
#
# **试一试**：让 `Diffusion` 预测噪声而不是速度（改两行）。现在回答 0 的网络损失是多少？在噪声率 0.97 处一步猜出的图变好还是变差？
