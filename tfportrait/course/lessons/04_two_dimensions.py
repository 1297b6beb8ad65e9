# %% [markdown] id="title" stamp="83891636-9ddf797b"
# # Diffusion in two dimensions
#
# An image is a point in a space of many dimensions. Here the space has two, so that everything can be drawn: what
# noise does to data, what the best possible denoiser says, and how a sampler walks from noise back to data. Nothing is
# trained in this chapter: the best denoiser is known in closed form.
#
# **You will** write the forward process, the ideal denoiser and the score, each graded at once, and see why a
# denoiser that is perfect on its training set can only copy it.
# ---
# # 二维中的扩散
#
# 一幅图像是高维空间中的一个点。本章的空间只有两维，因此一切都能画出来：噪声如何改变数据，最好的去噪器会给出什么，
# 采样器怎样从噪声一步步走回数据。本章不训练任何网络：最优去噪器有闭式解。
#
# **你将** 写出前向过程、理想去噪器和得分函数，每个都会立即得到评分；还会看到，为什么在训练集上完美的去噪器只会复制训练集。

# %% id="setup"
import matplotlib.pyplot as plt
import numpy as np

import tfportrait as tp

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)

# %% [markdown] id="data" stamp="e7fbb935-4c3739eb"
# ## Data: a face of 300 points
#
# The points lie on a face: its outline, two eyes and a mouth. They are scaled so that their mean is 0 and their
# variance 1, as images are for diffusion.
# ---
# ## 数据：由 300 个点组成的脸
#
# 这些点落在一张脸上：轮廓、两只眼睛和一张嘴。它们经过缩放，均值为 0、方差为 1，与扩散模型对图像的要求相同。

# %% id="face"
generator = np.random.default_rng(0)


def arc(center, radius, first, last, count):
    angles = np.linspace(first, last, count)
    return center + radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


face = np.concatenate(
    [
        arc((0.0, 0.0), 2.0, 0, 2 * np.pi, 160),
        arc((-0.8, 0.7), 0.25, 0, 2 * np.pi, 40),
        arc((0.8, 0.7), 0.25, 0, 2 * np.pi, 40),
        arc((0.0, -0.2), 1.1, np.pi * 1.15, np.pi * 1.85, 60),
    ]
)
face = (face - face.mean(axis=0)) / face.std()


def draw(axes, points, title="", limit=3.0, **style):
    axes.scatter(*points.T, **{"s": 4, "color": "tab:blue", "linewidths": 0, **style})
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
    axes.set_title(title, fontsize=10)


figure, axes = plt.subplots(figsize=(2.6, 2.6))
draw(axes, face, say("the data", "数据"))

# %% [markdown] id="forward" stamp="296b42df-0d0e1833"
# ## The forward process
#
# In each of $T$ small steps a share $\beta_t$ of the variance is replaced by noise. Because sums of normal variables
# are normal, all steps up to $t$ are one step, and only the product of what each leaves over matters:
#
# [[diffusion.forward]]
#
# [[diffusion.betas]]
#
# The share of the signal's variance that is left is called $\bar\alpha_t = \alpha_t^2$ (`alpha_bar` in the exercises;
# papers on DDPM write $\alpha_t$ for $1 - \beta_t$). Numbers are scaled by roots of shares:
# $s = \alpha_t = \sqrt{\bar\alpha_t}$, here `signal_rate`, and $n = \sigma_t = \sqrt{1 - \bar\alpha_t}$, `noise_rate`.
# ---
# ## 前向过程
#
# 在 $T$ 个小步的每一步中，方差的一部分 $\beta_t$ 被噪声取代。由于正态变量之和仍是正态变量，到 $t$ 为止的所有步可以合并成一步，
# 只有每步剩余比例的连乘积起作用：
#
# [[diffusion.forward]]
#
# [[diffusion.betas]]
#
# 剩余信号方差的比例记作 $\bar\alpha_t = \alpha_t^2$（练习中的 `alpha_bar`；DDPM 论文用 $\alpha_t$ 表示 $1 - \beta_t$）。
# 数值要乘以比例的平方根：$s = \alpha_t = \sqrt{\bar\alpha_t}$，本包称为 `signal_rate`（信号率）；
# $n = \sigma_t = \sqrt{1 - \bar\alpha_t}$，称为 `noise_rate`（噪声率）。


# %% id="ex-alpha-bars" exercise="04-1"
def alpha_bars(betas):
    # <solution>
    return np.cumprod(1 - betas)
    # </solution>


tp.course.grade("04-1", alpha_bars, language=LANGUAGE)


# %% id="ex-add-noise" exercise="04-2"
def add_noise(x_0, noise, alpha_bar):
    # <solution>
    return np.sqrt(alpha_bar) * x_0 + np.sqrt(1 - alpha_bar) * noise
    # </solution>


tp.course.grade("04-2", add_noise, language=LANGUAGE)

# %% [markdown] id="strip" stamp="10a2d04a-5d801f80"
# Your two functions make the face dissolve. Watch the variance: it stays 1 all the way, because the two shares add
# up to 1.
# ---
# 用你的两个函数让这张脸逐渐消散。注意方差：从头到尾都是 1，因为两个比例之和为 1。

# %% id="dissolve"
T = 1000
shares = alpha_bars(np.linspace(1e-4, 0.02, T))
noise = generator.standard_normal(face.shape)
figure, axes = plt.subplots(1, 6, figsize=(10, 2))
for axis, t in zip(axes, (0, 50, 150, 300, 500, 999), strict=True):
    x_t = add_noise(face, noise, shares[t])
    draw(axis, x_t, f"t = {t}\n{say('variance', '方差')} {x_t.var():.2f}")
    assert abs(x_t.var() - 1) < 0.15

# %% [markdown] id="ratio" stamp="92970794-3ca80d63"
# What a network can still see at $t$ is told by one number, the ratio of the variances of signal and noise
# (signal-to-noise ratio, SNR), usually as its logarithm. A *schedule* is a falling curve of this number; here are
# three.
# ---
# 在时刻 $t$ 网络还能看到多少，只由一个数决定：信号与噪声的方差之比（信噪比，SNR），通常取对数。
# *噪声调度* 就是这个数的一条下降曲线；下面是三条。


# %% id="ex-log-snr" exercise="04-6"
def log_snr(alpha_bar):
    # <solution>
    return np.log(alpha_bar) - np.log1p(-alpha_bar)
    # </solution>


tp.course.grade("04-6", log_snr, language=LANGUAGE)

# %% id="schedules"
figure, axes = plt.subplots(1, 2, figsize=(8.5, 2.8), layout="constrained")
times = np.linspace(0, 1, T)
cosine = np.clip(np.cos((times + 0.008) / 1.008 * np.pi / 2) ** 2, 1e-5, 1 - 1e-5)
latent = alpha_bars(np.linspace(0.00085**0.5, 0.012**0.5, T) ** 2)
for name, curve in (
    ("DDPM", shares),
    ("Stable Diffusion", latent),
    (say("cosine", "余弦"), cosine),
):
    axes[0].plot(times, np.sqrt(curve), label=name)
    axes[1].plot(times, log_snr(curve), label=name)
axes[0].set(xlabel="t / T", ylabel=say("signal rate", "信号率"))
axes[1].set(xlabel="t / T", ylabel=say("log SNR", "对数信噪比"))
axes[0].legend(frameon=False, fontsize=8)
print(say("Signal that is left at the last step:", "最后一步残留的信号："))
print(f"DDPM {np.sqrt(shares[-1]):.4f}, Stable Diffusion {np.sqrt(latent[-1]):.4f}")
assert 0.06 < np.sqrt(latent[-1]) < 0.07  # Lin et al. 2023: Stable Diffusion never sees pure noise

# %% [markdown] id="backward" stamp="82893dfe-721be1ee"
# ## The way back
#
# Whoever knows the noise in $x_t$ knows $x_0$: the forward equation, solved for $x_0$. A network never knows the noise;
# it predicts it, and this line turns its prediction into an image.
# ---
# ## 反向过程
#
# 知道 $x_t$ 中的噪声，就知道 $x_0$：只需从前向公式中解出 $x_0$。网络并不知道噪声，它只能预测噪声；下面这一行把它的预测变成图像。


# %% id="ex-x0" exercise="04-3"
def predict_x_0(x_t, noise, alpha_bar):
    # <solution>
    return (x_t - np.sqrt(1 - alpha_bar) * noise) / np.sqrt(alpha_bar)
    # </solution>


tp.course.grade("04-3", predict_x_0, language=LANGUAGE)

# %% [markdown] id="ideal" stamp="fb0bf2a3-b7bede1a"
# ## The best denoiser
#
# Many different points can become the same $x_t$. The prediction with the smallest mean squared error is their mean,
# each weighted by how likely it became $x_t$. (With $m$ the mean, any guess $a$ has the expected squared error
# $\mathrm E\lVert x_0 - m\rVert^2 + \lVert a - m\rVert^2$, as the mixed term is 0 on average; so $a = m$ is best.) If
# the data are $N$ points, all equally likely, those weights are a softmax of squared distances:
#
# $$
# \hat x_0(x_t) = \sum_i w_i\, x^{(i)}, \qquad
# w = \operatorname{softmax}_i\left(-\frac{\lVert x_t - s\,x^{(i)}\rVert^2}{2 n^2}\right)
# $$
#
# with signal rate $s$ and noise rate $n$. No network can do better on these points; a trained one comes near. It is
# attention (chapter 7), with distances in place of scalar products: the query is $x_t$, the keys and the values are the
# training set.
# ---
# ## 最优去噪器
#
# 许多不同的点都可能变成同一个 $x_t$。均方误差最小的预测是它们的平均值，权重是每个点变成 $x_t$ 的可能性。
# （设 $m$ 为均值，任何猜测 $a$ 的期望平方误差为 $\mathrm E\lVert x_0 - m\rVert^2 + \lVert a - m\rVert^2$，因为交叉项的平均为 0；
# 所以 $a = m$ 最好。）
# 如果数据是 $N$ 个等可能的点，这些权重就是距离平方的 softmax：
#
# $$
# \hat x_0(x_t) = \sum_i w_i\, x^{(i)}, \qquad
# w = \operatorname{softmax}_i\left(-\frac{\lVert x_t - s\,x^{(i)}\rVert^2}{2 n^2}\right)
# $$
#
# 其中 $s$ 是信号率，$n$ 是噪声率。在这些点上没有网络能做得更好，训练好的网络只能接近它。
# 这就是注意力（第 7 章），只是用距离代替了内积：查询是 $x_t$，键和值就是训练集。


# %% id="ex-ideal" exercise="04-4"
def ideal_denoiser(x_t, points, signal_rate, noise_rate):
    # <solution>
    distances = ((x_t[:, None] - signal_rate * points[None]) ** 2).sum(axis=-1)  # (B, N)
    logits = -distances / (2 * noise_rate**2)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ points
    # </solution>


tp.course.grade("04-4", ideal_denoiser, language=LANGUAGE)

# %% [markdown] id="arrows" stamp="b35010d4-05f5dce0"
# Each arrow goes a third of the way from $x_t$ to what the ideal denoiser makes of it. With much noise all arrows lead
# to the mean of the data, a blurred nothing; with little noise each leads to the nearest part of the face.
# ---
# 每个箭头从 $x_t$ 出发，画出通往理想去噪器结果的三分之一路程。噪声大时，所有箭头都指向数据的均值，一片模糊；噪声小时，箭头指向脸上最近的部分。

# %% id="draw-arrows"
grid = np.stack(np.meshgrid(np.linspace(-2.6, 2.6, 13), np.linspace(-2.6, 2.6, 13)), axis=-1).reshape(-1, 2)
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for axis, t in zip(axes, (700, 250, 60), strict=True):
    signal_rate, noise_rate = np.sqrt(shares[t]), np.sqrt(1 - shares[t])
    predicted = ideal_denoiser(grid, face, signal_rate, noise_rate)
    draw(axis, face, f"t = {t}", color="lightgrey")
    axis.quiver(*grid.T, *(predicted - grid).T, angles="xy", scale_units="xy", scale=3, width=0.006, color="tab:red")
far = ideal_denoiser(grid, face, np.sqrt(shares[999]), np.sqrt(1 - shares[999]))
assert np.abs(far - face.mean(axis=0)).max() < 0.2  # of pure noise nothing is known but the mean

# %% [markdown] id="score" stamp="19e2eb31-e27a5167"
# ## The score
#
# The same arrows, scaled, are the *score*, the gradient of $\log p(x_t)$: uphill to where noisy data are dense. It
# follows from the ideal denoiser by one line (Tweedie's formula), so that "predict the noise", "predict the image" and
# "learn the score" are one task:
#
# $$ \nabla_{x_t} \log p(x_t) = \frac{s\,\hat x_0(x_t) - x_t}{n^2} $$
# ---
# ## 得分函数
#
# 同样的箭头经过缩放就是 *得分*，即 $\log p(x_t)$ 的梯度：指向带噪数据更密集的方向。由理想去噪器一行即可得到
# （Tweedie 公式），因此“预测噪声”“预测图像”和“学习得分”是同一个任务：
#
# $$ \nabla_{x_t} \log p(x_t) = \frac{s\,\hat x_0(x_t) - x_t}{n^2} $$


# %% id="ex-score" exercise="04-5"
def score(x_t, x_0, signal_rate, noise_rate):
    # <solution>
    return (signal_rate * x_0 - x_t) / noise_rate**2
    # </solution>


tp.course.grade("04-5", score, language=LANGUAGE)

# %% id="draw-score"
t = 60
signal_rate, noise_rate = np.sqrt(shares[t]), np.sqrt(1 - shares[t])
fine = np.stack(np.meshgrid(np.linspace(-3, 3, 120), np.linspace(-3, 3, 120)), axis=-1).reshape(-1, 2)
distances = ((fine[:, None] - signal_rate * face[None]) ** 2).sum(axis=-1)
density = np.exp(-distances / (2 * noise_rate**2)).mean(axis=1)  # up to a constant factor
arrows = score(grid, ideal_denoiser(grid, face, signal_rate, noise_rate), signal_rate, noise_rate)
figure, axes = plt.subplots(figsize=(3.6, 3.6))
axes.imshow(density.reshape(120, 120), origin="lower", extent=(-3, 3, -3, 3), cmap="Blues")
axes.quiver(*grid.T, *arrows.T, angles="xy", scale_units="xy", scale=60, width=0.005, color="tab:red")
axes.set(xticks=[], yticks=[], title=say(f"density and score at t = {t}", f"t = {t} 时的密度与得分"))

step = 1e-4  # the score is the slope of the logarithm of that density: checked by differences
x = np.array([[0.9, -0.4]])
log_density = [
    np.log(np.exp(-(((x + shift - signal_rate * face) ** 2).sum(axis=-1)) / (2 * noise_rate**2)).mean())
    for shift in ([step, 0], [-step, 0])
]
slope = (log_density[0] - log_density[1]) / (2 * step)
exact = score(x, ideal_denoiser(x, face, signal_rate, noise_rate), signal_rate, noise_rate)[0, 0]
print(f"{slope:.5f} {exact:.5f}")
assert abs(slope - exact) < 1e-4

# %% [markdown] id="sampling" stamp="0229e7b0-dc1b1864"
# ## Sampling
#
# A sampler only asks the denoiser. All samplers of `tfportrait` have the same form, `sampler(denoise, x, rates, noise)`,
# and take any denoiser: yours too. DDIM walks smoothly and adds no noise; DDPM adds new noise in each step, and its
# paths tremble (red: some of the paths).
# ---
# ## 采样
#
# 采样器只需要询问去噪器。`tfportrait` 的所有采样器形式相同：`sampler(denoise, x, rates, noise)`，可以使用任何去噪器，包括你写的。
# DDIM 走得平滑，不添加噪声；DDPM 每一步都添加新噪声，所以路径是抖动的（红线：部分路径）。

# %% id="paths"
schedule = tp.diffusion.DiscreteSchedule("ddpm_linear")


def denoise(x_t, signal_rate, noise_rate):
    return ideal_denoiser(x_t, face, signal_rate, noise_rate)


def walk(name, count, steps=50):
    """Where `count` points are in every step of a sampler."""
    seeds = list(range(count))
    places = []
    x = tp.diffusion.unit_noise(seeds, 0, (2,))
    rates = tp.diffusion.spacing.rates(schedule, name, steps)
    sampler = tp.diffusion.samplers.get(name)
    end = sampler(
        denoise,
        x,
        rates,
        lambda i: tp.diffusion.unit_noise(seeds, i + 1, (2,)),
        on_step=lambda i, x_t, x_0: places.append(x_t),
    )
    return np.array([*places, end])


figure, axes = plt.subplots(1, 2, figsize=(7, 3.6))
drawn = {"ddim": slice(0, 12), "ddpm": slice(3, 6)}  # paths that stay in the frame
for axis, name in zip(axes, drawn, strict=True):
    places = walk(name, 400)
    draw(axis, places[-1], name.upper())
    axis.plot(*places[:, drawn[name]].transpose(2, 0, 1), color="tab:red", linewidth=0.7, alpha=0.7)
    nearest = np.sqrt(((places[-1][:, None] - face[None]) ** 2).sum(axis=-1)).min(axis=1)
    print(name, say("median distance to the data", "到数据的中位距离"), f"{np.median(nearest):.4f}")
    assert np.median(nearest) < 0.05

# %% [markdown] id="copies" stamp="7762c6c1-dd22477f"
# ## The ideal denoiser can only copy
#
# All points ended on the data. That is no success: *nothing new* was made. The same holds for portraits. Here is the
# ideal denoiser of 200 small portraits, and what it paints from noise, above the nearest of those 200.
# ---
# ## 理想去噪器只会复制
#
# 所有点最终都落在数据上。这不算成功：*没有产生任何新东西*。对肖像也是如此。下面是 200 幅小肖像的理想去噪器从噪声中画出的结果，
# 以及这 200 幅中与之最近的一幅。

# %% id="portraits"
size = 32
portraits = np.stack([tp.world.sample(seed).render(size) for seed in range(200)])
known = portraits.reshape(200, -1).astype("float64") / 127.5 - 1
x = tp.diffusion.unit_noise(list(range(6)), 0, (size * size * 3,)).astype("float64")
painted = tp.diffusion.samplers.get("ddim")(
    lambda x_t, s, n: ideal_denoiser(x_t, known, s, n),
    x,
    tp.diffusion.spacing.rates(schedule, "ddim", 50),
    None,
)
distances = ((painted[:, None] - known[None]) ** 2).sum(axis=-1)
nearest = portraits[distances.argmin(axis=1)]
images = ((np.clip(painted, -1, 1) + 1) * 127.5).round().astype("uint8").reshape(-1, size, size, 3)
difference = np.abs(images.astype(int) - nearest).mean()
print(
    say("mean difference from the nearest training portrait:", "与最近的训练肖像的平均差："), f"{difference:.2f} / 255"
)
assert difference < 2
tp.plot.table(
    np.concatenate([images, nearest]),
    columns=[str(seed) for seed in range(6)],
    rows=(say("painted", "画出的"), say("nearest", "最近的")),
    size=1.1,
)

# %% [markdown] id="end" stamp="91734966-ac1a8e54"
# ## What to remember
#
# * $x_t = s\,x_0 + n\,\epsilon$ in one step; $s^2 + n^2 = 1$; the roots matter.
# * The best prediction is a mean. With much noise it is blurred, and that is right.
# * Noise, image and score are three names for one prediction.
# * The best denoiser *of a training set* copies it. A network is useful because it cannot learn that function: its
#   convolutions see small parts, so it composes what it has seen. Chapter 13 measures where it copies nevertheless.
#
# **Try**: how many steps does DDIM need until the median distance is below 0.1? What happens to the score near the data
# when $t$ goes to 0?
# ---
# ## 本章要点
#
# * $x_t = s\,x_0 + n\,\epsilon$ 一步到位；$s^2 + n^2 = 1$；平方根不能漏。
# * 最优预测是平均值。噪声大时它是模糊的，这没有错。
# * 噪声、图像、得分，是同一个预测的三个名字。
# * *训练集* 的最优去噪器只会复制它。网络之所以有用，正因为它学不会这个函数：卷积只看局部，于是它把见过的部分重新组合。
#   第 13 章将测量它在哪里仍然会复制。
#
# **试一试**：DDIM 需要多少步，中位距离才会小于 0.1？当 $t$ 趋于 0 时，数据附近的得分会怎样？
