"""Chapter 13: responsible use."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _shares(generator):
    return tuple(generator.dirichlet(np.ones(5), 2))


def _features(generator):
    painted, training = generator.standard_normal((5, 3)), generator.standard_normal((8, 3))
    return painted, training


def _nearest(painted, training):
    return np.sqrt(((painted[:, None] - training[None]) ** 2).sum(-1)).min(axis=1)


def _rates(generator):
    members, others = generator.uniform(0, 1, (2, 9))
    return members * 0.8, others, float(generator.uniform(0.2, 0.7))


EXERCISES = (
    Exercise(
        id="13-1",
        level=1,
        signature="share_to_change(painted, real)",
        en="The share of the images that would have to change their value, so that the painted shares (V,) become the "
        "real ones: the total variation.",
        zh="要使所画的比例 (V,) 变为真实的比例，至少有多少比例的图像要改变取值（全变差）。",
        case=_shares,
        solution=lambda painted, real: 0.5 * np.abs(painted - real).sum(),
        mistakes=(
            Mistake(
                "missing_half",
                lambda painted, real: np.abs(painted - real).sum(),
                "what is too much in one place is missing in another: an image that changes mends both",
                "一处多出的正是另一处缺少的：改变一幅图同时修正两处",
            ),
            Mistake(
                "largest",
                lambda painted, real: np.abs(painted - real).max(),
                "that is the largest difference of one value",
                "这是单个取值的最大差",
            ),
            Mistake(
                "signed",
                lambda painted, real: 0.5 * (painted - real).sum() + 0.0,
                "without absolute values the differences cancel out",
                "没有取绝对值，差会相互抵消",
            ),
        ),
    ),
    Exercise(
        id="13-2",
        level=2,
        signature="nearest_distances(painted, training)",
        en="Euclidean distance of every painted image's features (N, D) to the nearest training image's (M, D).",
        zh="每幅所画图像的特征 (N, D) 到最近训练图像特征 (M, D) 的欧氏距离。",
        case=_features,
        solution=_nearest,
        mistakes=(
            Mistake(
                "squared",
                lambda painted, training: _nearest(painted, training) ** 2,
                "the root is missing",
                "没有开平方",
            ),
            Mistake(
                "to_the_mean",
                lambda painted, training: np.sqrt(((painted - training.mean(axis=0)) ** 2).sum(-1)),
                "that is the distance to the mean training image, which nobody remembers",
                "这是到平均训练图像的距离，谁也不会记住它",
            ),
            Mistake(
                "mean_distance",
                lambda painted, training: np.sqrt(((painted[:, None] - training[None]) ** 2).sum(-1)).mean(axis=1),
                "the mean over the training images was taken; memory shows in the nearest",
                "对训练图像取了平均；记忆体现在最近的那一幅",
            ),
            Mistake(
                "other_way",
                lambda painted, training: _nearest(training, painted),
                "that is the nearest painted image of each training image",
                "这是每幅训练图像到最近所画图像的距离",
            ),
        ),
    ),
    Exercise(
        id="13-3",
        level=2,
        signature="advantage(member_losses, other_losses, threshold)",
        en="How much a membership attack that calls everything with a loss below threshold a training image gains: its "
        "rate of hits on members minus that of false alarms on others.",
        zh="成员推断攻击把损失低于阈值的都判为训练图像，其优势：对成员的命中率减去对非成员的误报率。",
        case=_rates,
        solution=lambda members, others, limit: (members < limit).mean() - (others < limit).mean(),
        mistakes=(
            Mistake(
                "wrong_side",
                lambda members, others, limit: (members > limit).mean() - (others > limit).mean(),
                "training images have the smaller losses: below the threshold",
                "训练图像的损失更小：应看低于阈值的",
            ),
            Mistake(
                "hits_alone",
                lambda members, others, limit: (members < limit).mean(),
                "without the false alarms an attack that says yes to all would be perfect",
                "不减误报率，凡事都说“是”的攻击就是完美的",
            ),
            Mistake(
                "accuracy",
                lambda members, others, limit: 0.5 * ((members < limit).mean() + (others >= limit).mean()),
                "that is the accuracy, 0.5 for guessing; the advantage of guessing is 0",
                "这是准确率，瞎猜为 0.5；而瞎猜的优势为 0",
            ),
        ),
    ),
)
