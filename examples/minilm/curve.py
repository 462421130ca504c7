# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A picture of curves over the heads that are kept, as SVG: no more than lines and words."""

WIDTH, HEIGHT = 360, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 34, 40
COLOURS = ["#0b61a4", "#c2571a"]


class Panel:
    """One diagram; `series` is a list of (name, {heads kept: number})."""

    def __init__(self, title, series, x0):
        self.title, self.series, self.x0 = title, series, x0
        heads = [kept for _, points in series for kept in points]
        self.least, self.most = min(heads), max(heads)
        self.top = max(number for _, points in series for number in points.values()) or 1

    def x(self, kept):
        share = (self.most - kept) / max(self.most - self.least, 1)
        return self.x0 + LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, number):
        return HEIGHT - BOTTOM - number / self.top * (HEIGHT - TOP - BOTTOM)

    def draw(self):
        yield text(self.x0 + LEFT, 16, self.title, "start", "bold")
        for i in range(5):
            number = self.top * i / 4
            y = self.y(number)
            yield (
                f'<line x1="{self.x0 + LEFT}" y1="{y:.1f}" x2="{self.x0 + WIDTH - RIGHT}" '
                f'y2="{y:.1f}" stroke="#ddd"/>'
            )
            yield text(self.x0 + LEFT - 6, y + 4, f"{number:.3g}", "end")
        for kept in sorted(self.series[0][1]):
            yield text(self.x(kept), HEIGHT - BOTTOM + 16, str(kept), "middle")
        yield text(self.x0 + (LEFT + WIDTH) / 2, HEIGHT - 8, "heads kept", "middle")
        for (name, points), colour in zip(self.series, COLOURS, strict=False):
            yield from self.line(name, points, colour)

    def line(self, name, points, colour):
        places = [(self.x(kept), self.y(points[kept])) for kept in sorted(points, reverse=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
        if len(self.series) > 1:
            row = [entry for entry, _ in self.series].index(name)
            yield text(self.x0 + LEFT + 10, TOP + 12 + 16 * row, name, "start", "bold", colour)


def text(x, y, words, anchor, weight="normal", colour="#333"):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{colour}">{words}</text>'
    )


def picture(panels):
    """The SVG of (title, series) pairs, side by side."""
    drawn = [
        line
        for i, (title, series) in enumerate(panels)
        for line in Panel(title, series, i * WIDTH).draw()
    ]
    width = WIDTH * len(panels)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" '
            f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>',
            *drawn,
            "</svg>",
            "",
        ]
    )
