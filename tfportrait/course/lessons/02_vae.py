# %% [markdown] id="title" stamp="5d18d01d-cf2d72c1"
# # Probability, the VAE and the ELBO
#
# To paint something new is to draw from a probability distribution. This chapter has the little probability that the
# course needs, each formula beside an experiment with random numbers that could have refuted it, and then the first
# model that learns to draw: the variational autoencoder. Stable Diffusion still has one inside.
#
# **You will** write a likelihood, two divergences, the reparameterisation and a bound on the evidence; train a VAE on
# small portraits in less than half a minute; and ruin it on purpose by the most common mistake in VAE code.
# ---
# # 概率、VAE 与 ELBO
#
# 画出新东西，就是从一个概率分布中抽样。本章给出课程所需的少量概率知识，每个公式旁边都有一个可能推翻它的随机数实验；
# 然后是第一个学会抽样的模型：变分自编码器。Stable Diffusion 里至今还有一个。
#
# **你将** 写出一个似然、两个散度、重参数化和证据的下界；在小肖像上用不到半分钟训练一个 VAE；再用 VAE 代码中最常见的错误故意毁掉它。

# %% id="setup"
import keras
import matplotlib.pyplot as plt
import numpy as np

import tfportrait as tp

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
generator = np.random.default_rng(0)
SIZE, COUNT, HELD_OUT = (32, 992, 96) if FAST else (32, 8000, 800)
portraits = tp.data.open_source("portrait_world", image_size=SIZE, count=COUNT).images(np.arange(COUNT))
images = portraits.astype("float32") / 127.5 - 1
training, validation = images[:-HELD_OUT], images[-HELD_OUT:]

# %% [markdown] id="likelihood" stamp="bbdabeb7-e6d9cbc9"
# ## How likely is a picture?
#
# A model says for each number of a picture which value it expects and how far it may be off, a standard deviation $s$.
# The likelihood is then a product of normal densities, and minus its logarithm a sum, in *nats*:
#
# [[vae.likelihood]]
#
# For a fixed $s$ its smallest value is where the squared error is smallest; so "mean squared error" is a likelihood
# whose $s$ nobody wrote down. It is not free to choose: the best $s$ is the root of the mean squared error itself.
# ---
# ## 一幅图有多可能？
#
# 模型对图像中的每个数给出一个期望值，以及允许的偏差，即标准差 $s$。似然就是正态密度的乘积，其负对数是一个和，单位为 *奈特*（nat）：
#
# [[vae.likelihood]]
#
# 当 $s$ 固定时，平方误差最小处它最小；因此“均方误差”就是一个没有写明 $s$ 的似然。$s$ 也不能随便选：最好的 $s$ 就是均方误差的平方根。


# %% id="ex-likelihood" exercise="02-3"
def negative_log_likelihood(images, means, deviation):
    # <solution>
    each = 0.5 * ((images - means) / deviation) ** 2 + np.log(deviation) + 0.5 * np.log(2 * np.pi)
    return each.sum(axis=(1, 2, 3)).mean()
    # </solution>


tp.course.grade("02-3", negative_log_likelihood, language=LANGUAGE)

# %% [markdown] id="baselines" stamp="80b1255c-b6021639"
# Two models that need no training are the baselines of this chapter: all grey (every number 0), and the mean portrait.
# Whoever does not beat the second has learned nothing about single pictures. Values below 0 are no error: a *density*
# may be larger than 1.
# ---
# 两个不用训练的模型是本章的基线：全灰（每个数都是 0），以及平均肖像。不能胜过后者，就没有学到关于单幅图像的任何东西。
# 小于 0 的值并不是错误：*密度* 可以大于 1。

# %% id="measure-baselines"
baselines = {
    say("all grey", "全灰"): 0 * training.mean(axis=0),
    say("mean portrait", "平均肖像"): training.mean(axis=0),
}
NUMBERS = SIZE * SIZE * 3
error, nats = {}, {}
for name, means in baselines.items():
    error[name] = np.sqrt(((validation - means) ** 2).mean())
    tried = [negative_log_likelihood(validation, means, error[name] * factor) / NUMBERS for factor in (0.5, 1, 2)]
    nats[name] = tried[1]
    print(
        f"{name}: s = {error[name]:.3f},",
        say("nats per number for s/2, s, 2s:", "s/2、s、2s 时每个数的奈特："),
        np.round(tried, 3),
    )
    assert min(tried) == tried[1]

# %% [markdown] id="divergence" stamp="082f0e95-0a172372"
# ## How different are two distributions?
#
# The Kullback-Leibler divergence is the mean of $\log p(x) - \log q(x)$ over draws from $p$: how many nats more it
# costs to expect $q$ where $p$ is true. It is never negative, 0 only for equal distributions, and not symmetric. For
# two normal distributions the integral can be done by hand.
#
# $$
# \mathrm{KL}(p \,\|\, q) = \log\frac{\sigma_q}{\sigma_p} + \frac{\sigma_p^2 + (\mu_p - \mu_q)^2}{2\sigma_q^2} - \frac{1}{2}
# $$
# ---
# ## 两个分布有多不同？
#
# KL 散度是对来自 $p$ 的样本取 $\log p(x) - \log q(x)$ 的平均：真实是 $p$ 却按 $q$ 来预期，要多花多少奈特。
# 它从不为负，只有分布相同时才为 0，而且不对称。对两个正态分布，这个积分可以手算。
#
# $$
# \mathrm{KL}(p \,\|\, q) = \log\frac{\sigma_q}{\sigma_p} + \frac{\sigma_p^2 + (\mu_p - \mu_q)^2}{2\sigma_q^2} - \frac{1}{2}
# $$


# %% id="ex-normals" exercise="02-5"
def kl_normals(mean_p, mean_q, deviation_p, deviation_q):
    # <solution>
    ratio = (deviation_p**2 + (mean_p - mean_q) ** 2) / (2 * deviation_q**2)
    return np.log(deviation_q / deviation_p) + ratio - 0.5
    # </solution>


tp.course.grade("02-5", kl_normals, language=LANGUAGE)


# %% id="monte-carlo"
def log_density(x, mean, deviation):
    return -0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi))


p, q = (1.0, 0.6), (0.0, 1.5)  # mean and deviation
exact = kl_normals(p[0], q[0], p[1], q[1]), kl_normals(q[0], p[0], q[1], p[1])
x = generator.normal(*p, 20000)
estimate = np.cumsum(log_density(x, *p) - log_density(x, *q)) / np.arange(1, len(x) + 1)
figure, axes = plt.subplots(figsize=(4.2, 2), layout="constrained")
axes.semilogx(np.arange(1, len(x) + 1), estimate, color=tp.plot.COLOURS[0], label=say("mean so far", "当前平均"))
axes.axhline(exact[0], color=tp.plot.COLOURS[7], linestyle="--", label=say("exact", "精确值"))
axes.set(xlabel=say("draws from p", "来自 p 的样本数"), ylabel="KL(p || q)", ylim=(0, 2 * exact[0]))
axes.legend(frameon=False, fontsize=8)
print(
    f"KL(p||q) = {exact[0]:.4f}, KL(q||p) = {exact[1]:.4f};",
    say("from 20000 draws:", "由 20000 个样本："),
    f"{estimate[-1]:.4f}",
)
assert abs(estimate[-1] - exact[0]) < 0.03

# %% [markdown] id="latents" stamp="87ea64be-5f8ee53f"
# ## A picture from a code
#
# A *latent variable model* draws a picture in two steps: a code $z$ from $\mathcal N(0, 1)$, short and meaningless at
# first, and from it the picture, around what a *decoder* network makes of the code. To train it, one would want the
# codes that belong to a picture. A second network, the *encoder*, guesses them: not one code but a normal distribution
# of codes, with a mean and a log-variance for each latent.
#
# To learn by gradients one must see how a drawn code moves when mean and log-variance move. So the noise is drawn first
# and *moved*:
#
# [[vae.reparameterization]]
#
# The exponent has a half because $v$ is the logarithm of the variance. The listing in the source document has it
# without (`errata.listing_sampling`).
# ---
# ## 由编码得到图像
#
# *潜变量模型* 分两步画图：先从 $\mathcal N(0, 1)$ 抽一个编码 $z$，它很短，起初没有意义；再在 *解码器* 网络由编码给出的图像附近抽出图像。
# 训练时需要知道一幅图像对应哪些编码。第二个网络 *编码器* 来猜：猜的不是一个编码，而是编码的正态分布，每个潜变量有一个均值和一个对数方差。
#
# 要用梯度学习，就必须知道均值和对数方差变动时，抽出的编码怎样随之变动。所以先抽噪声，再 *移动* 它：
#
# [[vae.reparameterization]]
#
# 指数里有二分之一，因为 $v$ 是方差的对数。源文档的程序清单漏掉了它（`errata.listing_sampling`）。


# %% id="ex-reparameterize" exercise="02-1"
def reparameterize(mean, log_variance, noise):
    # <solution>
    return mean + np.exp(0.5 * log_variance) * noise
    # </solution>


tp.course.grade("02-1", reparameterize, language=LANGUAGE)

# %% [markdown] id="two-gradients" stamp="52c3fb53-24fed4a2"
# There is another way to a gradient, which needs no moved noise: weigh each draw by the slope of its log-probability
# (the score-function estimator). Both are right on average. Here is the gradient of $\mathrm E (z - 3)^2$ with respect
# to the mean, $2(\mu - 3)$, from 10 draws, a thousand times over: moved noise gives it with a fraction of the scatter.
# ---
# 求梯度还有另一种方法，不需要移动噪声：用对数概率的斜率给每个样本加权（得分函数估计）。两种方法平均来说都对。
# 下面用 10 个样本估计 $\mathrm E (z - 3)^2$ 对均值的梯度 $2(\mu - 3)$，重复一千次：移动噪声得到的结果离散程度小得多。

# %% id="compare-gradients"
mean, log_variance = 1.0, -1.0
noise = generator.standard_normal((1000, 10))
z = reparameterize(mean, log_variance, noise)
moved = (2 * (z - 3)).mean(axis=1)  # dz / dmean is 1
weighed = ((z - 3) ** 2 * (z - mean) / np.exp(log_variance)).mean(axis=1)
for name, found in ((say("moved noise", "移动噪声"), moved), (say("weighed draws", "样本加权"), weighed)):
    print(f"{name}: {found.mean():.2f} ± {found.std():.2f}  ({2 * (mean - 3):.2f})")
assert abs(moved.mean() + 4) < 0.1 and moved.std() < 0.4 * weighed.std()
print(say("variance of z, exp(v):", "z 的方差与 exp(v)："), f"{z.var():.3f} {np.exp(log_variance):.3f}")

# %% [markdown] id="code-cost" stamp="1a84204f-16e84c80"
# ## What a code costs
#
# The divergence of the encoder's distribution from $\mathcal N(0, 1)$ is the price of a code in nats: on average it
# carries at most so many about its picture (the rest pays for codes that, all together, are not distributed as
# $\mathcal N(0, 1)$). The latents are independent, so their divergences *add up*; over the batch one takes the mean.
#
# [[vae.kl]]
# ---
# ## 编码的代价
#
# 编码器的分布相对 $\mathcal N(0, 1)$ 的散度，就是编码的价格（奈特）：平均来说，它携带的关于图像的信息至多这么多
# （其余是因为全部编码合在一起的分布偏离了 $\mathcal N(0, 1)$）。各潜变量相互独立，所以它们的散度要 *相加*；对批次则取平均。
#
# [[vae.kl]]


# %% id="ex-kl" exercise="02-2"
def kl(mean, log_variance):
    # <solution>
    return (0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)).sum(axis=1).mean()
    # </solution>


tp.course.grade("02-2", kl, language=LANGUAGE)

# %% id="kl-agrees"
means, log_variances = generator.standard_normal((2, 1, 32))
by_hand = sum(kl_normals(m, 0, np.exp(v / 2), 1) for m, v in zip(means[0], log_variances[0], strict=True))
draws = reparameterize(means, log_variances, generator.standard_normal((20000, 32)))
drawn = (log_density(draws, means, np.exp(log_variances / 2)) - log_density(draws, 0, 1)).sum(axis=1).mean()
print(
    f"{kl(means, log_variances):.3f} = {by_hand:.3f} ≈ {drawn:.3f};",
    say("a mean over the 32 latents:", "若对 32 维取平均："),
    f"{by_hand / 32:.3f}",
)
assert abs(kl(means, log_variances) - by_hand) < 1e-9 and abs(drawn - by_hand) < 0.3

# %% [markdown] id="elbo" stamp="41d11744-d8805e55"
# ## The evidence lower bound
#
# How likely is a picture under the whole model? That is $p(x)$, the *evidence*, an integral over all codes that nobody
# can do. But any guess $q$ about the code gives a bound from below:
#
# [[vae.elbo]]
#
# The first term asks the code to describe the picture; the second makes it pay for each nat. What is missing to $\log
# p(x)$ is exactly the divergence of $q$ from the true posterior, so a better encoder makes a tighter bound. In one
# dimension, with a decoder that only multiplies, everything can be calculated, and seen.
# ---
# ## 证据下界
#
# 在整个模型下，一幅图像有多可能？这就是 $p(x)$，即 *证据*，一个对所有编码的积分，没有人算得出来。但任何关于编码的猜测 $q$ 都给出一个下界：
#
# [[vae.elbo]]
#
# 第一项要求编码描述图像；第二项让它为每一奈特付费。与 $\log p(x)$ 的差距恰好是 $q$ 相对真实后验的散度，所以编码器越好，下界越紧。
# 在一维、且解码器只做乘法的情形，一切都能算出来，也能看见。


# %% id="ex-elbo" exercise="02-6"
def elbo(x, mean, deviation, slope, noise):
    # <solution>
    error = (x - slope * mean) ** 2 + (slope * deviation) ** 2  # expected, over the codes
    reconstruction = -error / (2 * noise**2) - np.log(noise * np.sqrt(2 * np.pi))
    return reconstruction - (0.5 * (mean**2 + deviation**2 - 1) - np.log(deviation))
    # </solution>


tp.course.grade("02-6", elbo, language=LANGUAGE)

# %% id="draw-elbo"
x, slope, noise = 1.5, 2.0, 0.8
evidence = log_density(x, 0, np.hypot(slope, noise))  # slope z + noise e is normal too
best_deviation = noise / np.hypot(slope, noise)
best_mean = slope * x / (slope**2 + noise**2)
deviations = np.linspace(0.08, 1.2, 200)
figure, axes = plt.subplots(figsize=(4.2, 2.2), layout="constrained")
for share, colour in zip((1, 0), tp.plot.COLOURS, strict=False):
    label = say(f"mean of q = {share * best_mean:.2f}", f"q 的均值 = {share * best_mean:.2f}")
    axes.plot(deviations, [elbo(x, share * best_mean, d, slope, noise) for d in deviations], color=colour, label=label)
axes.axhline(evidence, color=tp.plot.COLOURS[7], linestyle="--", label="$\\log p(x)$")
axes.set(xlabel=say("deviation of q", "q 的标准差"), ylabel="ELBO", ylim=(-8, -1))
axes.legend(frameon=False, fontsize=8)
best = elbo(x, best_mean, best_deviation, slope, noise)
gap = kl_normals(0.0, best_mean, 1.0, best_deviation)  # q is the prior: the code says nothing
print(
    f"log p(x) = {evidence:.4f}, ELBO {best:.4f};",
    say("gap and divergence for q = prior:", "q 为先验时的差距与散度："),
    f"{evidence - elbo(x, 0.0, 1.0, slope, noise):.4f} {gap:.4f}",
)
assert abs(best - evidence) < 1e-9 and abs(evidence - elbo(x, 0.0, 1.0, slope, noise) - gap) < 1e-9

# %% [markdown] id="train" stamp="c43a5cd5-59697dd3"
# ## A VAE on portraits
#
# `tp.VAE` is that bound with convolutions for encoder and decoder. Its loss is the negative ELBO divided by the 3072
# numbers of a picture, and its $s$ is the best one for each batch. It is an ordinary Keras model: `compile`, `fit`.
# ---
# ## 在肖像上训练 VAE
#
# `tp.VAE` 就是这个下界，编码器和解码器是卷积网络。它的损失是负 ELBO 除以图像的 3072 个数，$s$ 取每个批次的最优值。
# 它是普通的 Keras 模型：`compile`、`fit`。


# %% id="fit"
def trained(epochs, **options):
    keras.utils.set_random_seed(0)
    model = tp.VAE(image_size=SIZE, latent_dim=32, width=16, **options)
    model.compile(tp.training.AdamW(2e-3))
    history = model.fit(training, epochs=epochs, batch_size=32, validation_data=(validation,), verbose=0).history
    return model, history


vae, history = trained(20)
for name, value in nats.items():
    print(f"{name}: {value:.3f}")
print(
    "VAE:",
    f"{history['val_loss'][-1]:.3f} = {history['val_reconstruction'][-1]:.3f} + {history['val_kl'][-1]:.1f} / {NUMBERS}",
)
assert history["val_loss"][-1] < nats[say("mean portrait", "平均肖像")] - 0.3

# %% [markdown] id="pictures" stamp="1bafd7fb-294c9617"
# Above: portraits that it has never seen. Middle: what a hundred nats keep of them. Below: decoded noise,
# *new* pictures, which nobody drew.
# ---
# 上排：它从未见过的肖像。中排：约一百个奈特所能保留的样子。下排：解码后的噪声，即没有人画过的 *新* 图像。

# %% id="show"
shown = validation[[5, 7, 8, 10]]
rows = [say("portrait", "肖像"), say("through the code", "经过编码"), say("from noise", "来自噪声")]
tp.plot.table([*shown, *vae.reconstruct(shown), *vae.generate(4)], columns=[""] * 4, rows=rows, size=0.8)

# %% [markdown] id="space" stamp="8d453dbc-69032632"
# ## Walking among codes
#
# Near codes are similar pictures, because every picture is a cloud of codes and the clouds touch. Between two codes one
# goes along a great circle: nearly all draws from $\mathcal N(0, 1)$ in $D$ dimensions have a length near $\sqrt D$,
# and the middle of a straight line between two of them is too short by a factor of about $\sqrt 2$ (exactly so at a
# right angle; the two draws below stand a little closer).
#
# [[noise.slerp]]
# ---
# ## 在编码之间漫步
#
# 相近的编码对应相似的图像，因为每幅图像是一团编码，而这些云团彼此相接。在两个编码之间应沿大圆行走：
# $D$ 维 $\mathcal N(0, 1)$ 的样本，长度几乎都接近 $\sqrt D$，而两个样本之间直线的中点，长度只有约 $1/\sqrt 2$
# （恰成直角时正好如此；下面两个样本的夹角略小）。
#
# [[noise.slerp]]


# %% id="ex-slerp" exercise="02-4"
def slerp(first, second, share):
    # <solution>
    angle = np.arccos(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
    return (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / np.sin(angle)
    # </solution>


tp.course.grade("02-4", slerp, language=LANGUAGE)

# %% id="interpolate"
first, second = generator.standard_normal((2, 32))
lengths = [np.linalg.norm(code) for code in (first, (first + second) / 2, slerp(first, second, 0.5))]
print(
    say("length of a code, half-way straight, half-way on the circle:", "编码长度、直线中点、大圆中点："),
    np.round(lengths, 2),
)
ends = np.asarray(vae.encode(validation[[5, 10]]))
between = np.asarray(vae.decode(np.stack([slerp(*ends, share) for share in np.linspace(0, 1, 5)])))
tp.plot.images(between, columns=5, size=0.8)

# %% [markdown] id="map" stamp="d1aa762c-8714b966"
# A map of the space: from the middle of all codes along the two directions in which they differ most, to the right the
# first, downwards the second, -2 to 2 deviations. Lightness, skin and background change smoothly, and every place is a
# portrait.
# ---
# 这个空间的一张地图：从所有编码的中心出发，沿它们差异最大的两个方向行走，向右为第一方向，向下为第二方向，各从 -2 到 2 个标准差。
# 明暗、肤色和背景平滑地变化，每一处都是一幅肖像。

# %% id="draw-map"
codes = np.asarray(vae.encode(training))
middle = codes.mean(axis=0)
_, spread, directions = np.linalg.svd(codes - middle, full_matrices=False)
across, down = directions[:2] * spread[:2, None] / len(codes) ** 0.5  # one deviation each way
steps = np.linspace(-2, 2, 5)
places = np.stack([middle + b * down + a * across for b in steps for a in steps])
tiles = np.asarray(vae.decode(places)).reshape(5, 5, SIZE, SIZE, 3)
figure = plt.figure(figsize=(3.6, 3.6))
axes = figure.add_axes((0, 0, 1, 1))
axes.imshow((tiles.transpose(0, 2, 1, 3, 4).reshape(5 * SIZE, 5 * SIZE, 3).clip(-1, 1) + 1) / 2)
axes.set_axis_off()

# %% [markdown] id="mistake" stamp="0f0c9ca8-712bbc7e"
# ## The classic mistake: mean for sum
#
# Much VAE code averages the squared error over the pixels and the divergence over the latents, because `mean` is what
# one writes, and adds both. It runs, the loss falls, and every picture is the same. Calculate what it did: it
# multiplied the divergence by a number that nobody chose.
# ---
# ## 经典错误：把求和写成平均
#
# 许多 VAE 代码对像素的平方误差取平均，对潜变量的散度也取平均（因为顺手就写 `mean`），然后相加。程序能跑，损失会降，而每幅图都一样。
# 算一算它做了什么：它给散度乘上了一个没有人选择过的数。


# %% id="ex-beta" exercise="02-7"
def hidden_beta(pixels, latents, deviation):
    # <solution>
    return pixels / (2 * deviation**2 * latents)
    # </solution>


tp.course.grade("02-7", hidden_beta, language=LANGUAGE)

# %% id="hidden"
deviation = np.sqrt(((np.asarray(vae(validation)) - validation) ** 2).mean())
print(f"s = {deviation:.3f}: beta = {hidden_beta(NUMBERS, 32, deviation):.0f}")

# %% [markdown] id="three" stamp="d995e71d-5dd730a0"
# So three models, all trained equally long: as it should be (`beta` 1); mean for both, which is `beta = 3072 / 32` at
# the $s = \sqrt{1/2}$ of the plain squared error (another $s$, another number, the same loss); and mean for the
# divergence alone, `beta = 1 / 32`. A latent counts as *active* if it carries more than 0.1 nats. The fourth number is
# the deviation of all codes of all pictures together; noise that is decoded has 1.
# ---
# 于是有三个模型，训练时间相同：正确的（`beta` 为 1）；两项都取平均，相当于普通平方误差的 $s = \sqrt{1/2}$ 下 `beta = 3072 / 32`
# （$s$ 不同则数字不同，损失是同一个）；只对散度取平均，`beta = 1 / 32`。
# 携带超过 0.1 奈特的潜变量算作 *活跃*。第四个数是所有图像的全部编码合在一起的标准差；用来解码的噪声的标准差是 1。

# %% id="ruin"
epochs = 6 if FAST else 12
models = {
    "beta = 1": trained(epochs)[0],
    say("both means", "都取平均"): trained(epochs, beta=NUMBERS / 32, decoder_std=0.5**0.5)[0],
    say("KL mean", "散度平均"): trained(epochs, beta=1 / 32)[0],
}
carried, code_deviation, shortest = {}, {}, {}
print(say("error, nats, active latents, deviation of the codes", "误差、奈特、活跃的潜变量、编码的标准差"))
for name, model in models.items():
    mean, log_variance = (np.asarray(part) for part in model.moments(validation))
    carried[name] = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).mean(axis=0)  # by each latent
    error[name] = np.sqrt(((np.asarray(model(validation)) - validation) ** 2).mean())
    code_deviation[name] = np.sqrt((mean.var(axis=0) + np.exp(log_variance).mean(axis=0)).mean())
    shortest[name] = np.linalg.norm(mean, axis=1).min()
    active = (carried[name] > 0.1).sum()
    print(f"{error[name]:.3f} {kl(mean, log_variance):7.1f} {active:4d} {code_deviation[name]:6.2f}  {name}")
print(f"{error[say('mean portrait', '平均肖像')]:.3f}", " " * 19, say("mean portrait", "平均肖像"))
right, collapsed, loose = models
assert shortest[loose] > 8  # longer than nearly all noise, which is about 32 ** 0.5 long
assert carried[collapsed].sum() < 5 < carried[right].sum() < carried[loose].sum()
assert (
    error[collapsed] > 0.9 * error[say("mean portrait", "平均肖像")]
    and code_deviation[loose] > 2 > code_deviation[right]
)

# %% id="show-ruin"
pictures = [
    picture
    for name in (collapsed, loose)
    for picture in (*models[name].reconstruct(shown[:2]), *models[name].generate(1))
]
columns = [say("code", "编码")] * 2 + [say("noise", "噪声")]
tp.plot.table(pictures, columns=columns, rows=[collapsed, loose], size=0.8)

# %% [markdown] id="collapse" stamp="c7808db9-93658c6b"
# With both means the codes carry nothing: *posterior collapse*. The decoder paints the mean portrait whatever it is
# given, hardly better than the baseline. With a weak divergence faces come through the code, but the codes have spread
# four times as wide as noise does: noise is decoded at places where no portrait lies. A decoder as smooth as this one
# still makes something like faces of it; the last section has one that does not. The sum keeps codes and noise
# together, after so short a training not perfectly. (Collapse also happens honestly, where a strong decoder does not
# need the code; `free_bits` is against that.)
# ---
# 两项都取平均时，编码什么也不携带：*后验坍缩*。无论给解码器什么，它都画平均肖像，几乎不比基线好。
# 散度太弱时，脸能通过编码，但编码散布的范围是噪声的四倍：噪声被解码的地方并没有肖像。像这里这样平滑的解码器仍能画出近似人脸的东西；
# 最后一节有一个画不出来的。求和让编码与噪声待在一起，只是训练这么短还不完美。
# （后验坍缩也会正常发生：解码器足够强而不需要编码时；`free_bits` 就是用来对付它的。）

# %% [markdown] id="blur" stamp="d558e804-e6934ae5"
# ## Why is it blurred?
#
# Many portraits share a code, and the decoder gives their *mean*, as squared error demands; a mean of sharp pictures is
# blurred. A true draw from the model would add noise of deviation $s$ to every number, which nobody shows, because it
# looks worse. Sharpness here is the mean difference of neighbouring numbers, as a share of that of real portraits.
# ---
# ## 为什么模糊？
#
# 许多肖像共用一个编码，而解码器按平方误差的要求给出它们的 *平均*；清晰图像的平均是模糊的。
# 从模型中真正抽样，还要给每个数加上标准差为 $s$ 的噪声，没有人展示它，因为看起来更糟。这里的清晰度是相邻数值之差的平均，以真实肖像为 1。


# %% id="sharpness"
def sharpness(images):
    return np.abs(np.diff(images, axis=2)).mean() / np.abs(np.diff(validation, axis=2)).mean()


decoded = np.asarray(vae(validation))
print(
    say("through the code", "经过编码"),
    f"{sharpness(decoded):.2f}",
    say("mean portrait", "平均肖像"),
    f"{sharpness(training.mean(axis=0)[None]):.2f}",
)
print(
    say("a true draw, with noise", "真正的抽样，含噪声"),
    f"{sharpness(decoded + deviation * generator.standard_normal(decoded.shape)):.2f}",
)
assert sharpness(decoded) < 0.8

# %% [markdown] id="stable" stamp="d174d543-e81ffcec"
# ## The autoencoder of Stable Diffusion
#
# Stable Diffusion solves this by giving up one half: its autoencoder weighs the divergence with one millionth. Its
# codes carry thousands of nats and its pictures are sharp, but decoded noise is no picture: even with the right
# deviation, noise is not like codes, which depend on their neighbours as pixels do. It is no generator, and need not
# be: where the codes lie is learned afterwards, by a diffusion model in their space. The autoencoder of this package
# was made so, too.
# ---
# ## Stable Diffusion 的自编码器
#
# Stable Diffusion 的办法是放弃其中一半：它的自编码器给散度的权重只有百万分之一。编码携带数千奈特，图像清晰，但解码噪声得不到图像：
# 即使标准差正确，噪声也不像编码，因为编码像像素一样与邻近的编码相关。它不是生成器，也不必是：编码位于何处，由编码空间中的扩散模型随后学习。
# 本包附带的自编码器也是这样做的。

# %% id="autoencoder"
autoencoder = tp.LatentDiffusion.from_preset("portrait_128").autoencoder
large = np.stack([tp.world.sample(2**40 + seed).render(128) for seed in range(17, 21)])
mean, log_variance = (np.asarray(part) for part in autoencoder.moments(large.astype("float32") / 127.5 - 1))
total = kl(mean.reshape(4, -1), log_variance.reshape(4, -1))
print(
    mean.shape[1:],
    say("nats:", "奈特："),
    f"{total:.0f},",
    say("deviation of one code / of all:", "单个编码 / 全部编码的标准差："),
    f"{np.exp(log_variance / 2).mean():.3f} / {mean.std():.2f}",
)
noise = np.asarray(autoencoder.decode(generator.standard_normal((1, *mean.shape[1:])).astype("float32")))
assert total > 10 * carried[right].sum()
captions = [say("portrait", "肖像"), say("through the code", "经过编码"), say("decoded noise", "解码的噪声")]
tp.plot.images([large[0], autoencoder.reconstruct(large[:1])[0], noise[0]], captions, columns=3, size=0.7)

# %% [markdown] id="end" stamp="288337d5-d6606535"
# ## What to remember
#
# * Squared error is a likelihood with a hidden $s$; the best $s$ is the root of the mean squared error.
# * ELBO = reconstruction minus divergence; the gap to $\log p(x)$ is the divergence from the true posterior.
# * Pixels and latents are *summed*, only the batch is averaged. Mean for sum is a `beta` that nobody chose: collapse.
# * Look at nats and active latents, and at a baseline: a falling loss alone tells nothing.
# * A VAE is blurred because it paints means. Stable Diffusion keeps the autoencoder, and diffusion does the drawing.
#
# **Try**: `beta=4`, with as many epochs: how many latents stay active? What does `free_bits=1.0` change in the
# collapsed model?
# ---
# ## 本章要点
#
# * 平方误差是一个藏起了 $s$ 的似然；最好的 $s$ 是均方误差的平方根。
# * ELBO = 重建项减去散度；与 $\log p(x)$ 的差距是相对真实后验的散度。
# * 像素和潜变量要 *求和*，只有批次取平均。把求和写成平均，就是一个没有人选择过的 `beta`，结果是坍缩。
# * 要看奈特数和活跃的潜变量，还要看基线：只看损失下降说明不了什么。
# * VAE 模糊，因为它画的是平均。Stable Diffusion 保留自编码器，把抽样交给扩散模型。
#
# **试一试**：`beta=4`，训练同样多的 epoch，还有多少潜变量活跃？在坍缩的模型里，`free_bits=1.0` 会改变什么？
