"""The plot of latencies over time, as SVG without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence

from orders_pipeline.bench.chain import percentile

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 320, 50, 20, 30, 40
PERCENTS = ((50, "#2b8a3e"), (95, "#e67700"), (99, "#c92a2a"))
BUCKETS = 60
"""Points of a line at most: a minute each in a plot of an hour."""


def latency_svg(points: Sequence[tuple[float, float]], title: str) -> str:
    """``points``: (seconds since the start, latency in seconds). One line a percentile, over buckets of time, dots beneath."""
    end = max(at for at, _ in points)
    top = max(latency for _, latency in points) * 1.05
    width = max(end / BUCKETS, 1.0)

    def place(at: float, latency: float) -> str:
        x = LEFT + at / end * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - latency / top * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"

    buckets: dict[int, list[float]] = {}
    for at, latency in points:
        buckets.setdefault(int(at / width), []).append(latency)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/><text x="{LEFT}" y="18">{title}</text>',
    ]
    for step in range(5):
        latency = top * step / 4
        _, y = place(0, latency).split(",")
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y}" text-anchor="end">{latency:.1f} s</text>')
        x, _ = place(end * step / 4, 0).split(",")
        parts.append(
            f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{end * step / 4 / 60:.1f} min</text>'
        )
    for at, latency in points:
        x, y = place(at, latency).split(",")
        parts.append(f'<circle cx="{x}" cy="{y}" r="1.2" fill="#adb5bd"/>')
    for place_of, (percent, colour) in enumerate(PERCENTS):
        line = " ".join(
            place(min((bucket + 0.5) * width, end), percentile(latencies, percent))
            for bucket, latencies in sorted(buckets.items())
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - RIGHT - 150 + 50 * place_of}" y="18" fill="{colour}">p{percent}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
