#!/usr/bin/env python3
"""How much an attention model minds fewer planes in each of its matrices, and the recipe that fits a size.

    python tools/train/sensitivity.py --model FLOAT_MODEL --tokenizer tokenizer.json [--megabytes 16] CORPUS TABLE RECIPE

One matrix after another is coded with 2 to 6 planes, all others in floats; what is measured is the Kullback-Leibler divergence
a token of the decoder's distributions on a minute of the corpus (arXiv 2009.07453, section 3, with this in place of BLEU).
The embedding is taken in classes of rows, by the order of tokens, which follows their frequency. TABLE (JSON) keeps what is
measured, and is gone on from. Then planes are given to where they lessen the sum of divergences most for their bytes, until
RECIPE, for quantize_aware.py and `sotto quantize`, reaches the size.
"""

import argparse
import copy
import json
import pathlib

import torch

from quantize_aware import divergence
from sotto_train.binary_coding import CodedWeights, RowCoding
from sotto_train.precision import faster_precision
from sotto_train.whisper import load_whisper
from sotto_train.whisper_data import Shards, Tokens

PLANES = (2, 3, 4, 5, 6)
EMBEDDING = "decoder.embedding.weight"
CLASSES = (3000, 9000, None)  # rows of the embedding, the most frequent first


def items(model):
    """(name, rows of it or None) of what gets planes of its own."""
    for name, parameter in model.named_parameters():
        if name == EMBEDDING:
            first = 0
            for count in CLASSES:
                end = parameter.shape[0] if count is None else min(first + count, parameter.shape[0])
                if end > first:
                    yield name, torch.arange(first, end)
                first = end
        elif parameter.dim() == 2 and "positions" not in name:
            yield name, None


def key_of(name, rows):
    return name if rows is None else f"{name}[{int(rows[0])}:{int(rows[-1]) + 1}]"


def part_coding(weight, rows, planes):
    """The coding of some rows; RowCoding leaves others as `coded` finds them."""
    if rows is None:
        return RowCoding([(None, planes)])

    class OfSomeRows(RowCoding):
        def coded(self, weight):
            some = super().coded(weight)
            result = weight.clone()
            result[rows] = some[rows]
            return result

    whole = RowCoding.of_columns(weight, [(rows, planes)])
    return OfSomeRows(whole.classes, whole.column_scale, whole.column_offset)


def bytes_of(model, name, rows, planes):
    count, inputs = dict(model.named_parameters())[name].shape
    count = count if rows is None else len(rows)
    return planes * count * (inputs / 8 + 2)


def measure(model, teacher, name, rows, batches, precision):
    result = {}
    weight = dict(model.named_parameters())[name].detach()
    for planes in PLANES:
        coding = CodedWeights(model, {name: part_coding(weight, rows, planes)})
        coding.fit()
        with torch.no_grad(), coding:
            parts = [divergence(model, teacher, batch, precision, "cpu")[0] for batch in batches]
        result[planes] = float(sum(parts) / len(parts))
    return result


def allocate(model, table, budget):
    """{key: planes} whose sum of divergences is small for `budget` bytes of codes."""
    found = list(items(model))
    chosen = {key_of(*item): PLANES[0] for item in found}
    spent = sum(bytes_of(model, *item, PLANES[0]) for item in found)
    while True:
        best = None
        for name, rows in found:
            key = key_of(name, rows)
            for planes in PLANES[PLANES.index(chosen[key]) + 1 :]:
                cost = bytes_of(model, name, rows, planes) - bytes_of(model, name, rows, chosen[key])
                gain = table[key][chosen[key]] - table[key][planes]
                if spent + cost <= budget and gain > 0 and (best is None or gain / cost > best[0]):
                    best = (gain / cost, key, planes, cost)
        if best is None:
            return chosen, spent
        chosen[best[1]] = best[2]
        spent += best[3]


def recipe_of(model, chosen):
    rules, classes = [], []
    for name, rows in items(model):
        planes = chosen[key_of(name, rows)]
        if rows is None:
            rules.append({"pattern": name, "bits": planes, "group": "row"})
        else:
            classes.append({"rows": len(rows), "bits": planes})
    if classes:
        classes[-1]["rows"] = None
        embedding = {"pattern": EMBEDDING, "bits": classes[-1]["bits"], "group": "row"}
        embedding |= {"center_columns": True, "scale_columns": True, "bits_by_frequency": classes}
        rules.insert(0, embedding)
    return rules


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("recipe", type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", required=True, type=pathlib.Path)
    parser.add_argument("--megabytes", type=float, default=16, help="of the whole file")
    parser.add_argument("--seconds", type=int, default=60, help="speech that is measured on")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model, others = load_whisper(arguments.model)
    teacher = copy.deepcopy(model).eval()
    tokens = Tokens(arguments.tokenizer, model.configuration["vocabulary"])
    batches, seconds = [], 0
    for batch in Shards(arguments.corpus, tokens, 30).shard(0, 0):
        batches.append(batch)
        seconds += batch[0].shape[0] * batch[0].shape[1] / 100
        if seconds >= arguments.seconds:
            break
    table = json.loads(arguments.table.read_text()) if arguments.table.exists() else {}
    precision = faster_precision()
    for name, rows in items(model):
        if (key := key_of(name, rows)) not in table:
            table[key] = measure(model, teacher, name, rows, batches, precision)
            arguments.table.write_text(json.dumps(table, indent=1))
            print(key, " ".join(f"{planes}: {kl:.4f}" for planes, kl in table[key].items()), flush=True)
    table = {key: {int(planes): kl for planes, kl in row.items()} for key, row in table.items()}
    coded = {name for name, _ in items(model)}
    rest = sum(2 * p.numel() for name, p in model.named_parameters() if name not in coded)
    rest += sum(value.numel() * value.element_size() for value in others.values()) + 20_000  # the header
    chosen, spent = allocate(model, table, arguments.megabytes * 1e6 - rest)
    arguments.recipe.write_text(json.dumps(recipe_of(model, chosen), indent=1) + "\n")
    total = sum(table[key][planes] for key, planes in chosen.items())
    print(f"{(spent + rest) / 1e6:.2f} MB, of which {rest / 1e6:.2f} not in codes; sum of divergences {total:.3f}")


if __name__ == "__main__":
    main()
