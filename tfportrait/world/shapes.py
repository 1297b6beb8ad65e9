"""Smooth paths through points, as SVG path data. The canvas is 256 units wide and high."""

import math

Points = list[tuple[float, float]]


def path(points: Points, closed: bool = True) -> str:
    """Catmull-Rom curve through `points` as cubic Béziers; a point given twice in a row is a corner."""
    count = len(points)
    if count == 2:
        (x0, y0), (x1, y1) = points
        return f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    last = count - 1
    for index in range(count if closed else last):
        x1, y1 = points[index]
        following = index + 1
        x2, y2 = points[following - count if following >= count else following]
        if x1 == x2 and y1 == y2:
            continue
        x0, y0 = points[index - 1] if index or closed else points[0]
        after = index + 2
        x3, y3 = points[after - count] if after >= count and closed else points[min(after, last)]
        parts.append(  # the % operator is a quarter faster than an f-string here, and this is the innermost loop
            "C%.1f %.1f %.1f %.1f %.1f %.1f"  # noqa: UP031
            % (x1 + (x2 - x0) / 6, y1 + (y2 - y0) / 6, x2 - (x3 - x1) / 6, y2 - (y3 - y1) / 6, x2, y2)
        )
    return "".join(parts) + ("Z" if closed else "")


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
    for index in range(count):
        turn = 2 * math.pi * index / count
        u, v = rx * math.cos(turn), ry * math.sin(turn)
        points.append((x + u * cosine - v * sine, y + u * sine + v * cosine))
    return points


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
    dense = []
    for step in range(count):
        position = step / (count - 1) * last
        index = min(int(position), last - 1)
        t = position - index
        p0, p1, p2, p3 = (points[min(max(index + k, 0), last)] for k in (-1, 0, 1, 2))
        dense.append(
            tuple(
                0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
                for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
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
