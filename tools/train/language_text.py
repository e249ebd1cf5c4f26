#!/usr/bin/env python3
"""Writes the text that the default language model is built from: a sentence a line, none of the development set.

    python tools/train/language_text.py --text TEXT --held-out DEV/manifest.jsonl OUTPUT.txt
    sotto lm build --model stream-ctc --size 6 OUTPUT.txt models/stream-ctc.lm
"""

import argparse
import pathlib

from sotto_train.texts import TEXTS, read_sentences, without_held_out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--text", type=pathlib.Path, required=True, help="folder of " + ", ".join(TEXTS))
    parser.add_argument("--held-out", type=pathlib.Path, required=True, help="manifest.jsonl whose sentences stay out")
    parser.add_argument("--sentences", type=int, default=1, help="lines of 1 to so many sentences, in turn, for models that write stops")
    arguments = parser.parse_args()
    sentences = [s for name in TEXTS for s in without_held_out(read_sentences(arguments.text / name), arguments.held_out)]
    lines, place = [], 0
    while place < len(sentences):
        count = len(lines) % max(1, arguments.sentences) + 1
        lines.append(" ".join(sentences[place : place + count]))
        place += count
    arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(sentences)} sentences, {sum(len(s.split()) for s in sentences)} words")


if __name__ == "__main__":
    main()
