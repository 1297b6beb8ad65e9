"""Clips of the video model beside clips between prompts and the world's own motions.

    python tests/benchmarks/bench_video.py --video motion_128 [--clips 16] [--frames 8]

For each motion of portraits: "reached", how often the oracle reads in the last frame what the motion leads to; "kept",
the share of the other attributes that it reads in every frame as in the first; "change", the mean absolute difference
of two frames in a row, in grey levels, and "worst", the largest of them over the mean; of a blink instead "closed", how
much the eyes change in the middle of the clip, where the world's own blink counts as 1. The time is that of one clip.
"""

import argparse
import time

import numpy as np

import tfportrait as tp
from tfportrait.data.motions import MotionWorld
from tfportrait.world import motion

TARGET = {"smile": "expression", "turn": "pose"}
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
    parser.add_argument("--painter", default="portrait_128")
    parser.add_argument("--video", default="motion_128")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--frames", type=int, default=8)
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter = tp.LatentDiffusion.from_preset(arguments.painter)
    video = tp.VideoDiffusion.from_preset(arguments.video, painter)
    oracle = tp.Oracle.from_preset("oracle_128")
    source = MotionWorld("test", image_size=128, count=8 * arguments.clips, frames=arguments.frames)
    seconds = []
    for kind in ("smile", "turn", "blink"):
        chosen = [clip for clip in range(source.count) if source.motion(clip).kind == kind][: arguments.clips]
        ends = [source.ends(clip) for clip in chosen]
        clips = {name: [] for name in ("world", "video", "between prompts")}
        for clip, (first, last) in zip(chosen, ends, strict=True):
            clips["world"].append(source.motion(clip).frames(arguments.frames, 128))
            start = time.perf_counter()
            clips["video"].append(video.generate(first, last, motion=kind, frames=arguments.frames, seeds=clip)[0])
            seconds.append(time.perf_counter() - start)
            between = tp.tasks.animate(painter, [first, last], frames=arguments.frames, seeds=clip)
            clips["between prompts"].append(between)
        lasts = [source.motion(clip).last for clip in chosen]
        rows = {name: measured(kind, np.stack(made), oracle, lasts) for name, made in clips.items()}
        blink = rows["world"].get("closed")
        for name, row in rows.items():
            if "closed" in row:
                row["closed"] /= blink
            values = "  ".join(f"{key} {value:.2f}" for key, value in row.items())
            print(f"{kind:7}{name:17}{values}", flush=True)
    print(f"{np.median(seconds[1:]):.2f} s for a clip of {arguments.frames} frames, warm; {len(motion.KINDS)} motions")


if __name__ == "__main__":
    main()
