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
        equation="gan.losses",
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
)
