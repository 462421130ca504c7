# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From measured rows to numbers, tables and pictures."""

import pathlib
import statistics

OURS, LIMIT = "attn-mlir", "limit"


def ratio(row, above, below):
    """The median over the rounds of seconds(above) / seconds(below); None where one lacks."""
    a, b = (row["contenders"].get(name, {}).get("seconds") for name in (above, below))
    return statistics.median(x / y for x, y in zip(a, b, strict=True)) if a and b else None


def best_peer(row):
    times = {
        name: statistics.median(entry["seconds"])
        for name, entry in row["contenders"].items()
        if entry.get("seconds") and name not in (OURS, LIMIT)
    }
    return min(times, key=times.get) if times else None


def summary(row):
    """What the table shows: seconds, share of the peak, x, best peer, of_limit, of_read."""
    ours = row["contenders"].get(OURS, {}).get("seconds")
    seconds = statistics.median(ours) if ours else None
    peer = best_peer(row)
    reads = row["read_seconds"]
    return {
        "seconds": seconds,
        "share": row["flops"] / seconds / row["peak"] if seconds and row["peak"] else None,
        "peer": peer,
        "x": ratio(row, peer, OURS) if peer else None,
        "of_limit": ratio(row, LIMIT, OURS),
        "of_read": statistics.median(r / s for r, s in zip(reads, ours, strict=True))
        if ours and reads
        else None,
    }


def with_bar(value, bar):
    """`1.30`, `1.30 (>= 1.25)`, or in bold where it falls short of its bar."""
    if value is None:
        return "-"
    if bar is None:
        return f"{value:.2f}"
    return f"{value:.2f} (>= {bar})" if value >= bar else f"**{value:.2f}** (>= {bar})"


def milliseconds(seconds):
    return "-" if seconds is None else f"{seconds * 1e3:.3g}"


def table(results, cases):
    """Markdown: one row per case, and below it who could not run what, and why."""
    bars = {case.name: case for case in cases}
    column = 1 if results["machine"]["lanes"] == 16 else 0
    single = results["options"]["threads"] == 1
    kind = type(cases[0])
    heads = [kind.heading, "ms", "share of peak", "x, best peer / ours", "best peer"]
    heads += ["ours / limit", "of plain read"] if kind.has_limit else []
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    reasons = {}
    for row in results["rows"]:
        case, s = bars.get(row["case"]), summary(row)
        over = case.over_peers[column] if case and case.over_peers and single else None
        cells = [row["label"], milliseconds(s["seconds"])]
        cells += ["-" if s["share"] is None else f"{s['share']:.2f}"]
        cells += [with_bar(s["x"], over), s["peer"] or "-"]
        if kind.has_limit:
            cells += [with_bar(s["of_limit"], case.of_limit if case and single else None)]
            cells += [with_bar(s["of_read"], case.of_read if case and single else None)]
        lines.append("| " + " | ".join(cells) + " |")
        for name, entry in row["contenders"].items():
            if "lacks" in entry:
                reasons.setdefault((name, entry["lacks"]), []).append(row["label"])
    for (name, reason), labels in reasons.items():
        where = "everywhere" if len(labels) == len(results["rows"]) else "; ".join(labels)
        lines += [] if lines[-1].startswith("* ") else [""]
        lines.append(f"* {name}: {reason} ({where})")
    return "\n".join(lines) + "\n"


def into_page(page, text, command):
    """Puts the table between the two marks that the command has in a page of the documentation."""
    begin, end = (f"<!-- {command}: its table {word} here -->" for word in ("begins", "ends"))
    path = pathlib.Path(page)
    old = path.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        raise ValueError(f"{page}: expected the lines {begin!r} and {end!r}, once each, in order")
    head, rest = old.split(begin)
    path.write_text(f"{head}{begin}\n{text}{end}{rest.split(end)[1]}", encoding="utf-8")


def pictures(results, folder):
    """roofline.png and peers.png; returns their paths, none without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [(row, summary(row)) for row in results["rows"]]
    return [
        draw(pyplot, folder / "roofline.png", lambda axes: roofline(axes, results, rows)),
        draw(pyplot, folder / "peers.png", lambda axes: peers_over_length(axes, results, rows)),
    ]


def draw(pyplot, path, fill):
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    fill(axes)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path


def roofline(axes, results, rows):
    """GFLOP/s over FLOP per byte that must move, below the peak and the rate of plain reads."""
    peaks = [row["peak"] for row, _ in rows if row["peak"]]
    reads = [row["bytes"] / min(row["read_seconds"]) for row, _ in rows if row["read_seconds"]]
    if peaks:
        axes.axhline(max(peaks) / 1e9, color="black", label="multiply-add peak")
    if peaks and reads:
        intensity = [0.25, max(peaks) / min(reads)]
        axes.plot(intensity, [i * min(reads) / 1e9 for i in intensity], "k--", label="plain reads")
    for name, mark in ((LIMIT, "_"), (OURS, "o")):
        points = [
            (row["flops"] / row["bytes"], row["flops"] / statistics.median(entry["seconds"]) / 1e9)
            for row, _ in rows
            if (entry := row["contenders"].get(name)) and entry.get("seconds")
        ]
        if points:
            axes.plot(*zip(*points, strict=True), mark, label=name)
            axes.set(xscale="log", yscale="log")
    axes.set(xlabel="FLOP per byte", ylabel="GFLOP/s")
    axes.set_title(results["machine"]["cpu"])


def peers_over_length(axes, results, rows):
    """x over the number of keys, full and causal, lengths equal."""
    for title, causal in (("full", False), ("causal", True)):
        points = sorted(
            (row["keys"], s["x"])
            for row, s in rows
            if s["x"] and row["self"] and row["causal"] == causal
        )
        if points:
            axes.plot(*zip(*points, strict=True), "o", label=title)
            axes.set(xscale="log")
    axes.axhline(1, color="black", label="the best peer")
    axes.set(xlabel="S", ylabel="time of the best peer / ours")
    axes.set_title(results["machine"]["cpu"])
