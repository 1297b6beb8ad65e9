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


def _scores(generator):
    # Rounded, so that some are equal.
    return np.round(generator.uniform(0, 0.8, 7), 1), np.round(generator.uniform(0.1, 1, 9), 1)


def _above(members, others, equal):
    members, others = members[:, None], others[None]
    return float(((members < others) + equal * (members == others)).mean())


def _gap(members, others):
    thresholds = np.unique(np.concatenate([members, others, [2.0]]))
    return float(max((members < limit).mean() - (others < limit).mean() for limit in thresholds))


def _unseen(generator):
    return generator.gamma(4.0, 1.0, 200), float(generator.choice([0.01, 0.02, 0.05, 0.1]))


def _hashes(generator):
    # Chains of images, each a few bits from one before, so that the order matters.
    rows = [generator.integers(0, 2, 16)]
    while len(rows) < 12:
        row = (
            rows[generator.integers(0, len(rows))].copy() if generator.random() < 0.75 else generator.integers(0, 2, 16)
        )
        row[generator.choice(16, generator.integers(1, 4), replace=False)] ^= 1
        rows.append(row)
    return np.array(rows).astype(bool), int(generator.integers(2, 4))


def _kept(hashes, limit, near=np.less_equal):
    kept = []
    for i, row in enumerate(hashes):
        if not any(near((row != hashes[j]).sum(), limit) for j in kept):
            kept.append(i)
    return np.isin(np.arange(len(hashes)), kept)


def _unlike_all_before(hashes, limit):
    return np.array([all((row != other).sum() > limit for other in hashes[:i]) for i, row in enumerate(hashes)])


def _unlike_the_last(hashes, limit):
    return np.array([i == 0 or (row != hashes[i - 1]).sum() > limit for i, row in enumerate(hashes)])


def _without_any_like(hashes, limit):
    apart = (hashes[:, None] != hashes[None]).sum(axis=-1)
    return (apart <= limit).sum(axis=1) == 1


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
    Exercise(
        id="13-4",
        level=2,
        signature="auc(member_losses, other_losses)",
        en="The probability that a randomly chosen member has a smaller loss than a randomly chosen other image; equal "
        "losses count half. That is the area under the ROC curve, exactly.",
        zh="随机取一个成员和一个非成员，成员的损失更小的概率；相等时算一半。这正是 ROC 曲线下的面积。",
        case=_scores,
        solution=lambda members, others: _above(members, others, 0.5),
        mistakes=(
            Mistake(
                "ties_lost",
                lambda members, others: _above(members, others, 0.0),
                "equal losses count half: an attack that cannot tell images apart must get 0.5",
                "相等的应算一半：分不出图像的攻击应得 0.5",
            ),
            Mistake(
                "ties_won",
                lambda members, others: _above(members, others, 1.0),
                "equal losses count half, not whole",
                "相等的应算一半，而不是全部",
            ),
            Mistake(
                "wrong_side",
                lambda members, others: _above(others, members, 0.5),
                "members are those with the smaller losses",
                "成员的损失更小：方向反了",
            ),
            Mistake(
                "best_threshold",
                _gap,
                "that is the advantage at the best threshold; the area is over all thresholds",
                "这是最佳阈值处的优势；面积要对所有阈值",
            ),
            Mistake(
                "in_order",
                lambda members, others: float((members < others[: len(members)]).mean()),
                "every member is compared with every other image, not with the one at the same place",
                "每个成员要与每个非成员比较，而不是只与同一位置的那个比较",
            ),
        ),
    ),
    Exercise(
        id="13-5",
        level=3,
        signature="kept(hashes, limit)",
        en="Which images stay, bool (N,), if an image goes that differs in at most limit bits from one before it that "
        "has stayed. hashes: bool (N, bits).",
        zh="去重后留下哪些图像，bool (N,)：若某图像与之前留下的某一幅至多相差 limit 位，就去掉它。"
        "hashes：bool (N, 位数)。",
        case=_hashes,
        solution=_kept,
        mistakes=(
            Mistake(
                "strictly_less",
                lambda hashes, limit: _kept(hashes, limit, np.less),
                "at most limit bits: limit itself is near, too",
                "至多 limit 位：恰好 limit 位也算近似",
            ),
            Mistake(
                "like_one_that_went",
                _unlike_all_before,
                "an image went for its likeness to one that had gone itself: compare with those that stay",
                "某图像因为像一幅已被去掉的图像而被去掉：应只与留下的比较",
            ),
            Mistake(
                "only_the_last",
                _unlike_the_last,
                "only the image just before was compared; copies need not be neighbours",
                "只与紧挨着的前一幅比较；副本不一定相邻",
            ),
            Mistake(
                "all_gone",
                _without_any_like,
                "all copies went, the first one too: one of them should stay",
                "所有副本都被去掉了，连第一幅也没留：应留下一幅",
            ),
        ),
    ),
    Exercise(
        id="13-6",
        level=1,
        signature="calibrated_threshold(unseen_distances, level)",
        en="The distance below which a share of level of the unseen images lies: what counts as a copy.",
        zh="使得未见过的图像中恰有 level 比例的距离低于它的阈值：低于它就算复制。",
        case=_unseen,
        solution=np.quantile,
        mistakes=(
            Mistake(
                "other_end",
                lambda distances, level: np.quantile(distances, 1 - level),
                "that is the far end: nearly all unseen images would count as copies",
                "这是远端：几乎所有未见过的图像都会被当成复制",
            ),
            Mistake(
                "smallest",
                lambda distances, level: distances.min(),
                "the smallest distance depends on one image and on how many there are; take the quantile",
                "最小距离只取决于一幅图和图像总数；应取分位数",
            ),
            Mistake(
                "share_of_the_mean",
                lambda distances, level: level * distances.mean(),
                "level is a share of the images, not of the distance",
                "level 是图像的比例，不是距离的比例",
            ),
            Mistake(
                "as_if_normal",
                lambda distances, level: distances.mean() - 2 * distances.std(),
                "distances are not normally distributed, and two deviations belong to one level alone",
                "距离并不服从正态分布，而且两倍标准差只对应一个水平",
            ),
        ),
    ),
)
