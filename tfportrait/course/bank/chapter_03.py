"""Chapter 3: generator and discriminator."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _logits(generator):
    real, painted = 2.0 * generator.standard_normal((2, 7))
    return real, painted


def _painted(generator):
    return (2.0 * generator.standard_normal(7),)


def _densities(generator):
    return tuple(generator.uniform(0.05, 2.0, (2, 6)))


def _softplus(x):
    return np.logaddexp(0.0, x)


def _sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def _gradients(generator):
    return (generator.standard_normal((4, 3, 3, 2)), float(generator.uniform(1, 10)))


def _state(generator):
    theta, psi = generator.standard_normal(2)
    return float(theta), float(psi), float(generator.uniform(0.05, 0.5)), float(generator.uniform(0.2, 2.0))


def _rate_and_penalty(generator):
    return float(generator.uniform(0.05, 0.5)), float(generator.uniform(0.0, 3.0))


def _matrix(rate, r1):
    return np.array([[1.0, rate], [-rate, 1.0 - rate * r1]])


def _growth(rate, r1):
    return np.abs(np.linalg.eigvals(_matrix(rate, r1))).max()


EXERCISES = (
    Exercise(
        id="03-1",
        level=2,
        signature="discriminator_loss(real_logits, painted_logits)",
        en="The discriminator's cross-entropy: mean over the real images plus mean over the painted ones, from logits.",
        zh="判别器的交叉熵：真实图像的平均加上生成图像的平均，输入为 logits。",
        case=_logits,
        solution=lambda real, painted: _softplus(-real).mean() + _softplus(painted).mean(),
        mistakes=(
            Mistake(
                "labels_exchanged",
                lambda real, painted: _softplus(real).mean() + _softplus(-painted).mean(),
                "the labels are exchanged: real ones are 1, painted ones 0",
                "标签弄反了：真实为 1，生成为 0",
            ),
            Mistake(
                "real_only",
                lambda real, painted: _softplus(-real).mean(),
                "the painted images are missing: a discriminator that says yes to all would be perfect",
                "缺少生成图像的部分：对一切都说“真”的判别器就会满分",
            ),
            Mistake(
                "sigmoid_twice",
                lambda real, painted: _softplus(-_sigmoid(real)).mean() + _softplus(_sigmoid(painted)).mean(),
                "a sigmoid was applied to the logits before a loss that applies one itself",
                "损失函数自带 sigmoid，却又先对 logits 做了一次 sigmoid",
            ),
            Mistake(
                "half",
                lambda real, painted: 0.5 * (_softplus(-real).mean() + _softplus(painted).mean()),
                "the mean of the two halves was taken; the value of the game is their sum",
                "取了两部分的平均；博弈的值是两者之和",
            ),
        ),
        equation="gan.value",
    ),
    Exercise(
        id="03-2",
        level=2,
        signature="generator_loss(painted_logits)",
        en="The generator's loss that does not saturate (Goodfellow et al. 2014), from the logits of its images.",
        zh="生成器的非饱和损失（Goodfellow 等，2014），输入为其图像的 logits。",
        case=_painted,
        solution=lambda painted: _softplus(-painted).mean(),
        mistakes=(
            Mistake(
                "saturating",
                lambda painted: -_softplus(painted).mean(),
                "that is the game as it is written; where the discriminator is sure its gradient vanishes, "
                "and a beginner learns nothing",
                "这是原始的极小极大形式；判别器很有把握时梯度消失，初学的生成器学不到东西",
            ),
            Mistake(
                "discriminators_own",
                lambda painted: _softplus(painted).mean(),
                "that is the discriminator's part: the generator would learn to be found out",
                "这是判别器的那一部分：生成器会学着被识破",
            ),
            Mistake(
                "logits_alone",
                lambda painted: -painted.mean(),
                "that is Wasserstein's critic, not cross-entropy",
                "这是 Wasserstein 评论家的损失，不是交叉熵",
            ),
        ),
        equation="gan.losses",
    ),
    Exercise(
        id="03-3",
        level=2,
        signature="hinge_loss(real_logits, painted_logits)",
        en="The discriminator's hinge loss: real images should score above 1, painted ones below -1.",
        zh="判别器的 hinge 损失：真实图像应高于 1，生成图像应低于 -1。",
        case=_logits,
        solution=lambda real, painted: np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + painted).mean(),
        mistakes=(
            Mistake(
                "no_hinge",
                lambda real, painted: (1 - real).mean() + (1 + painted).mean(),
                "the maximum with 0 is missing: images that are clearly right are pushed on without end",
                "缺少与 0 取最大值：已明显正确的样本仍会被无止境地推动",
            ),
            Mistake(
                "no_margin",
                lambda real, painted: np.maximum(0, -real).mean() + np.maximum(0, painted).mean(),
                "the margin of 1 is missing: all zeros would be perfect",
                "缺少间隔 1：全部输出 0 就满分了",
            ),
            Mistake(
                "margin_sign",
                lambda real, painted: np.maximum(0, 1 + real).mean() + np.maximum(0, 1 - painted).mean(),
                "the signs are exchanged: real images should score high",
                "符号弄反了：真实图像应得高分",
            ),
        ),
        equation="gan.hinge",
    ),
    Exercise(
        id="03-4",
        level=1,
        signature="best_discriminator(real_density, painted_density)",
        en="The best discriminator's probability that x is real, from both densities at x.",
        zh="已知 x 处的两个密度，最优判别器认为 x 为真的概率。",
        case=_densities,
        solution=lambda real, painted: real / (real + painted),
        mistakes=(
            Mistake(
                "exchanged",
                lambda real, painted: painted / (real + painted),
                "that is the probability of being painted",
                "这是“由模型生成”的概率",
            ),
            Mistake(
                "ratio",
                lambda real, painted: real / painted,
                "a ratio of densities is no probability: it exceeds 1",
                "密度之比不是概率：它会大于 1",
            ),
            Mistake(
                "logit",
                lambda real, painted: np.log(real / painted),
                "that is its logit; the sigmoid of it is the probability",
                "这是其 logit；再取 sigmoid 才是概率",
            ),
        ),
        equation="gan.optimal_discriminator",
    ),
    Exercise(
        id="03-5",
        level=3,
        signature="relativistic_loss(real_logits, painted_logits)",
        en="The discriminator's relativistic loss of paired images, from logits: real ones should score above the "
        "painted ones beside them.",
        zh="成对图像的相对论判别器损失（输入 logits）：真实图像的分数应高于与之配对的生成图像。",
        case=_logits,
        solution=lambda real, painted: _softplus(painted - real).mean(),
        mistakes=(
            Mistake(
                "generators_own",
                lambda real, painted: _softplus(real - painted).mean(),
                "that is the generator's side of it",
                "这是生成器一方的损失",
            ),
            Mistake(
                "not_paired",
                lambda real, painted: _softplus(painted.mean() - real.mean()),
                "the mean was taken before the loss: each pair counts for itself",
                "先取了平均再算损失：应当逐对计算",
            ),
            Mistake(
                "absolute",
                lambda real, painted: _softplus(-real).mean() + _softplus(painted).mean(),
                "that is plain cross-entropy: here only the difference of a pair counts",
                "这是普通交叉熵：这里只看每一对的差",
            ),
        ),
        equation="gan.relativistic",
    ),
    Exercise(
        id="03-6",
        level=2,
        signature="gradient_penalty(gradients, weight)",
        en="R1: weight / 2 times the squared length of each image's gradient (B, H, W, C), averaged over the batch.",
        zh="R1 惩罚：每幅图像梯度 (B, H, W, C) 长度的平方乘以 weight / 2，再对批次取平均。",
        case=_gradients,
        solution=lambda gradients, weight: 0.5 * weight * np.mean(np.sum(gradients**2, axis=(1, 2, 3))),
        mistakes=(
            Mistake(
                "missing_half",
                lambda gradients, weight: weight * np.mean(np.sum(gradients**2, axis=(1, 2, 3))),
                "the half is missing",
                "缺少因子 1/2",
            ),
            Mistake(
                "mean_for_sum",
                lambda gradients, weight: 0.5 * weight * np.mean(gradients**2),
                "the mean over the pixels was taken for the sum: the penalty would shrink with larger images",
                "对像素取了平均而不是求和：图像越大惩罚越小",
            ),
            Mistake(
                "not_squared",
                lambda gradients, weight: 0.5 * weight * np.mean(np.sqrt(np.sum(gradients**2, axis=(1, 2, 3)))),
                "the length was not squared",
                "长度没有平方",
            ),
            Mistake(
                "of_one",
                lambda gradients, weight: (
                    0.5 * weight * np.mean((np.sqrt(np.sum(gradients**2, axis=(1, 2, 3))) - 1.0) ** 2)
                ),
                "that is WGAN-GP, which wants lengths of 1; R1 wants 0",
                "这是 WGAN-GP，希望长度为 1；R1 希望为 0",
            ),
        ),
        equation="gan.gradient_penalty",
    ),
    Exercise(
        id="03-7",
        level=2,
        signature="generator_slopes(painted_logits)",
        en="Derivatives at each logit f of two generator losses: of log(1 - sigmoid(f)), the game as it is written, "
        "and of -log(sigmoid(f)), which does not saturate. Return (written, not saturating).",
        zh="两种生成器损失在每个 logit f 处的导数：原始博弈的 log(1 - sigmoid(f))，以及非饱和的 -log(sigmoid(f))。"
        "返回 (原始, 非饱和)。",
        case=_painted,
        solution=lambda painted: (-_sigmoid(painted), -_sigmoid(-painted)),
        mistakes=(
            Mistake(
                "exchanged",
                lambda painted: (-_sigmoid(-painted), -_sigmoid(painted)),
                "the two are exchanged: the one that saturates goes to 0 where the discriminator is sure, at very "
                "negative logits",
                "两者弄反了：饱和的那个在判别器很有把握处（logit 很负）趋于 0",
            ),
            Mistake(
                "wrong_sign",
                lambda painted: (_sigmoid(painted), _sigmoid(-painted)),
                "both losses fall as the logit grows: their slopes are negative",
                "logit 增大时两种损失都下降：导数为负",
            ),
            Mistake(
                "losses",
                lambda painted: (-_softplus(painted), _softplus(-painted)),
                "those are the losses themselves, not their derivatives",
                "这是损失本身，而不是它们的导数",
            ),
            Mistake(
                "by_probability",
                lambda painted: (-1.0 / (1.0 - _sigmoid(painted)), -1.0 / _sigmoid(painted)),
                "those are derivatives by the probability; the sigmoid's own slope, s (1 - s), is missing",
                "这是对概率的导数；还缺 sigmoid 自身的导数 s (1 - s)",
            ),
        ),
        equation="gan.losses",
    ),
    Exercise(
        id="03-8",
        level=2,
        signature="dirac_step(theta, psi, rate, r1)",
        en="One step of both players at once in a game of two numbers. The datum is 0, the generator paints theta, the "
        "discriminator's logit is psi x. The generator's loss is -psi theta; the discriminator's is psi theta "
        "+ r1 / 2 psi^2. Each goes down its own loss. Return (theta, psi).",
        zh="两个数的博弈，双方同时走一步。数据是 0，生成器画出 theta，判别器的 logit 为 psi·x。"
        "生成器损失为 -psi·theta，判别器损失为 psi·theta + r1/2·psi²。各自沿自己的损失下降。返回 (theta, psi)。",
        case=_state,
        solution=lambda theta, psi, rate, r1: (theta + rate * psi, psi - rate * (theta + r1 * psi)),
        mistakes=(
            Mistake(
                "one_after_the_other",
                lambda theta, psi, rate, r1: (theta + rate * psi, psi - rate * (theta + rate * psi + r1 * psi)),
                "the discriminator already saw the new theta: both steps start from the old numbers",
                "判别器用了新的 theta：双方都应从旧值出发",
            ),
            Mistake(
                "one_loss_for_both",
                lambda theta, psi, rate, r1: (theta - rate * psi, psi - rate * (theta + r1 * psi)),
                "both go down the discriminator's loss: that is no game, each has a loss of its own",
                "双方都在减小判别器的损失：这不是博弈，各有各的损失",
            ),
            Mistake(
                "penalty_rewarded",
                lambda theta, psi, rate, r1: (theta + rate * psi, psi - rate * (theta - r1 * psi)),
                "the penalty has the wrong sign: it should make psi smaller",
                "惩罚项符号错了：它应使 psi 变小",
            ),
            Mistake(
                "penalty_on_generator",
                lambda theta, psi, rate, r1: (theta + rate * (psi - r1 * theta), psi - rate * theta),
                "the penalty belongs to the discriminator's loss",
                "惩罚属于判别器的损失",
            ),
        ),
    ),
    Exercise(
        id="03-9",
        level=3,
        signature="growth(rate, r1)",
        en="That step is a matrix, [[1, rate], [-rate, 1 - rate r1]]. By which factor does the distance from the "
        "balance change per step in the long run? (The largest absolute value of its eigenvalues.)",
        zh="这一步是矩阵 [[1, rate], [-rate, 1 - rate·r1]]。长期来看，每一步使到平衡点的距离乘以多少？"
        "（特征值的最大绝对值。）",
        case=_rate_and_penalty,
        solution=_growth,
        mistakes=(
            Mistake(
                "real_part",
                lambda rate, r1: np.linalg.eigvals(_matrix(rate, r1)).real.max(),
                "only the real part was taken: turning moves away from the balance too",
                "只取了实部：旋转本身也会使距离变大",
            ),
            Mistake(
                "largest_in_one_step",
                lambda rate, r1: np.linalg.norm(_matrix(rate, r1), 2),
                "that is the largest change in one step (a singular value), not the one in the long run",
                "这是一步之内的最大变化（奇异值），而不是长期的变化",
            ),
            Mistake(
                "determinant",
                lambda rate, r1: np.linalg.det(_matrix(rate, r1)),
                "the determinant is the product of both eigenvalues: the change of areas",
                "行列式是两个特征值之积：面积的变化",
            ),
            Mistake(
                "endless_small_steps",
                lambda rate, r1: (
                    np.exp(rate * ((_matrix(rate, r1) - np.eye(2)) / rate).trace() / 2)
                    if r1 < 2
                    else np.exp(rate * (-r1 + np.sqrt(r1**2 - 4)) / 2)
                ),
                "that is for endlessly small steps; with steps of this size turning costs distance",
                "这是无穷小步长时的结果；步长有限时，旋转会使距离变大",
            ),
        ),
    ),
)
