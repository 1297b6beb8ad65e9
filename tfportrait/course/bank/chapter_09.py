"""Chapter 9: moving pictures."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _clip(generator):
    return (int(generator.integers(3, 30)),)


def _keyframes(generator):
    first, second = generator.standard_normal((2, 4))
    start, length = float(generator.uniform(0, 2)), float(generator.uniform(0.5, 3))
    return first, second, start, start + length, start + float(generator.uniform(0, 1)) * length


def _between(first, second, start, end, time):
    share = (time - start) / (end - start)
    return (1 - share) * first + share * second


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
)
