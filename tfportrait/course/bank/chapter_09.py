"""Chapter 9: portraits, scenes, moving pictures."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _readings(generator):
    read, wanted = generator.integers(0, 3, (2, 12, 5))
    named = generator.random((12, 5)) < 0.5
    named[0], named[:, 0] = True, True  # every attribute and every picture has something to count
    return read, wanted, named


def _accuracy(read, wanted, named):
    return ((read == wanted) & named).sum(axis=0) / named.sum(axis=0)


def _share(generator):
    return (float(generator.uniform(0.1, 0.9)),)


def _two_noises(generator):
    noise, other = generator.standard_normal((2, 3, 4))
    return noise, other, float(generator.uniform(0.1, 0.9))


def _turned(noise, other, share):
    return np.cos(share * np.pi / 2) * noise + np.sin(share * np.pi / 2) * other


def _clip(generator):
    return (int(generator.integers(3, 30)),)


def _keyframes(generator):
    first, second = generator.standard_normal((2, 4))
    start, length = float(generator.uniform(0, 2)), float(generator.uniform(0.5, 3))
    return first, second, start, start + length, start + float(generator.uniform(0, 1)) * length


def _between(first, second, start, end, time):
    share = (time - start) / (end - start)
    return (1 - share) * first + share * second


def _frames(generator):
    return (generator.integers(0, 256, (int(generator.integers(3, 7)), 4, 4, 3)).astype("uint8"),)


def _changes(frames):
    frames = frames.astype(float)
    return np.abs(np.roll(frames, -1, axis=0) - frames).mean(axis=(1, 2, 3))


def _rows(generator):
    rows = generator.standard_normal((12, 4)) + 5 * np.repeat(generator.standard_normal((3, 4)), 4, axis=0)
    showing = generator.random(12) < 0.5
    showing[:3] = True, False, True
    return rows, showing, np.repeat(np.arange(3), 4)


def _centred(rows, groups):
    means = np.stack([rows[groups == group].mean(axis=0) for group in groups])
    return rows - means


def _direction(rows, showing, groups):
    rows = _centred(rows, groups)
    return rows[showing].mean(axis=0) - rows[~showing].mean(axis=0)


EXERCISES = (
    Exercise(
        id="09-1",
        level=1,
        signature="loop_positions(frames)",
        en="Where each frame of a clip that is shown again and again lies on the way round, from 0 up to but not "
        "including 1, evenly.",
        zh="循环播放的片段中，各帧在一圈中的位置：从 0 起均匀分布，不含 1。",
        case=_clip,
        solution=lambda frames: np.arange(frames) / frames,
        mistakes=(
            Mistake(
                "last_is_first",
                lambda frames: np.linspace(0, 1, frames),
                "the last frame is the first once more: the clip stands still for a moment at every round",
                "最后一帧与第一帧相同：每转一圈都会停顿一下",
            ),
            Mistake(
                "from_one",
                lambda frames: np.arange(1, frames + 1) / frames,
                "the first frame belongs at 0",
                "第一帧应在 0 处",
            ),
            Mistake(
                "not_divided",
                lambda frames: np.arange(frames),
                "those are the numbers of the frames, not their places on the way",
                "这是帧的编号，而不是位置",
            ),
        ),
    ),
    Exercise(
        id="09-2",
        level=1,
        signature="at_time(first, second, start, end, time)",
        en="The prompt's embedding at a time between two keyframes, in a straight line.",
        zh="两个关键帧之间某一时刻的提示词嵌入（线性插值）。",
        case=_keyframes,
        solution=_between,
        mistakes=(
            Mistake(
                "exchanged",
                lambda first, second, start, end, time: _between(second, first, start, end, time),
                "the two are exchanged: at start it is the first",
                "两者弄反了：start 时刻应为第一个",
            ),
            Mistake(
                "start_not_subtracted",
                lambda first, second, start, end, time: _between(first, second, 0.0, end, time),
                "the time is counted from the first keyframe: subtract start",
                "时间应从第一个关键帧算起：减去 start",
            ),
            Mistake(
                "divided_by_end",
                lambda first, second, start, end, time: _between(first, second, start, start + end, time),
                "divided by end; the way takes end - start",
                "除以了 end；区间长度是 end - start",
            ),
        ),
    ),
    Exercise(
        id="09-3",
        level=2,
        signature="accuracy(read, wanted, named)",
        en="How often each attribute is as it was asked for: an array (A,) of shares. `read` and `wanted` are (N, A) "
        "numbers of values; only where `named` (N, A) is true did the prompt say anything about the attribute.",
        zh="每个属性符合要求的比例，形状为 (A,)。`read` 和 `wanted` 是 (N, A) 的取值编号；"
        "只有 `named` (N, A) 为真处，提示词才提到了该属性。",
        case=_readings,
        solution=_accuracy,
        mistakes=(
            Mistake(
                "unsaid_counted",
                lambda read, wanted, named: (read == wanted).mean(axis=0),
                "what the prompt does not say was counted too: there the painter is free",
                "把提示词没有说到的也算进去了：那里画什么都可以",
            ),
            Mistake(
                "divided_by_all",
                lambda read, wanted, named: ((read == wanted) & named).mean(axis=0),
                "divided by all pictures; divide by those whose prompt names the attribute",
                "除以了全部图像数；应除以提到该属性的图像数",
            ),
            Mistake(
                "by_picture",
                lambda read, wanted, named: ((read == wanted) & named).sum(axis=1) / named.sum(axis=1),
                "that is the accuracy of each picture: add up over the pictures, axis 0",
                "这是每幅图的准确率：应沿第 0 轴（图像）求和",
            ),
            Mistake(
                "one_number",
                lambda read, wanted, named: (read == wanted)[named].mean(),
                "that is one number for all attributes together",
                "这是所有属性合在一起的一个数",
            ),
        ),
    ),
    Exercise(
        id="09-4",
        level=2,
        signature="deviation_between(share)",
        en="The standard deviation of (1 - share) a + share b, where a and b are independent normal noise of "
        "deviation 1.",
        zh="a、b 是相互独立、标准差为 1 的正态噪声时，(1 - share)·a + share·b 的标准差。",
        case=_share,
        solution=lambda share: np.sqrt((1 - share) ** 2 + share**2),
        mistakes=(
            Mistake(
                "variance",
                lambda share: (1 - share) ** 2 + share**2,
                "that is the variance: the root is missing",
                "这是方差：还要开平方",
            ),
            Mistake(
                "deviations_added",
                lambda share: 1.0,
                "deviations were added; of what is independent the variances add up",
                "把标准差相加了；相互独立时相加的是方差",
            ),
            Mistake(
                "subtracted",
                lambda share: abs(1 - 2 * share),
                "at the middle nothing would be left: independent noises do not cancel",
                "这样中点处就什么也不剩了：独立的噪声不会相互抵消",
            ),
        ),
    ),
    Exercise(
        id="09-5",
        level=2,
        signature="turned(noise, other, share)",
        en="Noise turned towards another, at a right angle to it, by share of 90 degrees: a mix with the cosine and "
        "the sine of that angle.",
        zh="把噪声向与它垂直的另一个噪声转过 90 度的 share 倍：用该角的余弦和正弦混合。",
        case=_two_noises,
        solution=_turned,
        mistakes=(
            Mistake(
                "straight",
                lambda noise, other, share: (1 - share) * noise + share * other,
                "that is the straight line, on which noise becomes shorter",
                "这是直线插值，途中噪声会变短",
            ),
            Mistake(
                "exchanged",
                lambda noise, other, share: _turned(other, noise, share),
                "the two are exchanged: a share of 0 changes nothing",
                "两者弄反了：share 为 0 时应保持不变",
            ),
            Mistake(
                "roots",
                lambda noise, other, share: np.sqrt(1 - share) * noise + np.sqrt(share) * other,
                "the length is right, but the angle does not grow evenly with share: take its cosine and sine",
                "长度是对的，但角度不随 share 均匀增长：应取该角的余弦和正弦",
            ),
            Mistake(
                "degrees",
                lambda noise, other, share: np.cos(90 * share) * noise + np.sin(90 * share) * other,
                "np.cos takes radians: 90 degrees are pi / 2",
                "np.cos 以弧度为单位：90 度是 pi / 2",
            ),
        ),
    ),
    Exercise(
        id="09-6",
        level=2,
        signature="changes(frames)",
        en="How much a clip that is shown again and again changes from each frame to the next, and from the last to "
        "the first: the mean absolute difference in grey levels, a number for each of the frames, uint8 (N, H, W, 3).",
        zh="循环播放的片段中，每一帧到下一帧（最后一帧到第一帧）的变化：灰度差绝对值的平均，每帧一个数；"
        "帧为 uint8 (N, H, W, 3)。",
        case=_frames,
        solution=_changes,
        mistakes=(
            Mistake(
                "uint8",
                lambda frames: np.abs(np.roll(frames, -1, axis=0) - frames).mean(axis=(1, 2, 3)),
                "uint8 has no negative numbers: 3 - 5 is 254 there; turn the frames into floats first",
                "uint8 没有负数：3 - 5 会得到 254；请先转换为浮点数",
            ),
            Mistake(
                "no_absolute",
                lambda frames: (np.roll(frames, -1, axis=0) - frames.astype(float)).mean(axis=(1, 2, 3)),
                "lighter and darker pixels cancel: take the absolute value before the mean",
                "变亮和变暗的像素相互抵消了：应先取绝对值再平均",
            ),
            Mistake(
                "not_closed",
                lambda frames: _changes(frames)[:-1],
                "the change from the last frame to the first is missing: there the jump of a bad loop is",
                "缺少最后一帧到第一帧的变化：接不好的循环正是在那里跳变",
            ),
            Mistake(
                "from_the_first",
                lambda frames: np.abs(frames.astype(float) - frames[0]).mean(axis=(1, 2, 3)),
                "that is how far each frame is from the first one",
                "这是每一帧与第一帧的距离",
            ),
        ),
    ),
    Exercise(
        id="09-7",
        level=3,
        signature="direction(rows, showing, groups)",
        en="The direction towards an attribute: of rows (N, D) the mean of those that show it less the mean of the "
        "others, after the mean of its own group (same number in `groups`: same prompt) has been taken from each row.",
        zh="指向某一属性的方向：先从 (N, D) 的每一行减去其所在组的均值（`groups` 中编号相同即同一提示词），"
        "再用显示该属性的行的均值减去其余行的均值。",
        case=_rows,
        solution=_direction,
        mistakes=(
            Mistake(
                "groups_ignored",
                lambda rows, showing, groups: rows[showing].mean(axis=0) - rows[~showing].mean(axis=0),
                "the differences between the prompts are still in it: take each group's mean away first",
                "其中还含有提示词之间的差别：应先减去各组的均值",
            ),
            Mistake(
                "other_way",
                lambda rows, showing, groups: -_direction(rows, showing, groups),
                "it leads away from the attribute",
                "方向反了：它背离该属性",
            ),
            Mistake(
                "others_left_out",
                lambda rows, showing, groups: _centred(rows, groups)[showing].mean(axis=0),
                "the mean of those that do not show it has to be subtracted",
                "还要减去不显示该属性的行的均值",
            ),
        ),
    ),
)
