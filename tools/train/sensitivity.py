#!/usr/bin/env python3
"""How much an attention model minds fewer planes in each of its parts, and the recipe that fits a size.

    python tools/train/sensitivity.py --model FLOAT_MODEL --tokenizer tokenizer.json --coded FILE... --counts COUNTS
        [--megabytes 16] [--decoder 0.6] CORPUS TABLE RECIPE

The coded files are the same model with the same planes everywhere, as `sotto quantize` makes them (tools/benchmarks/compression.py).
One part after another is taken from one of them, all others being floats; what is measured is the Kullback-Leibler divergence of
the decoder's distributions on some minutes of the corpus (arXiv 2009.07453, section 3, with this in place of BLEU), a token of text: times are left out. The parts are the attentions and
products of each layer, and classes of the embedding's rows by COUNTS (token_counts.py), with RESTORATION. TABLE (JSON) keeps what is measured, and is
gone on from. Planes that no file has are reckoned from the nearest that one has, as the squared error of normally distributed weights
falls (Max, "Quantizing for minimum distortion", 1960, table I). Then planes are given to where they lessen the sum of divergences most for their bytes, until RECIPE, for `sotto quantize`
or match_layers.py, reaches the size. What the decoder's layers lose may count less (--decoder), for match_layers.py makes part of it good.
"""

import argparse
import copy
import json
import pathlib

import numpy as np
import torch
from torch.nn import functional

from quantize_aware import row_classes, take_codes
from sotto_train.whisper import load_whisper
from sotto_train.whisper_data import Shards, Tokens

EMBEDDING = "decoder.embedding.weight"
KINDS = ("self_attention", "cross_attention", "feed_forward.up", "feed_forward.down")
DAMPING = 0.1  # of the decoder's layers: they see few tokens beside the encoder's frames
RESTORATION = 0.8  # of the embedding's rows
# Rows of the embedding's classes after the special tokens, the most frequent first; the last class has all others.
CLASSES = (100, 200, 400, 800, 1000, 1000, 1500, 2000, 2500, 2500, 4000, 4000, 6000)
HEADER = 45_000  # bytes of the file's header
SMALL = 6  # planes of convolutions and decoder positions
# Squared errors of normally distributed numbers in 2^planes levels, those of 6 to 8 as they go on falling.
DISTORTION = {2: 0.1175, 3: 0.03454, 4: 0.009497, 5: 0.002499, 6: 0.00066, 7: 0.000175, 8: 0.000046}


class Part:
    """Tensors, or rows of the embedding, that get planes together."""

    def __init__(self, key, names, rows=None):
        self.key, self.names, self.rows = key, names, rows

    def take(self, model, other):
        """Values of another model of the same shape."""
        mine, theirs = dict(model.named_parameters()), dict(other.named_parameters())
        for name in self.names:
            rows = slice(None) if self.rows is None else self.rows
            mine[name].data[rows] = theirs[name].data[rows]

    def bytes(self, model, planes):
        total = 0
        for name in self.names:
            rows, inputs = dict(model.named_parameters())[name].shape
            total += planes * (rows if self.rows is None else len(self.rows)) * (inputs / 8 + 2)
        return total


def parts_of(model, classes):
    """All parts; `classes`: the embedding's rows, the most frequent first."""
    found = [Part(f"embedding {index}", [EMBEDDING], rows) for index, rows in enumerate(classes)]
    names = [name for name, parameter in model.named_parameters() if parameter.dim() == 2]
    layers = sorted({name.split(".layers.")[0] + ".layers." + name.split(".")[2] for name in names if ".layers." in name})
    for layer in layers:
        for kind in KINDS:
            if own := [name for name in names if name.startswith(f"{layer}.{kind}.")]:
                found.append(Part(f"{layer}.{kind}", own))
    return found


class Listening:
    """What the float model makes of some batches, to be compared with."""

    def __init__(self, teacher, batches):
        self.heard, times = [], teacher.configuration["vocabulary"]["firstTimestamp"]
        with torch.no_grad():
            for mel, lengths, tokens, counts in batches:
                states, bias = teacher.encoder(mel, lengths)
                inside = torch.arange(tokens.shape[1])[None] < torch.tensor(counts)[:, None] - 1
                inside &= tokens.roll(-1, 1) < times
                words = teacher.decoder(tokens, states, bias)[inside]
                target = functional.log_softmax(teacher.scores(words), dim=-1)
                self.heard.append((mel, lengths, tokens, inside, states, bias, target))

    @torch.no_grad()
    def divergence(self, model, part):
        """KL a token of text; the encoder is computed again only where the part is in it."""
        total, count = 0.0, 0
        for mel, lengths, tokens, inside, states, bias, target in self.heard:
            if part.names[0].startswith("encoder."):
                states, bias = model.encoder(mel, lengths)
            scores = functional.log_softmax(model.scores(model.decoder(tokens, states, bias)[inside]), dim=-1)
            total += float(functional.kl_div(scores, target, reduction="sum", log_target=True))
            count += len(target)
        return total / count


@torch.no_grad()
def restored(rows, coded, coding):
    """Coded rows made longer, as `sotto quantize` does it: what all rows have in common is no part of their length."""
    scale, offset = (1, 0) if coding.column_scale is None else (coding.column_scale, coding.column_offset)
    rows, coded = (rows - offset) / scale, (coded - offset) / scale
    whole, kept = rows.square().sum(1), (rows * coded).sum(1)
    gain = torch.where(kept > 0.25 * whole, 1 + RESTORATION * (whole / kept - 1), 1)
    return coded * gain[:, None] * scale + offset


def completed(row, factor):
    """{planes: divergence} of a part: what is measured, and reckoned from the nearest that is."""
    found = {}
    for planes, error in DISTORTION.items():
        near = min(row, key=lambda measured: abs(measured - planes))
        found[planes] = factor * row[near] * error / DISTORTION[near]
    return found


def allocate(model, parts, table, budget):
    """{key: planes} whose sum of divergences is small for `budget` bytes of codes."""
    planes_of = {part.key: sorted(table[part.key]) for part in parts}
    chosen = {part.key: planes_of[part.key][0] for part in parts}
    spent = sum(part.bytes(model, chosen[part.key]) for part in parts)
    while True:
        best = None
        for part in parts:
            now = chosen[part.key]
            for planes in planes_of[part.key]:
                cost = part.bytes(model, planes) - part.bytes(model, now)
                gain = table[part.key][now] - table[part.key][planes]
                if planes > now and spent + cost <= budget and gain > 0 and (best is None or gain / cost > best[0]):
                    best = (gain / cost, part.key, planes, cost)
        if best is None:
            return chosen, spent
        chosen[best[1]] = best[2]
        spent += best[3]


def recipe_of(parts, chosen, counts):
    classes = [{"rows": len(part.rows), "bits": chosen[part.key]} for part in parts if part.rows is not None]
    classes[-1]["rows"] = None
    rules = [
        {
            "pattern": EMBEDDING, "bits": classes[-1]["bits"], "group": "row", "center_columns": True, "scale_columns": True,
            "restoration": RESTORATION, "bits_by_frequency": classes, "counts": counts,
        },
        {"pattern": "encoder.conv?.weight", "bits": SMALL, "group": "row"},
        {"pattern": "decoder.positions", "bits": SMALL, "group": "row"},
    ]  # fmt: skip
    for part in parts:
        if part.rows is None:
            rule = {"pattern": f"{part.key}*.weight", "bits": chosen[part.key], "group": "row"}
            rule |= {"scale_columns": True} if part.key.endswith("down") else {}
            rules.append(rule | ({"damping": DAMPING} if part.key.startswith("decoder.") else {}))
    return rules


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("recipe", type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", required=True, type=pathlib.Path)
    parser.add_argument("--coded", required=True, nargs="+", type=pathlib.Path, help="files with the same planes everywhere")
    parser.add_argument("--counts", required=True, type=pathlib.Path, help="of tokens; lies beside RECIPE")
    parser.add_argument("--megabytes", type=float, default=16, help="of the whole file")
    parser.add_argument("--decoder", type=float, default=1, help="what a loss in the decoder's layers counts")
    parser.add_argument("--seconds", type=int, default=160, help="speech that is measured on")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model, others = load_whisper(arguments.model)
    teacher = copy.deepcopy(model).eval()
    special = model.configuration["vocabulary"]["size"] - model.configuration["vocabulary"]["endOfText"]
    rule = {"counts": arguments.counts.name, "bits_by_frequency": [{"rows": rows, "bits": 0} for rows in [special, *CLASSES, None]]}
    classes = [rows for rows, _ in row_classes(rule, model.decoder.embedding.weight.shape[0], arguments.counts.parent)]
    parts = parts_of(model, classes)
    table = json.loads(arguments.table.read_text()) if arguments.table.exists() else {}
    tokens = Tokens(arguments.tokenizer, model.configuration["vocabulary"])
    batches, seconds = [], 0
    for batch in Shards(arguments.corpus, tokens, 40).shard(0, 0):
        batches.append(batch)
        seconds += batch[0].shape[0] * batch[0].shape[1] / 100
        if seconds >= arguments.seconds:
            break
    listening = None
    for path in arguments.coded:
        coded = copy.deepcopy(teacher)
        codings = take_codes(coded, path)
        (planes,) = {p for name, own in codings.items() if "conv" not in name for _, p in own.classes}
        rows = coded.decoder.embedding.weight
        rows.data = restored(teacher.decoder.embedding.weight, rows, codings[EMBEDDING])
        for part in parts:
            row = table.setdefault(part.key, {})
            if str(planes) in row:
                continue
            listening = listening or Listening(teacher, batches)
            part.take(model, coded)
            row[str(planes)] = listening.divergence(model, part)
            part.take(model, teacher)
            arguments.table.write_text(json.dumps(table, indent=1))
            print(f"{part.key} in {planes} planes: {row[str(planes)]:.4f}", flush=True)
    table = {
        key: completed({int(planes): kl for planes, kl in row.items()}, arguments.decoder if key.startswith("decoder.") else 1)
        for key, row in table.items()
    }
    small = {name for name, _ in model.named_parameters() if "conv" in name and name.endswith("weight")} | {"decoder.positions"}
    coded = {name for part in parts for name in part.names} | small | {"encoder.positions"}
    rest = sum(2 * p.numel() for name, p in model.named_parameters() if name not in coded)
    rest += sum(SMALL * (p.numel() / 8 + 2 * len(p)) for name, p in model.named_parameters() if name in small)
    rest += sum(value.numel() * value.element_size() for value in others.values()) + 2 * len(np.concatenate(classes)) + HEADER
    chosen, spent = allocate(model, parts, table, arguments.megabytes * 1e6 - rest)
    arguments.recipe.write_text(json.dumps(recipe_of(parts, chosen, arguments.counts.name), indent=1) + "\n")
    total = sum(table[key][planes] for key, planes in chosen.items())
    print(f"{(spent + rest) / 1e6:.2f} MB, of which {rest / 1e6:.2f} are no planes of layers and embedding; sum of divergences {total:.3f}")


if __name__ == "__main__":
    main()
