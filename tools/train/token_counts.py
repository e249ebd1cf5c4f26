#!/usr/bin/env python3
"""How often each token of Whisper's vocabulary is written, for recipes that give rows of the embedding planes by frequency.

    python tools/train/token_counts.py --model FLOAT_MODEL --tokenizer tokenizer.json LANGUAGE_TEXT COUNTS

LANGUAGE_TEXT is what language_text.py makes; COUNTS has a number a line, in the order of tokens. The text is old books and speeches:
to its counts is added what the order of tokens says, which is that of their frequency in a text of today. Times
and other special tokens count as more frequent than all others, so that a class of a recipe can have just them.
"""

import argparse
import pathlib

import numpy as np
from tokenizers import Tokenizer

from sotto_train.whisper import load_whisper

PRIOR, HALF = 100, 1000  # count that is added to the first token, and the token to which half of it is


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("counts", type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", required=True)
    arguments = parser.parse_args()
    vocabulary = load_whisper(arguments.model)[0].configuration["vocabulary"]
    counts = PRIOR * HALF / (HALF + np.arange(vocabulary["size"]))
    lines = [" " + line for line in arguments.text.read_text(encoding="utf-8").splitlines()]
    for encoding in Tokenizer.from_file(arguments.tokenizer).encode_batch(lines, add_special_tokens=False):
        np.add.at(counts, encoding.ids, 1)
    counts[vocabulary["endOfText"] :] = round(counts.max()) + 1
    arguments.counts.write_text("".join(f"{round(count)}\n" for count in counts))


if __name__ == "__main__":
    main()
