#!/usr/bin/env python3
"""Writes golden word and character error counts for the tests, computed by jiwer.

    python3 -m venv VENV && VENV/bin/pip install jiwer==4.0.0
    VENV/bin/python tools/make_wer_golden.py > Tests/SottoDecodingTests/Golden/wer.json
"""

import json
import random

import jiwer

FIXED = [
    ("a", "a"),
    ("a b", "b a"),
    ("a b c d", "a x c d e"),
    ("the cat sat on the mat", "cat sat at the mat mat"),
    ("one two three", ""),
    ("to be or not to be", "to be or or to be to be"),
    ("no overlap here", "something else entirely different"),
    ("naïve café", "naive café"),
]


def counts(output):
    return [output.hits, output.substitutions, output.deletions, output.insertions]


def main():
    random.seed(20240501)
    pairs = list(FIXED)
    for index in range(992):
        # Few different words give many ties, the hard case.
        words = ["ab", "ba", "abc", "c"][: random.randint(2, 4)]
        reference = random.choices(words, k=random.randint(1, 14))
        hypothesis = random.choices(words, k=random.randint(0, 14))
        if index % 2:
            hypothesis = [w for w in reference if random.random() > 0.2]
            for _ in range(random.randint(0, 3)):
                hypothesis.insert(random.randint(0, len(hypothesis)), random.choice(words))
        pairs.append((" ".join(reference), " ".join(hypothesis)))
    golden = []
    for reference, hypothesis in pairs:
        golden.append(
            {
                "reference": reference,
                "hypothesis": hypothesis,
                "words": counts(jiwer.process_words(reference, hypothesis)),
                "characters": counts(jiwer.process_characters(reference, hypothesis)),
            }
        )
    print("[\n" + ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in golden) + "\n]")


if __name__ == "__main__":
    main()
