"""Smooth paths through points, as SVG path data. The canvas is 256 units wide and high."""

import math
from functools import lru_cache

Points = list[tuple[float, float]]


def path(points: Points, closed: bool = True) -> str:
    """Catmull-Rom curve through `points` as cubic Béziers; a point given twice in a row is a corner."""
    count = len(points)
    if count == 2:
        (x0, y0), (x1, y1) = points
        return f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"
    around = [points[-1], *points, *points[:2]] if closed else [points[0], *points, points[-1]]
    numbers: list[float] = []
    for (x0, y0), (x1, y1), (x2, y2), (x3, y3) in zip(around, around[1:], around[2:], around[3:], strict=False):
        if x1 != x2 or y1 != y2:
            numbers += (x1 + (x2 - x0) / 6, y1 + (y2 - y0) / 6, x2 - (x3 - x1) / 6, y2 - (y3 - y1) / 6, x2, y2)
    # All numbers at once: formatting is most of the time that a drawing spends in Python.
    curves = "C%.1f %.1f %.1f %.1f %.1f %.1f" * (len(numbers) // 6) % tuple(numbers)
    return f"M{points[0][0]:.1f} {points[0][1]:.1f}{curves}{'Z' if closed else ''}"


def paths(curves: list[Points]) -> str:
    """Several open curves as one path."""
    return "".join(path(points, closed=False) for points in curves)


def polygon(points: Points) -> str:
    """Straight-edged closed path."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def corners(points: Points) -> Points:
    """Every point twice, which makes `path` straight-edged."""
    return [point for point in points for _ in range(2)]


def ellipse(x: float, y: float, rx: float, ry: float, count: int = 10, angle: float = 0.0) -> Points:
    """Points on an ellipse turned by `angle` (radians)."""
    cosine, sine = math.cos(angle), math.sin(angle)
    points = []
    for c, d in _circle(count):
        u, v = rx * c, ry * d
        points.append((x + u * cosine - v * sine, y + u * sine + v * cosine))
    return points


@lru_cache
def _circle(count: int) -> Points:
    turns = [2 * math.pi * index / count for index in range(count)]
    return [(math.cos(turn), math.sin(turn)) for turn in turns]


def stroke_outline(points: Points, width: float, start: float = 0.15, end: float = 0.1) -> Points:
    """Outline of a brush stroke along `points`: `width` in the middle, `start` and `end` times that at the tips."""
    dense = resample(points, max(5, min(12, len(points) * 2 - 1)))
    left, right = [], []
    count = len(dense) - 1
    for index, (x, y) in enumerate(dense):
        x0, y0 = dense[max(index - 1, 0)]
        x1, y1 = dense[min(index + 1, count)]
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        along = index / count
        tip = start + (end - start) * along
        half = 0.5 * width * (tip + (1 - tip) * math.sin(math.pi * min(max(along, 0.02), 0.98)) ** 0.7)
        nx, ny = -(y1 - y0) / length * half, (x1 - x0) / length * half
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + right[::-1]


def resample(points: Points, count: int) -> Points:
    """`count` points on the Catmull-Rom curve through `points`, both ends included."""
    last = len(points) - 1
    around = [points[0], *points, points[-1]]
    dense = []
    for step in range(count):
        position = step / (count - 1) * last
        index = min(int(position), last - 1)
        t = position - index
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = around[index : index + 4]
        dense.append(
            (
                0.5
                * (
                    2 * x1
                    + (x2 - x0) * t
                    + (2 * x0 - 5 * x1 + 4 * x2 - x3) * t * t
                    + (3 * x1 - x0 - 3 * x2 + x3) * t**3
                ),
                0.5
                * (
                    2 * y1
                    + (y2 - y0) * t
                    + (2 * y0 - 5 * y1 + 4 * y2 - y3) * t * t
                    + (3 * y1 - y0 - 3 * y2 + y3) * t**3
                ),
            )
        )
    return dense


def wobbled(points: Points, amount: float, phase: float) -> Points:
    """`points` displaced by a smooth field of about `amount` units: an unsteady hand."""
    return [
        (
            x + amount * (math.sin(0.071 * y + 0.047 * x + phase) + 0.6 * math.sin(0.19 * y - 0.13 * x + 2 * phase)),
            y + amount * (math.sin(0.067 * x - 0.053 * y + 1.7 * phase) + 0.6 * math.sin(0.17 * x + 0.15 * y + phase)),
        )
        for x, y in points
    ]


def hatching(outline: Points, gap: float, hole: tuple[float, float, float] | None = None) -> list[tuple[float, ...]]:
    """Strokes at 45 degrees inside a closed outline, (x0, y0, x1, y1) each, left out inside the circle `hole`."""
    sums = [x + y for x, y in outline]
    first = math.ceil(min(sums) / gap)
    crossings: dict[int, list[float]] = {}
    x0, s0 = outline[-1][0], sums[-1]
    for (x1, _), s1 in zip(outline, sums, strict=True):
        low, high = (s0, s1) if s0 < s1 else (s1, s0)
        for number in range(max(first, math.ceil(low / gap)), math.ceil(high / gap)):
            crossings.setdefault(number, []).append(x0 + (x1 - x0) * (number * gap - s0) / (s1 - s0))
        x0, s0 = x1, s1
    strokes = []
    for number, xs in crossings.items():
        xs.sort()
        for left, right in zip(xs[::2], xs[1::2], strict=False):
            for start, end in _outside(left + 1.5, right - 1.5, number * gap, hole):
                if end - start > 2.5:
                    strokes.append((start, number * gap - start, end, number * gap - end))
    return strokes


def _outside(left: float, right: float, level: float, hole) -> list[tuple[float, float]]:
    """Parts of the x-range [left, right] on the line x + y = level that lie outside the circle."""
    if hole is None:
        return [(left, right)]
    cx, cy, radius = hole
    middle = 0.5 * (cx + level - cy)
    reach = 0.5 * radius * radius - (middle - cx) ** 2
    if reach <= 0:
        return [(left, right)]
    reach = math.sqrt(reach)
    return [(left, min(right, middle - reach)), (max(left, middle + reach), right)]
