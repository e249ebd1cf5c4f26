#!/usr/bin/env python3
"""Draws the curves of a run: loss, and error rates on real speech, over hours of computing.

    python tools/train/curves.py RUN OUTPUT.svg
"""

import argparse
import json
import pathlib

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "sotto"  # the same log gives the same file
from matplotlib import pyplot  # noqa: E402

NAMES = {"320": "chunks of 320 ms", "640": "640 ms", "1280": "1280 ms", "full": "full context"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    entries = [json.loads(line) for line in (arguments.run / "log.jsonl").read_text().splitlines()]
    hours = [entry["seconds"] / 3600 for entry in entries]
    figure, (rates, losses) = pyplot.subplots(1, 2, figsize=(10, 4))
    for name, label in NAMES.items():
        points = [(h, e["error_rates"][name][0]) for h, e in zip(hours, entries) if name in e["error_rates"]]
        if points:
            rates.plot(*zip(*points), marker="o", label=label)
    rates.set(title="Real speech, greedy, no language model", xlabel="hours of training", ylabel="word error rate, %")
    rates.set_ylim(bottom=0)
    rates.legend()
    losses.plot(hours, [entry["ctc"] for entry in entries], marker="o", label="CTC, nats a piece (synthetic speech)")
    joint = [(h, e["distance"]) for h, e in zip(hours, entries) if e["stage"] == "joint"]
    if joint:
        losses.plot(*zip(*joint), marker="o", label="squared distance from full-context states")
    losses.set(title="Training loss", xlabel="hours of training")
    losses.set_ylim(bottom=0)
    losses.legend()
    for axes in (rates, losses):
        axes.grid(alpha=0.3)
        axes.axvline(max([h for h, e in zip(hours, entries) if e["stage"] == "head"], default=0), color="grey", lw=0.8)
    figure.tight_layout()
    figure.savefig(arguments.output, metadata={"Date": None})


if __name__ == "__main__":
    main()
