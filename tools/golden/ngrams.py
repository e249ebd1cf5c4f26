#!/usr/bin/env python3
"""Writes golden values of n-gram models to Tests/SottoDecodingTests/Golden/: ngrams.json and ngrams.arpa.

    tools/golden/ngrams.py [--lmplz PROGRAM]

Random texts over a few tokens; modified Kneser-Ney estimates of them, plainly computed from their definition (Chen and
Goodman 1999, section 3) in dictionaries; the same model as an ARPA file; and what KenLM (the package kenlm) says of that
file, token by token. With `--lmplz`, KenLM's own estimates are compared with these, too; its unigrams know a token more
(<unk>), so that they differ by as much.
"""

import argparse
import collections
import json
import math
import pathlib
import random
import subprocess
import tempfile

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "SottoDecodingTests" / "Golden"
SIZE, ORDER, TEXTS = 50, 4, 160
START, END = SIZE, SIZE + 1
# One whose texts have n-grams of each length seen once to four times, so that the discounts need no care.
SEED = 43


def random_texts(generator, count):
    """Texts in which a token is often followed by the same few, and some are rare."""
    texts = []
    rare = lambda: int(SIZE * generator.random() ** 4)
    for _ in range(count):
        text = [rare()]
        while generator.random() > 0.12 and len(text) < 20:
            text.append(rare() if generator.random() < 0.6 else (text[-1] + 1 + int(generator.expovariate(1))) % SIZE)
        texts.append(text)
    return texts


class KneserNey:
    """Interpolated, with three discounts for each length."""

    def __init__(self, texts):
        self.counts = [collections.Counter() for _ in range(ORDER + 1)]
        for text in texts:
            marked = (START, *text, END)
            for end in range(1, len(marked)):
                for length in range(1, min(ORDER, end + 1) + 1):
                    self.counts[length][marked[end + 1 - length : end + 1]] += 1
        # Shorter n-grams count the tokens before them; at the start of a text there is only one.
        self.adjusted = [None] * (ORDER + 1)
        self.adjusted[ORDER] = self.counts[ORDER]
        for length in range(1, ORDER):
            contexts = collections.Counter(longer[1:] for longer in self.counts[length + 1])
            self.adjusted[length] = {
                gram: count if gram[0] == START else contexts[gram] for gram, count in self.counts[length].items()
            }
        self.discounts = [None] + [self.discount(self.adjusted[length]) for length in range(1, ORDER + 1)]
        self.followers = [None] + [collections.defaultdict(list) for _ in range(ORDER)]
        for length in range(1, ORDER + 1):
            for gram, count in self.adjusted[length].items():
                self.followers[length][gram[:-1]].append(count)

    @staticmethod
    def discount(counts):
        n = [sum(count == k for count in counts.values()) for k in range(5)]
        assert all(n[1:]), n
        y = n[1] / (n[1] + 2 * n[2])
        values = [0.0] + [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
        assert all(0.05 * k < value < 0.95 * k for k, value in enumerate(values) if k), values
        return values

    def backoff(self, context):
        counts, discounts = self.followers[len(context) + 1].get(context), self.discounts[len(context) + 1]
        return 1.0 if counts is None else sum(discounts[min(count, 3)] for count in counts) / sum(counts)

    def probability(self, context, token):
        length = len(context) + 1
        shorter = self.probability(context[1:], token) if context else 1 / (SIZE + 1)
        counts = self.followers[length].get(context)
        if counts is None:
            return shorter
        count = self.adjusted[length].get((*context, token), 0)
        own = max(count - self.discounts[length][min(count, 3)], 0) / sum(counts)
        return own + self.backoff(context) * shorter


def word(token):
    return "<s>" if token == START else "</s>" if token == END else f"w{token}"


def arpa(model):
    grams = [[(token,) for token in (*range(SIZE), START, END)]]
    grams += [sorted(model.counts[length]) for length in range(2, ORDER + 1)]
    lines = ["\\data\\", *(f"ngram {length}={len(each)}" for length, each in enumerate(grams, 1)), ""]
    for length, each in enumerate(grams, 1):
        lines.append(f"\\{length}-grams:")
        for gram in each:
            p = -99 if gram == (START,) else math.log10(model.probability(gram[:-1], gram[-1]))
            line = f"{p:.6f}\t{' '.join(map(word, gram))}"
            if length < ORDER and gram in model.followers_of:
                line += f"\t{math.log10(model.backoff(gram)):.6f}"
            lines.append(line)
        lines.append("")
    return "\n".join([*lines, "\\end\\", ""])


def compare_lmplz(program, texts, model):
    """The largest difference of log10 p, unigrams apart."""
    import kenlm

    with tempfile.TemporaryDirectory() as folder:
        text = "".join(" ".join(map(word, text)) + "\n" for text in texts)
        path = pathlib.Path(folder) / "lmplz.arpa"
        made = subprocess.run([program, "-o", str(ORDER)], input=text, capture_output=True, text=True, check=True)
        path.write_text(made.stdout)
        other = kenlm.Model(str(path))
        worst = 0
        for text in texts:
            scores = other.full_scores(" ".join(map(word, text)))
            marked = (START, *text, END)
            for end, (score, length, _) in enumerate(scores, 1):
                if length > 1:
                    own = math.log10(model.probability(marked[max(0, end + 1 - ORDER) : end], marked[end]))
                    worst = max(worst, abs(score - own))
    print(f"lmplz: log10 p differs by at most {worst:.5f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lmplz", help="KenLM's estimator")
    arguments = parser.parse_args()
    import kenlm

    generator = random.Random(SEED)
    texts = random_texts(generator, TEXTS)
    model = KneserNey(texts)
    model.followers_of = {context for each in model.followers[2:] for context in each}
    estimates = []
    for context in [(), (0,), (START,), (START, 0), (0, 1), (0, 1, 2), (START, 0, 0), (49, 48, 47)]:
        values = [model.probability(context, token) for token in (*range(SIZE), END)]
        assert abs(sum(values) - 1) < 1e-9
        estimates.append({"context": context, "log": [round(math.log(value), 6) for value in values]})
    path = GOLDEN / "ngrams.arpa"
    path.write_text(arpa(model))
    judge = kenlm.Model(str(path))
    scores = []
    for text in random_texts(generator, 12) + [[49, 49, 48, 47, 0], []]:
        told = [score for score, _, _ in judge.full_scores(" ".join(map(word, text)))]
        scores.append({"tokens": text, "log10": [round(score, 5) for score in told]})
    values = {"size": SIZE, "order": ORDER, "texts": texts, "estimates": estimates, "kenlm": scores}
    (GOLDEN / "ngrams.json").write_text(json.dumps(values, separators=(",", ":")) + "\n")
    print(f"{sum(map(len, texts))} tokens, {', '.join(str(len(each)) for each in model.counts[1:])} n-grams")
    if arguments.lmplz:
        compare_lmplz(arguments.lmplz, texts, model)


if __name__ == "__main__":
    main()
