#!/usr/bin/env python3
"""Draws the curves of a run over hours of computing: of stream_ctc.py, stream_rnnt.py and stream_mocha.py loss and error rates on real speech, of
quantize_aware.py the three distances from the float model. Of match_layers.py how far each matrix is from what is wanted, and the training at the end.

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


def draw_distances(entries, hours):
    figure, axes = pyplot.subplots(figsize=(6, 4))
    axes.plot(hours, [entry["kl"] for entry in entries], label="distributions: KL, nats a token")
    axes.plot(hours, [entry["decoder"] for entry in entries], label="decoder states, relative, squared")
    axes.plot(hours, [entry["encoder"] for entry in entries], label="encoder states, relative, squared")
    axes.set(title="Distance from the float model (synthetic speech)", xlabel="hours of training", yscale="log")
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def draw_errors(entries, hours):
    figure, (rates, losses) = pyplot.subplots(1, 2, figsize=(10, 4))
    for name, label in NAMES.items():
        points = [(h, e["error_rates"][name][0]) for h, e in zip(hours, entries) if name in e["error_rates"]]
        if points:
            rates.plot(*zip(*points), marker="o", label=label)
    rates.set(title="Real speech, greedy, no language model", xlabel="hours of training", ylabel="word error rate, %")
    rates.set_ylim(bottom=0)
    rates.legend()
    name = "CTC" if "ctc" in entries[0] else entries[-1].get("family", "decoder")
    loss = [(h, e.get("ctc", e.get("loss"))) for h, e in zip(hours, entries)]
    points = [(h, value) for h, value in loss if value is not None]
    losses.plot(*zip(*points), marker="o", label=f"{name}, nats a piece (synthetic speech)")
    joint = [(h, e["distance"]) for h, e in zip(hours, entries) if e.get("stage") == "joint"]
    if joint:
        losses.plot(*zip(*joint), marker="o", label="squared distance from full-context states")
    losses.set(title="Training loss", xlabel="hours of training")
    losses.set_ylim(bottom=0)
    losses.legend()
    for axes in (rates, losses):
        axes.grid(alpha=0.3)
        axes.axvline(max([h for h, e in zip(hours, entries) if e.get("stage") == "head"], default=0), color="grey", lw=0.8)
    return figure


def draw_matching(entries):
    figure, (matrices, training) = pyplot.subplots(1, 2, figsize=(10, 4), width_ratios=(3, 2))
    # A run that went on has some of the last lines twice; the last ones count.
    coded = {entry["matrix"]: entry for entry in entries if "matrix" in entry}
    steps = {entry["step"]: entry["divergence"] for entry in entries if "step" in entry}
    for key, label in (("moved", "moved, to make good what was lost before"), ("coded", "lost by its codes")):
        matrices.plot([entry[key] for entry in coded.values()], marker=".", label=label)
    first = sum(name.startswith("encoder.") for name in coded)
    matrices.axvline(first - 0.5, color="grey", lw=0.8)
    matrices.set(title="Each product, relative error", xlabel="matrices: encoder, decoder", yscale="log")
    matrices.legend(fontsize=8)
    training.plot(list(steps), list(steps.values()), marker="o")
    training.set(title="Norms and biases: divergence", xlabel="steps", ylabel="nats a token, synthetic speech")
    training.set_ylim(bottom=0)
    for axes in (matrices, training):
        axes.grid(alpha=0.3)
    return figure


def main():
    parser = argparse.ArgumentParser(description="Draws the curves of a run.")
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    arguments = parser.parse_args()
    entries = [json.loads(line) for line in (arguments.run / "log.jsonl").read_text().splitlines()]
    if any("matrix" in entry for entry in entries):
        figure = draw_matching(entries)
    else:
        hours = [entry["seconds"] / 3600 for entry in entries]
        figure = (draw_distances if "kl" in entries[0] else draw_errors)(entries, hours)
    figure.tight_layout()
    figure.savefig(arguments.output, metadata={"Date": None})


if __name__ == "__main__":
    main()
