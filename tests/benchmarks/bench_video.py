"""Clips of the video model beside clips between prompts and the world's own motions.

    python tests/benchmarks/bench_video.py [--clips 16] [--frames 8] [--motions smile,turn]

For each motion: "reached", how often the oracle reads in the last frame what the motion leads to; "kept",
the share of the other attributes that it reads in every frame as in the first; "change", the mean absolute difference
of two frames in a row, in grey levels, and "worst", the largest of them over the mean; of a blink instead "closed", how
much the eyes change in the middle of the clip, where the world's own blink counts as 1. The time is that of one clip.
"""

import argparse
import time

import numpy as np

import tfportrait as tp
from tfportrait.data.motions import MotionWorld
from tfportrait.tasks.describing import oracle_of
from tfportrait.tasks.moving import video_presets
from tfportrait.world import motion

TARGET = {"smile": "expression", "turn": "pose", "nightfall": "time"}
EYES = np.s_[52:78, 34:94]  # of 128 px


def measured(kind, clips, oracle, lasts):
    read = oracle.read(clips.reshape(-1, *clips.shape[2:]))
    read = {name: values.reshape(clips.shape[:2]) for name, values in read.items()}
    moving = TARGET.get(kind)
    steps = np.abs(np.diff(clips.astype("float32"), axis=1)).mean(axis=(2, 3, 4))
    row = {
        "kept": np.mean([(v == v[:, :1]).mean() for name, v in read.items() if name != moving]),
        "change": steps.mean(),
        "worst": (steps.max(axis=1) / np.maximum(steps.mean(axis=1), 1e-6)).mean(),
    }
    if moving:
        wanted = np.array([oracle.attributes[moving].index(last[moving]) for last in lasts])
        row["reached"] = np.mean(read[moving][:, -1] == wanted)
    else:
        middle = clips.shape[1] // 2
        row["closed"] = np.abs(clips[:, middle].astype(float) - clips[:, 0])[:, EYES[0], EYES[1]].mean()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--motions", default=",".join(motion.KINDS))
    parser.add_argument("--painter", help="another painter than the shipped one of the motion")
    parser.add_argument("--video", help="another video model")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--figure", help="a picture of the first clip of each motion, all three of them")
    arguments = parser.parse_args()
    print(tp.accelerate())
    firsts = {}
    for kind in arguments.motions.split(","):
        firsts |= measure(kind, arguments)
    if arguments.figure:
        frames = np.concatenate(list(firsts.values()))
        tp.plot.table(frames, columns=[""] * arguments.frames, rows=[*firsts]).savefig(arguments.figure)


def measure(kind, arguments):
    """Prints the rows of a motion. Returns the first clip of each way, by what it shows."""
    painter, video = (
        given or shipped
        for given, shipped in zip((arguments.painter, arguments.video), video_presets(kind), strict=True)
    )
    oracle = tp.Oracle.from_preset(oracle_of(painter))
    painter = tp.LatentDiffusion.from_preset(painter)
    video = tp.VideoDiffusion.from_preset(video, painter)
    source = MotionWorld("test", image_size=128, count=arguments.clips, frames=arguments.frames, kinds=[kind])
    seconds, clips = [], {name: [] for name in ("world", "video", "between prompts")}
    for clip in range(source.count):
        first, last = source.ends(clip)
        clips["world"].append(source.motion(clip).frames(arguments.frames, 128))
        start = time.perf_counter()
        clips["video"].append(video.generate(first, last, motion=kind, frames=arguments.frames, seeds=clip)[0])
        seconds.append(time.perf_counter() - start)
        clips["between prompts"].append(tp.tasks.animate(painter, [first, last], frames=arguments.frames, seeds=clip))
    lasts = [source.motion(clip).last for clip in range(source.count)]
    rows = {name: measured(kind, np.stack(made), oracle, lasts) for name, made in clips.items()}
    closed = rows["world"].get("closed")
    for name, row in rows.items():
        if closed:
            row["closed"] /= closed
        values = "  ".join(f"{key} {value:.2f}" for key, value in row.items())
        print(f"{kind:10}{name:17}{values}", flush=True)
    print(f"{kind:10}{np.median(seconds[1:]):.2f} s for a clip of {arguments.frames} frames, warm", flush=True)
    return {f"{kind}: {name}": made[0] for name, made in clips.items()}


if __name__ == "__main__":
    main()
