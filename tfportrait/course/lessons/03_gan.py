# %% [markdown] id="title" stamp="1b9c3f49-39b7a901"
# # GAN: a game, its failures and their cure
#
# A generator paints from noise. A discriminator looks at a picture and says how likely it is to be real. Each learns
# from the other's mistakes, and no formula of likelihood is needed. It is also a game, and a game need not end: players
# can run in circles, one can be so good that the other learns nothing, and a generator can paint one thing for ever.
#
# **You will** write the losses of both players, find the best discriminator in closed form, see a game spiral away and
# stop it, count the modes that a generator finds, and train a GAN on portraits with Keras' `fit`.
# ---
# # GAN：一场博弈，它的失败与解药
#
# 生成器从噪声出发作画。判别器看一幅图，说它有多大可能是真的。双方从对方的错误中学习，不需要似然公式。
# 但这是一场博弈，而博弈未必有终点：双方可能绕圈子；一方可能强到让另一方学不到东西；生成器也可能永远只画同一种东西。
#
# **你将** 写出双方的损失，求出最优判别器的闭式解，看一场博弈如何越转越远并让它停下来，数一数生成器找到了几个模式，
# 最后用 Keras 的 `fit` 在肖像上训练一个 GAN。

# %% id="setup"
import time

import matplotlib.pyplot as plt
import numpy as np

import tfportrait as tp  # before Keras, so that TensorFlow starts with its fast operations

# isort: split
import keras
import tensorflow as tf
from keras import ops

LANGUAGE = "en"
say = tp.course.speaker(LANGUAGE)
FAST = tp.course.fast()
BLUE, RED, GREEN = tp.plot.COLOURS[:3]

# %% [markdown] id="game" stamp="84e2fa7e-bad84acd"
# ## The game
#
# $D(x)$ is the probability that $x$ is real, as the discriminator sees it. The discriminator wants the value below to
# be high, the generator wants it low; $\mathrm E_p$ is the mean over real pictures, whose density is $p$,
# $\mathrm E_{p_G}$ that over painted ones:
#
# [[gan.value]]
#
# A network gives a *logit*, and $D$ is its sigmoid; with $-\log\operatorname{sigmoid}(r) = \operatorname{softplus}(-r)$
# nothing overflows. Write the losses with `keras.ops`: networks will be trained on them below.
# ---
# ## 博弈
#
# $D(x)$ 是判别器认为 $x$ 为真的概率。判别器希望下面这个值大，生成器希望它小；$\mathrm E_p$ 是对真实图像（密度 $p$）的平均，
# $\mathrm E_{p_G}$ 是对生成图像的平均：
#
# [[gan.value]]
#
# 网络输出的是 *logit*，$D$ 是它的 sigmoid；利用 $-\log\operatorname{sigmoid}(r) = \operatorname{softplus}(-r)$ 就不会溢出。
# 请用 `keras.ops` 写这些损失：下面要用它们训练网络。


# %% id="ex-discriminator" exercise="03-1"
def discriminator_loss(real_logits, painted_logits):
    # <solution>
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(painted_logits))
    # </solution>


tp.course.grade("03-1", discriminator_loss, language=LANGUAGE)

# %% [markdown] id="best" stamp="71da7abe-77928d77"
# ## The best discriminator
#
# Where both densities are known, no network is needed. The best answer at $x$ weighs one against the other. It knows
# nothing of quality: a beautiful picture that the generator paints too often gets less than 1/2.
#
# [[gan.optimal_discriminator]]
# ---
# ## 最优判别器
#
# 如果两个密度都已知，就不需要网络：在 $x$ 处最好的回答就是把两者放在一起权衡。它并不懂质量：
# 一幅很美的图，如果生成器画得太多，得到的也小于 1/2。
#
# [[gan.optimal_discriminator]]


# %% id="ex-best" exercise="03-4"
def best_discriminator(real_density, painted_density):
    # <solution>
    return real_density / (real_density + painted_density)
    # </solution>


tp.course.grade("03-4", best_discriminator, language=LANGUAGE)

# %% [markdown] id="worth" stamp="6212dcb5-0167e869"
# Against it the game is worth a distance between the two distributions, the Jensen-Shannon divergence:
#
# [[gan.optimal_value]]
#
# Below: the best discriminator of two densities, and the check that a nudged one gets less.
# ---
# 面对它时，博弈的值就是两个分布之间的一种距离，即 Jensen-Shannon 散度：
#
# [[gan.optimal_value]]
#
# 下图是两个密度及其最优判别器；数字验证了稍作改动的判别器得分更低。

# %% id="draw-best"
x = np.linspace(-4, 5, 901)
real = np.exp(-((x + 1) ** 2) / (2 * 0.8**2)) / 0.8
painted = 0.7 * np.exp(-((x - 1) ** 2) / 2) + 0.3 * np.exp(-((x + 1) ** 2) / (2 * 0.3**2)) / 0.3
real, painted = real / real.sum(), painted / painted.sum()
best = best_discriminator(real, painted)
nudged = np.clip(best + 0.05 * np.sin(3 * x), 0.01, 0.99)
values = [tp.theory.game_value(d, real, painted) for d in (best, nudged, np.full_like(x, 0.5))]
formula = 2 * tp.theory.jensen_shannon(real, painted) - np.log(4)
names = [say("best", "最优"), say("nudged", "稍作改动"), say("always 1/2", "总说 1/2"), "2 JS - log 4"]
print(", ".join(f"{name} {value:.4f}" for name, value in zip(names, [*values, formula], strict=True)))
assert abs(values[0] - formula) < 1e-9 and values[0] > max(values[1:])
figure, axes = plt.subplots(figsize=(4.4, 1.9), layout="constrained")
axes.fill_between(x, 100 * real, color=BLUE, alpha=0.25, linewidth=0, label=say("real", "真实"))
axes.fill_between(x, 100 * painted, color=RED, alpha=0.25, linewidth=0, label=say("painted", "生成"))
axes.plot(x, best, color="black", label="$D^*$")
axes.axhline(0.5, color="grey", linewidth=0.6, linestyle=":")
axes.set(xlabel="x", ylabel=say("density, D*", "密度、D*"), ylim=(0, 1.05), yticks=[0, 0.5, 1])
_ = axes.legend(frameon=False, fontsize=8)

# %% [markdown] id="vanish" stamp="257da0d8-8af34e77"
# ## When the discriminator is too good
#
# Early in training the generator is bad, the discriminator is sure, and $f$, the logit of a painted picture, is very
# negative. The game as it is written then gives the generator nothing to learn from: its loss
# $\log(1 - \operatorname{sigmoid}(f))$ is flat there. Goodfellow et al. (2014) let it minimise
# $-\log\operatorname{sigmoid}(f)$ instead, which has the same direction and is steep where the other is flat.
# ---
# ## 判别器太强的时候
#
# 训练初期生成器很差，判别器很有把握，生成图像的 logit $f$ 是很大的负数。这时原始博弈让生成器学不到东西：
# 它的损失 $\log(1 - \operatorname{sigmoid}(f))$ 在那里是平的。Goodfellow 等人（2014）让生成器改为最小化
# $-\log\operatorname{sigmoid}(f)$：方向相同，而在前者平坦之处很陡。


# %% id="ex-generator" exercise="03-2"
def generator_loss(painted_logits):
    # <solution>
    return ops.mean(ops.softplus(-painted_logits))
    # </solution>


tp.course.grade("03-2", generator_loss, language=LANGUAGE)


# %% id="ex-slopes" exercise="03-7"
def generator_slopes(painted_logits):
    # <solution>
    written = -1 / (1 + np.exp(-painted_logits))
    return written, -1 - written
    # </solution>


tp.course.grade("03-7", generator_slopes, language=LANGUAGE)

# %% [markdown] id="distance" stamp="bbdd43f0-42016650"
# Data are normal around 0, painted numbers around $d$. The best discriminator's logit is then exactly
# $d^2/2 - d\,x$, so its slope is $-d$, and what the generator feels is the loss's slope times this.
# ---
# 数据是以 0 为中心的正态分布，生成的数以 $d$ 为中心。此时最优判别器的 logit 恰好是 $d^2/2 - d\,x$，斜率为 $-d$；
# 生成器感受到的就是损失的斜率乘以它。

# %% id="draw-vanish"
distances = np.linspace(0.05, 8, 100)
away = np.linspace(-6, 6, 1201)  # from the generator's mean
share = np.exp(-(away**2) / 2) / np.exp(-(away**2) / 2).sum()
logits = distances[:, None] ** 2 / 2 - distances[:, None] * (distances[:, None] + away)
felt = [np.abs((slope * share).sum(axis=1) * distances) for slope in generator_slopes(logits)]
figure, axes = plt.subplots(figsize=(3.9, 1.9), layout="constrained")
for pull, name in zip(felt, (say("as written", "原始"), say("not saturating", "非饱和")), strict=True):
    axes.semilogy(distances, pull, label=name)
axes.set(xlabel=say("distance d of the generator", "生成器的距离 d"), ylabel=say("gradient", "梯度"), ylim=(1e-4, 20))
axes.legend(frameon=False, fontsize=8)
print(say("gradient at d = 8:", "d = 8 处的梯度："), f"{felt[0][-1]:.1e}, {felt[1][-1]:.1f}")
assert felt[0][-1] < 1e-2 < 1 < felt[1][-1]

# %% [markdown] id="others" stamp="8bf684bf-e6ac7296"
# ## Two other games
#
# Let $r$ and $f$ be the logits of a real and of a painted picture. The **hinge** loss stops pushing what is already
# clearly right (Lim & Ye 2017); the generator's is linear:
#
# $$
# L_G = -f, \quad L_D = \max(0, 1 - r) + \max(0, 1 + f)
# $$
#
# The **relativistic** loss never asks whether a picture is real, only whether a real one scores above the painted one
# beside it:
#
# [[gan.relativistic]]
#
# Here $\zeta$ is softplus. The generator's loss is the same function with its arguments exchanged.
# ---
# ## 另外两种博弈
#
# 设 $r$、$f$ 是真实图像与生成图像的 logit。**hinge** 损失不再推动已经明显正确的样本（Lim & Ye 2017）；生成器的损失是线性的：
#
# $$
# L_G = -f, \quad L_D = \max(0, 1 - r) + \max(0, 1 + f)
# $$
#
# **相对论** 损失从不问一幅图是否为真，只问真实图像的分数是否高于与它配对的生成图像：
#
# [[gan.relativistic]]
#
# 其中 $\zeta$ 是 softplus。生成器的损失是同一个函数，交换两个参数即可。


# %% id="ex-hinge" exercise="03-3"
def hinge_loss(real_logits, painted_logits):
    # <solution>
    return ops.mean(ops.relu(1 - real_logits)) + ops.mean(ops.relu(1 + painted_logits))
    # </solution>


tp.course.grade("03-3", hinge_loss, language=LANGUAGE)


# %% id="ex-relativistic" exercise="03-5"
def relativistic_loss(real_logits, painted_logits):
    # <solution>
    return ops.mean(ops.softplus(painted_logits - real_logits))
    # </solution>


tp.course.grade("03-5", relativistic_loss, language=LANGUAGE)

# %% [markdown] id="circles" stamp="1f8c4ceb-5f22bd9a"
# ## Running in circles
#
# The smallest GAN has two numbers (Mescheder et al. 2018). All data are 0; the generator paints the number $\theta$; the
# discriminator's logit is $\psi x$. The balance is at $\theta = \psi = 0$. The losses are the simplest: $-\psi\theta$
# for the generator, $\psi\theta + \frac{r_1}{2}\psi^2$ for the discriminator; near the balance those of cross-entropy
# have half the slope in $\psi\theta$. Each player goes down its own loss, and without the term with $r_1$ the arrows of
# both together point *around* the balance, not towards it.
# ---
# ## 绕圈子
#
# 最小的 GAN 只有两个数（Mescheder 等人，2018）。数据全是 0；生成器画出数 $\theta$；判别器的 logit 是 $\psi x$。
# 平衡点在 $\theta = \psi = 0$。损失取最简单的：生成器为 $-\psi\theta$，判别器为 $\psi\theta + \frac{r_1}{2}\psi^2$；
# 在平衡点附近，交叉熵对 $\psi\theta$ 的斜率是它们的一半。双方各自沿自己的损失下降，若没有含 $r_1$ 的项，
# 合起来的箭头却 *绕着* 平衡点转，而不是指向它。


# %% id="ex-step" exercise="03-8"
def dirac_step(theta, psi, rate, r1):
    # <solution>
    return theta + rate * psi, psi - rate * (theta + r1 * psi)
    # </solution>


tp.course.grade("03-8", dirac_step, language=LANGUAGE)

# %% [markdown] id="penalty" stamp="783e6408-2efa6e85"
# The term with `r1` is the cure. R1 asks the discriminator to be *flat* at the data, R2 at what is painted: near the
# balance, where nothing is left to tell apart, it should fall silent. Both are about the logit
# $\ell = \log D - \log(1 - D)$, not about the probability:
#
# [[gan.gradient_penalty]]
#
# WGAN-GP wants slopes of length 1 instead. In this game that is $|\psi| = 1$, never the balance.
# ---
# 带 `r1` 的那一项就是解药。R1 要求判别器在数据处 *平坦*，R2 要求在生成的样本处平坦：接近平衡时已无可分辨，它就应当沉默。
# 两者针对的都是 logit $\ell = \log D - \log(1 - D)$，而不是概率：
#
# [[gan.gradient_penalty]]
#
# WGAN-GP 则要求斜率长度为 1。在这个博弈里就是 $|\psi| = 1$，永远到不了平衡点。


# %% id="ex-penalty" exercise="03-6"
def gradient_penalty(gradients, weight):
    # <solution>
    return 0.5 * weight * ops.mean(ops.sum(ops.square(gradients), axis=(1, 2, 3)))
    # </solution>


tp.course.grade("03-6", gradient_penalty, language=LANGUAGE)


# %% id="ex-growth" exercise="03-9"
def growth(rate, r1):
    # <solution>
    step = np.array([[1, rate], [-rate, 1 - rate * r1]])
    return np.abs(np.linalg.eigvals(step)).max()
    # </solution>


tp.course.grade("03-9", growth, language=LANGUAGE)

# %% [markdown] id="predicted" stamp="4da24c9b-213fc94e"
# Your `growth` says before the first step how the game will end. Above 1 it spirals away, at 1 it circles, below 1 it
# comes to rest.
# The last panel has no penalty, but the players move *in turn*: the discriminator answers the new $\theta$. Then they
# circle for ever at nearly the same distance. Turns alone cure nothing.
# ---
# 你的 `growth` 在走第一步之前就说出了结局：大于 1 则越转越远，等于 1 则绕圈，小于 1 则停下来。最后一幅图没有惩罚，但双方 *轮流* 行动：
# 判别器回应的是新的 $\theta$。于是它们永远以几乎相同的距离绕圈。光靠轮流治不好。

# %% id="spirals"
RATE, STEPS = 0.1, 200


def in_turn(theta, psi, rate, r1):
    theta, _ = dirac_step(theta, psi, rate, r1)
    return theta, dirac_step(theta, psi, rate, r1)[1]


figure, axes = plt.subplots(1, 4, figsize=(7, 2.1), layout="constrained")
games = [(dirac_step, 0.0), (dirac_step, 0.1), (dirac_step, 0.5), (in_turn, 0.0)]
for axis, (move, r1) in zip(axes, games, strict=True):
    path = [(1.0, 0.0)]
    for _ in range(STEPS):
        path.append(move(*path[-1], RATE, r1))
    path = np.array(path)
    axis.plot(*path.T, color=BLUE, linewidth=0.8)
    axis.plot(*path[-1], "o", color=RED, markersize=4)
    axis.plot(0, 0, "k+")
    far = np.hypot(*path[-1])
    turns = (
        say("in turn, R1 0", "轮流，R1 0")
        if move is in_turn
        else f"R1 {r1:g}, {say('growth', '倍率')} {growth(RATE, r1):.4f}"
    )
    axis.set_title(f"{turns}\n{say('in the end', '最后')} {far:.2f}", fontsize=8)
    axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    axis.set_xlabel("$\\theta$", labelpad=1)
    if move is dirac_step:
        assert abs(np.log(far) / STEPS - np.log(growth(RATE, r1))) < 2e-3
axes[0].set_ylabel("$\\psi$", labelpad=1)
assert growth(RATE, 0.0) > 1 > growth(RATE, 0.5)

# %% [markdown] id="not-by-pairing" stamp="376c9323-f069dfd3"
# Does another loss help? With the datum at 0 the logit of real data is 0, so the relativistic loss
# $\operatorname{softplus}(\psi\theta - 0)$ has the same slopes as cross-entropy: it turns in the same way. Against
# turning only the penalty helps. Pairing is meant for something else.
# ---
# 换一种损失有用吗？数据为 0 时真实数据的 logit 为 0，因此相对论损失 $\operatorname{softplus}(\psi\theta - 0)$ 与交叉熵的斜率完全相同：
# 它同样绕圈。对付绕圈只有惩罚项有效。配对是为了另一件事。

# %% [markdown] id="collapse" stamp="7234aa33-755cbd37"
# ## Mode collapse, in a world of two points
#
# Real pictures are $A$ and $B$, half each; the generator has two pictures to place. It has *collapsed* if both lie on
# $A$. To get to $B$ one of them must cross a land where nothing is real. What is the game worth (against the best
# discriminator; the generator wants it low) at the start, on the way, and on arrival?
# ---
# ## 两点世界中的模式崩溃
#
# 真实图像是 $A$ 和 $B$，各占一半；生成器有两幅图可以安放。如果两幅都在 $A$，就是 *崩溃*。要到 $B$ 去，
# 其中一幅必须穿过没有真实图像的地带。博弈的值（面对最优判别器；生成器希望它小）在出发前、途中、到达后各是多少？

# %% id="two-points"
A, B, NOWHERE = range(3)


def best_pairing(weights):
    """The most that scores of three places can reach where real i meets painted j with weights[i, j]."""
    scores = np.zeros(3)
    for _ in range(10000):
        push = weights / (1 + np.exp(scores[:, None] - scores[None]))
        scores += 5 * (push.sum(axis=1) - push.sum(axis=0))
    return float(-(weights * np.logaddexp(0, scores[None] - scores[:, None])).sum())


stations = {say("collapsed", "崩溃"): (A, A), say("on the way", "途中"): (A, NOWHERE), say("both", "两者"): (A, B)}
labels = {
    "cross-entropy": say("cross-entropy", "交叉熵"),
    "pairing": say("pairing", "配对"),
    "fixed pairs": say("fixed pairs", "固定配对"),
    "new pairs": say("new pairs", "重新配对"),
}
values = {name: [] for name in ("cross-entropy", "fixed pairs", "new pairs")}
for painted in stations.values():
    pairs = np.zeros((3, 3))
    pairs[[A, B], painted] = 0.5  # the first painted picture always meets A, the second B
    real, made = pairs.sum(axis=1), pairs.sum(axis=0)
    values["cross-entropy"].append(tp.theory.game_value(tp.theory.optimal_discriminator(real, made), real, made))
    values["fixed pairs"].append(best_pairing(pairs))
    values["new pairs"].append(best_pairing(np.outer(real, made)))
hill = {name: middle - start for name, (start, middle, _) in values.items()}
width = say(10, 8)  # of a heading: a Chinese character takes two columns
print(*(f"{name:>{width}}" for name in (*stations, say("hill", "山坡"))))
for name, row in values.items():
    print(*(f"{value:10.3f}" for value in (*row, hill[name])), "", labels[name])
assert abs(hill["fixed pairs"]) < 1e-3 and hill["new pairs"] > 0.1

# %% [markdown] id="hill" stamp="c9019214-072c0f68"
# With cross-entropy there is a hill before $B$: a collapsed generator sits in a valley. With real and painted pictures in
# **fixed pairs** the way is level, and this is the proof that is quoted for the relativistic loss (Sun et al. 2020: it
# has no bad valleys). But training draws **new pairs** in every batch, and then the hill is back. So the proof does not
# settle the matter, and one has to measure. The best discriminator of this little world may also jump from place to place.
# The penalties forbid that; a smooth one lets a collapsed generator feel $B$ from afar.
# ---
# 用交叉熵时，去 $B$ 之前有一道坡：崩溃的生成器坐在山谷里。如果真实图像与生成图像 **固定配对**，路就是平的；
# 人们为相对论损失引用的正是这个证明（Sun 等人，2020：没有坏的山谷）。但训练时每个批次都 **重新配对**，坡又回来了。
# 因此这个证明并未解决问题，必须测量。此外，这个小世界中的最优判别器可以在各处之间跳变；惩罚项不允许这样，
# 而平滑的判别器能让崩溃的生成器从远处感受到 $B$。

# %% [markdown] id="ring" stamp="7d1e21ef-cff5f941"
# ## Mode collapse, measured
#
# Eight clusters of points on a ring, the modes. Four kinds of game: cross-entropy and relativistic pairing, each without
# and with both penalties. All have the same networks (two hidden layers of 32), the same first weights, the same draws
# and the same number of steps, and every kind is played several times: all games run side by side, on a first axis of
# the weights. The generator's steps are five times larger than the discriminator's, as in a training that goes wrong: it
# runs to whatever the discriminator likes best just now.
# ---
# ## 测量模式崩溃
#
# 环上有八簇点，即八个模式。四种博弈：交叉熵与相对论配对，各有无惩罚和带两种惩罚两种。网络相同（两个 32 单元的隐藏层），
# 初始权重、抽样和步数也相同，每种玩若干局：所有局并排进行，占据权重的第一个轴。生成器的步长是判别器的五倍，
# 如同一次出了问题的训练：它总是奔向判别器此刻最喜欢的地方。

# %% id="ring-games"
MODES, BATCH, NOISE, SPREAD = 8, 64, 2, 0.1
COPIES, PARTS, PART = (16, 3, 500) if FAST else (24, 6, 500)
KINDS = [("cross-entropy", 0.0), ("pairing", 0.0), ("cross-entropy", 0.3), ("pairing", 0.3)]
COUNT = len(KINDS) * COPIES
angles = 2 * np.pi * np.arange(MODES) / MODES
centers = (2 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)).astype("float32")
generator = np.random.default_rng(0)


def network(*widths):
    weights = []
    for i, (last, width) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
        gain = 2 if i < len(widths) - 2 else 1
        kernel = generator.normal(0, np.sqrt(gain / last), (COPIES, last, width)).astype("float32")
        weights += [tf.Variable(np.tile(kernel, (len(KINDS), 1, 1))), tf.Variable(tf.zeros((COUNT, 1, width)))]
    return weights


def forward(weights, x):  # (COUNT, B, in) -> (COUNT, B, out)
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = tf.nn.leaky_relu(x @ kernel + bias, 0.2)
    return x @ weights[-2] + weights[-1]


painter, judge = network(NOISE, 32, 32, 2), network(2, 32, 32, 1)
fast_adam, slow_adam = (keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99) for rate in (5e-3, 1e-3))
fast_adam.build(painter)
slow_adam.build(judge)


def draws(seed, width):
    """The same random numbers for all kinds of game."""
    return tf.tile(tf.random.stateless_normal((COPIES, BATCH, width), [seed, width]), (len(KINDS), 1, 1))


def step(seed):
    which = tf.tile(tf.random.stateless_uniform((COPIES, BATCH), [seed, 0], 0, MODES, "int32"), (len(KINDS), 1))
    real = tf.gather(centers, which) + SPREAD * draws(2 * seed, 2)
    with tf.GradientTape(persistent=True) as tape:
        made = forward(painter, draws(2 * seed + 1, NOISE))
        both = tf.concat([real, tf.stop_gradient(made)], axis=1)
        logits, slopes = tp.autodiff.gradient(lambda points: forward(judge, points), both)
        r, f, fooled = logits[:, :BATCH], logits[:, BATCH:], forward(judge, made)
        judge_loss = painter_loss = 0.0
        for i, (kind, weight) in enumerate(KINDS):
            own = slice(i * COPIES, (i + 1) * COPIES)
            if kind == "pairing":
                judge_loss += relativistic_loss(r[own], f[own])
                painter_loss += relativistic_loss(fooled[own], tf.stop_gradient(r[own]))
            else:
                judge_loss += discriminator_loss(r[own], f[own])
                painter_loss += generator_loss(fooled[own])
            if weight:  # R1 + R2: twice the mean over real and painted points
                judge_loss += 2 * gradient_penalty(tf.reshape(slopes[own], (-1, 1, 1, 2)), weight)
    slow_adam.apply(tape.gradient(judge_loss, judge), judge)
    fast_adam.apply(tape.gradient(painter_loss, painter), painter)


@tf.function
def play(first, count):
    for seed in tf.range(first, first + count):
        step(seed)


def modes_found(points):
    """Modes that have at least a quarter of their share of the points, within four deviations: (COUNT,)."""
    away = np.linalg.norm(points[:, :, None] - centers, axis=-1)
    hits = (away.argmin(axis=-1)[..., None] == np.arange(MODES)) & (away.min(axis=-1) < 4 * SPREAD)[..., None]
    return (hits.mean(axis=1) >= 1 / MODES / 4).sum(axis=1)


found = []
for part in range(PARTS):
    play(tf.constant(part * PART), tf.constant(PART))
    points = forward(painter, tf.random.stateless_normal((COUNT, 1000, NOISE), (1, 2))).numpy()
    found.append(modes_found(points).reshape(len(KINDS), COPIES))
found = np.array(found)  # (PARTS, kinds, COPIES)
print(
    say("modes of 8, mean of", "8 个模式中找到的个数，平均自"),
    COPIES,
    say("games, after", "局，步数"),
    [PART * (i + 1) for i in range(PARTS)],
)
for i, (kind, weight) in enumerate(KINDS):
    print(*(f"{n:5.1f}" for n in found[:, i].mean(axis=1)), "", labels[kind] + (" + R1 + R2" if weight else ""))
assert found[1:, 3].mean() > found[1:, 0].mean()

# %% id="draw-ring"
figure, axes = plt.subplots(1, 4, figsize=(6.6, 1.95), layout="constrained")
for i, (axis, (kind, weight)) in enumerate(zip(axes, KINDS, strict=True)):
    axis.scatter(*centers.T, s=150, color=tp.plot.FAINT, linewidths=0)
    game = int(np.argsort(found[-1, i], kind="stable")[COPIES // 2])  # of middling success
    count = found[-1, i, game]
    axis.scatter(*points[i * COPIES + game][:150].T, s=2, color=BLUE, linewidths=0)
    axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    modes = say(f"{count} of 8 modes", f"找到 8 个模式中的 {count} 个")
    axis.set_title(f"{labels[kind]}{', R1, R2' if weight else ''}\n{modes}", fontsize=8)

# %% [markdown] id="ring-read" stamp="5707fbdd-af6594e8"
# A game of middling success is shown of each kind. The means of so few games are uncertain by about half a mode, so
# small differences mean nothing. With 24 games of each kind there were 3.2 modes after 1500 steps for cross-entropy,
# 4.8 with pairing, 5.3 with the penalties and 6.3 with both, each $\pm$ 0.4: **both parts of the cure help**, and
# together the most. This is the recipe of R3GAN (Huang et al. 2024). Nor is collapse for ever: after 2000 steps
# cross-entropy had 5.9 modes, all the cure 7.6.
# ---
# 图中是每种里成绩居中的一局。局数这么少，平均值的不确定度约为半个模式，小的差别没有意义。每种玩 24 局时，1500 步后交叉熵找到 3.2 个模式，
# 加配对 4.8 个，加惩罚 5.3 个，两者都加 6.3 个，误差各 $\pm$ 0.4：**解药的两个部分都有效**，合起来最好。
# 这就是 R3GAN 的做法（Huang 等人，2024）。崩溃也不是永久的：2000 步后交叉熵找到 5.9 个，完整的解药 7.6 个。

# %% [markdown] id="portraits" stamp="1d91b401-1ff0478f"
# ## A GAN that paints portraits
#
# `tp.GAN` puts your pieces together: a generator of transposed convolutions, a discriminator of strided ones (DCGAN),
# the relativistic loss with R1 and R2, an Adam for each player and an average of the generator's weights to paint with.
# Both losses are one backward pass: the generator's loss does not move the discriminator, nor the other way round. The
# noise is drawn anew in every batch and never adjusted.
#
# So that a minute is enough, the portraits are small and of one style. The model is told the hair colour: the
# discriminator also asks whether picture and colour fit together.
# ---
# ## 会画肖像的 GAN
#
# `tp.GAN` 把你写的各部分组合起来：转置卷积的生成器、带步幅卷积的判别器（DCGAN）、带 R1 和 R2 的相对论损失、
# 双方各自的 Adam，以及用来作画的生成器权重滑动平均。两个损失在一次反向传播中完成：生成器的损失不会移动判别器，反之亦然。
# 噪声每个批次重新抽取，从不被“调整”。
#
# 为了一分钟内能训练完，肖像很小，且只有一种风格。模型会得知头发颜色：判别器还要判断图像与颜色是否相符。

# %% id="fit"
SIZE = 32
plain = {
    "style": "flat",
    "pose": "front",
    "background": "plain",
    "headwear": "none",
    "glasses": "none",
    "lighting": "even",
}
people = [tp.world.sample(seed, **plain) for seed in range(512 if FAST else 4096)]
portraits = np.stack([person.render(SIZE) for person in people])
COLOURS = list(tp.world.ATTRIBUTES["hair_color"])
hair = np.array([COLOURS.index(person.attributes["hair_color"]) for person in people], "int32")

keras.utils.set_random_seed(0)
gan = tp.GAN(image_size=SIZE, latent_dim=16, width=16, attributes={"hair_color": COLOURS})
gan.compile(tp.GAN.default_optimizer(2e-3 if FAST else 5e-4, ema_decay=0.99))
dataset = tf.data.Dataset.from_tensor_slices({"image": portraits, "attributes": {"hair_color": hair}})
EPOCHS, PER_EPOCH = (5, 100) if FAST else (20, 300)
start = time.perf_counter()
history = gan.fit(
    dataset.repeat().shuffle(512, seed=0).batch(16), epochs=EPOCHS, steps_per_epoch=PER_EPOCH, verbose=0
).history
seconds = time.perf_counter() - start
print(f"{EPOCHS * PER_EPOCH} {say('steps', '步')}, {seconds:.0f} s")
for name in ("generator_loss", "discriminator_loss"):
    print(f"{name:18s}", *(f"{value:.2f}" for value in history[name][:: max(1, EPOCHS // 6)]))
assert all(np.isfinite(history["loss"]))

# %% [markdown] id="losses" stamp="b4cb5da0-92882ddb"
# Do not look for progress in these losses. Each is measured against an opponent who learns too; a GAN whose losses stand
# still may be getting better all the time, and one whose generator loss falls may only have a weak judge. Look at
# pictures.
#
# ## Noise is not a control
#
# Above: real portraits. Below: a row has one noise, a column one hair colour. Another noise gives *another* person, not a
# wanted one: no number of it has a name. What the model was told in training can be asked for. How well it obeys is
# measured by a plain rule: to which colour's mean real portrait is the upper half nearest? Painted ones may score above
# real ones: they vary less around the mean of their colour, and bald heads and buzz cuts fool the rule.
# ---
# 不要在这些损失里寻找进步：每个损失都是相对于同样在学习的对手测得的。损失不动的 GAN 可能一直在变好；
# 生成器损失下降也可能只是判别器太弱。要看图。
#
# ## 噪声不是控制手段
#
# 上排是真实肖像；下面每行用同一个噪声，每列是一种头发颜色。换一个噪声得到的是 *另一个* 人，而不是想要的人：噪声中的数没有名字。
# 训练时告诉过模型的东西才可以指定。它听话的程度用一个简单规则测量：图的上半部分与哪种颜色的真实肖像均值最接近？
# 生成的肖像得分可能高于真实的：它们围绕该颜色均值的变化更小，而光头和寸头会骗过这个规则。

# %% id="colours"
means = np.stack([portraits[hair == i, :16].mean(axis=0) for i in range(len(COLOURS))])


def colours_right(images, wanted):
    away = np.square(images[:, None, :16] - means).mean(axis=(2, 3, 4))
    return (away.argmin(axis=1) == wanted).mean()


wanted = np.tile(np.arange(len(COLOURS)), 12)
painted = gan.generate(seeds=list(range(len(wanted))), attributes={"hair_color": [COLOURS[i] for i in wanted]})
obeyed = colours_right(painted, wanted)
print(
    say("hair colour found in painted portraits", "生成肖像中头发颜色的识别率"),
    f"{obeyed:.2f},",
    say("real", "真实"),
    f"{colours_right(portraits, hair):.2f},",
    say("by chance", "随机"),
    f"{1 / len(COLOURS):.2f}",
)
assert obeyed > 2 / len(COLOURS)
shown = ["black", "blonde", "red", "blue", "pink"]
much_hair = np.isin([person["hair_style"] for person in people], ["long", "bob", "curly"])
examples = portraits[[np.flatnonzero(much_hair & (hair == COLOURS.index(colour)))[0] for colour in shown]]
rows = gan.generate(seeds=[0] * len(shown) + [1] * len(shown), attributes={"hair_color": shown * 2})
noises = [say("noise 0", "噪声 0"), say("noise 1", "噪声 1")]
tp.plot.table([*examples, *rows], columns=shown, rows=[say("real", "真实"), *noises], size=0.6)

# %% [markdown] id="against" stamp="65f0f6bc-952d5ac9"
# ## What a GAN does better and worse than diffusion
#
# Three things are measured: how far apart its pictures are, in the mean distance between real ones (a collapsed
# generator would have nearly 0); how far the nearest training portrait is (a copier would have 0), beside the same of
# real ones; and how long it paints. A diffusion model of the same picture size asks its network 20 times; what it has
# learned does not matter for the time.
# ---
# ## GAN 与扩散相比的长处与短处
#
# 这里测量三件事：生成的图彼此相距多远，以真实图像之间的平均距离为单位（崩溃的生成器接近 0）；与最近训练肖像的距离（照抄者为 0），
# 旁边是真实肖像的同一数值；以及作画要多久。
# 同样尺寸的扩散模型要询问网络 20 次；它学到了什么与时间无关。


# %% id="compare"
def distances(images, others):
    """Root of the mean squared difference of each image from each of the others, in grey levels: (B, N)."""
    a, b = (pictures.reshape(len(pictures), -1).astype("float32") for pictures in (images, others))
    squares = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    return np.sqrt(np.maximum(squares, 0) / a.shape[1])


real = portraits[: len(painted)]
itself = np.eye(len(real), len(portraits), dtype=bool)  # a real portrait is a training portrait
spread = distances(painted, painted).mean() / distances(real, real).mean()
nearest = distances(painted, portraits).min(axis=1).mean()
nearest_of_real = np.where(itself, np.inf, distances(real, portraits)).min(axis=1).mean()
print(say("spread, of real ones:", "差异（真实 = 1）："), f"{spread:.2f}")
print(
    say("distance to the nearest other training portrait:", "与最近的其他训练肖像的距离："),
    f"{nearest:.0f} / 255, {say('real', '真实')} {nearest_of_real:.0f} / 255",
)
diffusion = tp.models.PixelDiffusion(cell=2, block_out_channels=(64, 96), norm_num_groups=8)
timed = {}
for name, paint in {
    say("GAN, 1 evaluation", "GAN，1 次求值"): lambda: gan.generate(16),
    say("diffusion, 20", "扩散，20 次"): lambda: diffusion.generate(
        seeds=list(range(16)), num_steps=20, image_size=SIZE
    ),
}.items():
    paint()  # traced
    start = time.perf_counter()
    paint()
    timed[name] = time.perf_counter() - start
    print(f"{name}: {1000 * timed[name]:.0f} ms {say('for 16 portraits', '画 16 幅肖像')}")
quick, slow = timed.values()
assert spread > 0.4 and nearest > 0.5 * nearest_of_real and slow > 5 * quick

# %% [markdown] id="honest" stamp="dc61ca42-cedc502e"
# | | GAN | diffusion |
# |---|---|---|
# | evaluations for a picture | 1 | 20, with guidance 40 |
# | early in training | portraits in under a minute | blurred for longer |
# | loss | says nothing about progress | falls as the model gets better |
# | training | can circle or collapse; needs the penalties | a regression; does neither |
# | likelihood | none | a bound on it |
# | diversity | must be measured; nothing rewards it directly | every training picture counts in the loss |
# | guidance, repair, restyling | need a new training or a search for noise | by changing the sampling |
#
# `tfportrait compare` trains all families of this package for two minutes each; so early, the GAN is ahead of both kinds
# of diffusion (`tfportrait compare --show` prints the numbers). On large and varied data diffusion won (Dhariwal &
# Nichol 2021); at small picture sizes R3GAN keeps up with it, on faces and on ImageNet (Huang et al. 2024). Diffusion
# models distilled to paint in one step are often trained with a discriminator again (Sauer et al. 2023).
# ---
# | | GAN | 扩散 |
# |---|---|---|
# | 每幅图的求值次数 | 1 | 20，有引导时 40 |
# | 训练初期 | 不到一分钟就有肖像 | 模糊得更久 |
# | 损失 | 不说明进步 | 随模型变好而下降 |
# | 训练 | 可能绕圈或崩溃；需要惩罚项 | 是回归，两者都不会 |
# | 似然 | 没有 | 有一个界 |
# | 多样性 | 必须测量；没有什么直接奖励它 | 每幅训练图都计入损失 |
# | 引导、修复、改风格 | 需要重新训练或搜索噪声 | 改变采样即可 |
#
# `tfportrait compare` 把本包的各个模型族各训练两分钟；这么早的时候，GAN 领先于两种扩散（`tfportrait compare --show` 打印数字）。
# 在大而多样的数据上扩散胜出（Dhariwal & Nichol 2021）；在小尺寸的人脸和 ImageNet 上，R3GAN 并不落后（Huang 等人，2024）。
# 一步作画的扩散蒸馏模型，往往又要借助判别器来训练（Sauer 等人，2023）。

# %% [markdown] id="source" stamp="755b29df-e043dcfb"
# ## What the source document says about GANs
#
# It is right that two networks learn against each other. Much else is not:
#
# | it says | in fact |
# |---|---|
# | Stable Diffusion is an improved GAN with generator, discriminator and VAE | an autoencoder, a U-Net and a text encoder; a discriminator only helps to train the autoencoder |
# | a density of the generator with $e^{-D(G(z))^2/2}$ | there is no $x$ in it, and it is largest where $D$ says fake; the density is what $G$ makes of the noise |
# | $P_D(x) = e^{-D(x)^2/2} / (1 + e^{-D(G(z))^2/2})$ | no density, and it falls as $D(x)$ grows; right is $D^* = p / (p + p_G)$ |
# | the same two as formulas of diffusion | diffusion has no discriminator |
# | the discriminator judges quality | it weighs real against painted |
# | the generator adjusts its noise | its weights move; noise is drawn anew |
# | adjusting the noise gives the wanted style | only a condition does |
# | batch normalisation and transposed convolutions for diffusion | those are DCGAN's tips |
# | its listing: reshape 256 numbers to 8x8x256; 8x8 to 256x256 by one convolution; pictures in [0, 1] for tanh; a discriminator on the generator's tensor; one optimizer for the sum | see below; each network has its own input and each player its own loss |
# ---
# ## 源文档关于 GAN 的说法
#
# 两个网络在对抗中学习，这一点说得对。其余许多不对：
#
# | 文档的说法 | 实际 |
# |---|---|
# | Stable Diffusion 是改进的 GAN，由生成器、判别器和 VAE 组成 | 是自编码器、U-Net 和文本编码器；判别器只帮助训练自编码器 |
# | 生成器的密度含 $e^{-D(G(z))^2/2}$ | 式中没有 $x$，而且在 $D$ 判为假处最大；密度是 $G$ 把噪声变成的分布 |
# | $P_D(x) = e^{-D(x)^2/2} / (1 + e^{-D(G(z))^2/2})$ | 不是密度，而且随 $D(x)$ 增大而减小；正确的是 $D^* = p / (p + p_G)$ |
# | 这两式也是扩散的公式 | 扩散没有判别器 |
# | 判别器判断质量 | 它权衡真与假 |
# | 生成器调整噪声 | 移动的是权重；噪声每次重新抽取 |
# | 调整噪声得到想要的风格 | 只有条件才能做到 |
# | 扩散用批量归一化和转置卷积 | 那是 DCGAN 的技巧 |
# | 代码：256 个数变形为 8x8x256；一个卷积从 8x8 到 256x256；tanh 配 [0, 1] 的图像；判别器接在生成器的张量上；一个优化器最小化总和 | 见下；每个网络有自己的输入，每一方有自己的损失 |

# %% id="listing"
try:
    keras.layers.Reshape((8, 8, 256))(tf.zeros((1, 256)))
except (ValueError, tf.errors.InvalidArgumentError) as error:
    print(type(error).__name__, 256, "->", 8 * 8 * 256)
print(keras.layers.Conv2D(1, 3, padding="same")(tf.zeros((1, 8, 8, 256))).shape, "!= (1, 256, 256, 1)")
fake, true = tp.theory.printed_discriminator_density(np.array([0.0, 1.0]), 0.5)
print(f"P_D: D = 0 {fake:.3f}, D = 1 {true:.3f}")
print("P_G: D = 0.1, 0.9:", np.round(tp.theory.printed_generator_density([0.1, 0.9]), 3))
assert fake > true

# %% [markdown] id="end" stamp="9dc86f7e-ef9aad35"
# ## What to remember
#
# * The best discriminator is $p / (p + p_G)$. If it is too good, the game as written stops teaching; $-\log D$ does not.
# * Simultaneous steps spiral away, steps in turn circle; R1 and R2 bring them to rest. Another loss alone does not.
# * Losses of a GAN are no measure of progress. Count modes, measure spread, look.
# * Pairing and penalties find the modes sooner, together soonest: measured, for the proof is of fixed pairs only.
#
# **Try**: give `KINDS` the hinge loss with and without penalties. Which `r1` is best for `growth` at a rate of 0.1, and
# what happens beyond it? The document's wrong formulas wait to be repaired: `tp.course.repairs(3)`.
# ---
# ## 本章要点
#
# * 最优判别器是 $p / (p + p_G)$。它太强时原始博弈不再教人，$-\log D$ 则不会。
# * 同时走会越转越远，轮流走会绕圈；R1 和 R2 让它们停下来。单换损失做不到。
# * GAN 的损失不能衡量进步。要数模式、量差异、看图。
# * 配对与惩罚都能更快找到各个模式，合起来最快：这是测出来的，因为证明只适用于固定配对。
#
# **试一试**：在 `KINDS` 中加入带或不带惩罚的 hinge 损失。学习率为 0.1 时，哪个 `r1` 使 `growth` 最小，再大会怎样？
# 文档中的错误公式等你来修：`tp.course.repairs(3)`。
