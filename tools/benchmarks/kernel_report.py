#!/usr/bin/env python3
"""Writes the figures of tools/benchmarks/kernels into a Markdown document and a chart.

    tools/benchmarks/kernel_report.py FIGURES.csv DOCUMENT.md CHART.svg

The document has a section between `<!-- figures ISA -->` and `<!-- end -->` for each instruction set, which is replaced;
a new one is added at the end. The chart shows the instruction set of the figures.
"""

import csv
import platform
import re
import sys
from collections import defaultdict
from pathlib import Path

PLANES = (1, 2, 3, 4)
COLOURS = ("#4477aa", "#66ccee", "#228833", "#ccbb44")


def read(path):
    lines = Path(path).read_text().splitlines()
    names = dict(line.split(",") for line in lines[:2])
    figures = {}
    for row in csv.DictReader(lines[2:]):
        place = (row["mode"], int(row["rows"]), int(row["inputs"]), int(row["columns"]))
        figures[place + (row["contestant"], int(row["planes"]))] = (float(row["microseconds"]), float(row["error"]))
    return names["isa"], names["int8"], figures


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def places(figures, mode):
    return list(dict.fromkeys(key[:4] for key in figures if key[0] == mode))


def table(figures, mode, precision):
    lines = [
        "| outputs × inputs | columns | OpenBLAS µs | int8 µs | oneDNN int8 µs | "
        + " | ".join(f"{planes} bit{'s' * (planes > 1)}" for planes in PLANES)
        + " |",
        "|---|---|---|---|---|" + "---|" * len(PLANES),
    ]
    for place in places(figures, mode):
        blas, int8, onednn = (figures[place + (name, 0)][0] for name in ("OpenBLAS", "int8", "int8 oneDNN"))
        cells = []
        for planes in PLANES:
            time = figures[place + (f"sotto {precision}", planes)][0]
            cells.append(f"{time:.1f} ({blas / time:.1f}, {int8 / time:.2f})")
        _, rows, inputs, columns = place
        lines.append(
            f"| {rows} × {inputs} | {columns} | {blas:.1f} | {int8:.1f} | {onednn:.1f} | " + " | ".join(cells) + " |"
        )
    return "\n".join(lines)


def errors(figures):
    worst = defaultdict(float)
    for key, (_, error) in figures.items():
        worst[key[4:]] = max(worst[key[4:]], error)
    lines = ["| | 1 bit | 2 bits | 3 bits | 4 bits |", "|---|---|---|---|---|"]
    for precision in ("fast", "accurate"):
        cells = " | ".join(f"{worst[(f'sotto {precision}', planes)]:.1e}" for planes in PLANES)
        lines.append(f"| {precision} | {cells} |")
    lines.append(f"| int8, oneDNN int8 | {worst[('int8', 0)]:.1e} | {worst[('int8 oneDNN', 0)]:.1e} | | |")
    return "\n".join(lines)


# Figures to reach: what, mode, columns, planes, against whom, and the least ratio wanted with AVX-512 and AVX2.
GOALS = (
    ("1 column, 3 bits", "hot", 1, (3,), "OpenBLAS", 8, 3),
    ("1 column, 3 bits", "model", 1, (3,), "OpenBLAS", 14, 9),
    ("1 column, 2 bits", "hot", 1, (2,), "OpenBLAS", 11, 4),
    ("1 column, 3 bits", "hot", 1, (3,), "int8", 1.3, 0.8),
    ("1 column, 3 bits", "model", 1, (3,), "int8", 2.8, 1.6),
    ("8 columns, 3 bits", "hot", 8, (3,), "OpenBLAS", 9, 3),
    ("64 columns, 1 to 3 bits", "hot", 64, (1, 2, 3), "OpenBLAS", 4, 1.8),
)


def goals(isa, figures):
    """What was to be reached, and the least and the middle ratio over the shapes (fast)."""
    is_wide = isa.startswith("avx512")
    lines = ["| | wanted | least | median | shapes below |", "|---|---|---|---|---|"]
    for what, mode, columns, planes, rival, wide, narrow in GOALS:
        wanted = wide if is_wide else narrow
        ratios = {}
        for place in places(figures, mode):
            if place[3] == columns:
                for count in planes:
                    ratio = figures[place + (rival, 0)][0] / figures[place + ("sotto fast", count)][0]
                    ratios[f"{place[1]} × {place[2]}" + (f", {count} bits" if len(planes) > 1 else "")] = ratio
        below = [name for name, ratio in ratios.items() if ratio < wanted]
        values = sorted(ratios.values())
        setting = "the same matrix" if mode == "hot" else "cycling"
        lines.append(
            f"| {what}, {setting}, against {rival} | {wanted} | {values[0]:.2f} | {values[len(values) // 2]:.2f} | "
            f"{'; '.join(below) or 'none'} |"
        )
    return "\n".join(lines)


def section(isa, int8, figures):
    parts = [
        f"Measured with `{isa}` on {processor()}, one thread, medians of interleaved rounds, look-up tables and the "
        f"conversion of the columns included. The 8-bit product written by hand is for `{int8}`. In brackets: how many "
        "times as fast as OpenBLAS's FP32, and as the 8-bit product by hand."
    ]
    if isa.startswith("avx"):
        parts.append(f"**What was to be reached** (times as fast)\n\n{goals(isa, figures)}")
    for mode, title in (("hot", "The same matrix again and again"), ("model", "Cycling through 40 million weights")):
        for precision in ("fast", "accurate"):
            parts.append(f"**{title}, {precision}**\n\n{table(figures, mode, precision)}")
    parts.append(f"**Largest relative error, Gaussian columns** (last line: by hand, then oneDNN)\n\n{errors(figures)}")
    return "\n\n".join(parts)


def chart(isa, figures):
    """Bars: times as fast as OpenBLAS, by shape and columns, one colour a number of bits."""
    shown = [place for place in places(figures, "model") if place[3] in (1, 8, 64)]
    bar, gap, left, top, height = 9, 14, 44, 52, 240
    width = left + len(shown) * (len(PLANES) * bar + gap) + 20
    speeds = {
        (place, planes): figures[place + ("OpenBLAS", 0)][0] / figures[place + ("sotto fast", planes)][0]
        for place in shown
        for planes in PLANES
    }
    most = max(speeds.values()) * 1.05
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top + height + 64}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="18" font-size="14">Products with binary-coded weights ({isa}, fast): times as fast as '
        "OpenBLAS FP32</text>",
    ]
    for index, planes in enumerate(PLANES):
        x = left + index * 70
        out.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{COLOURS[index]}"/>')
        out.append(f'<text x="{x + 14}" y="37">{planes} bit{"s" * (planes > 1)}</text>')
    step = max(round(most / 6), 1)
    for value in range(0, int(most) + 1, step):
        y = top + height * (1 - value / most)
        out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 10}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value}</text>')
    for number, place in enumerate(shown):
        x = left + gap / 2 + number * (len(PLANES) * bar + gap)
        for index, planes in enumerate(PLANES):
            size = height * speeds[place, planes] / most
            out.append(
                f'<rect x="{x + index * bar:.1f}" y="{top + height - size:.1f}" width="{bar - 1}" '
                f'height="{size:.1f}" fill="{COLOURS[index]}"/>'
            )
        middle = x + len(PLANES) * bar / 2
        out.append(f'<text x="{middle:.1f}" y="{top + height + 14}" text-anchor="middle">{place[3]}</text>')
        if place[3] == 8:
            out.append(
                f'<text x="{middle:.1f}" y="{top + height + 30}" text-anchor="middle">{place[1]} × {place[2]}</text>'
            )
    y = top + height * (1 - 1 / most)
    out.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 10}" y2="{y:.1f}" stroke="black" stroke-dasharray="4 3"/>')
    out.append(
        f'<text x="{left}" y="{top + height + 50}">columns, and outputs × inputs below; cycling through 40 million '
        "weights</text>"
    )
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    isa, int8, figures = read(sys.argv[1])
    document = Path(sys.argv[2])
    text = document.read_text(encoding="utf-8") if document.exists() else "# Kernels\n"
    begin, end = f"<!-- figures {isa} -->", "<!-- end -->"
    block = f"{begin}\n{section(isa, int8, figures)}\n{end}"
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: block, text)
    else:
        text = text.rstrip() + f"\n\n### {isa}\n\n{block}\n"
    document.write_text(text, encoding="utf-8")
    Path(sys.argv[3]).write_text(chart(isa, figures), encoding="utf-8")


if __name__ == "__main__":
    main()
