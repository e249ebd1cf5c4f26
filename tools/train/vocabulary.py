#!/usr/bin/env python3
"""Makes the vocabulary of the streaming models: SentencePiece, unigram, lower-case word pieces.

    python tools/train/vocabulary.py --text TEXT_FOLDER --held-out MANIFEST [--pieces 500] OUTPUT

Writes OUTPUT.model (SentencePiece) and OUTPUT.vocab (pieces and their scores, one a line).
"""

import argparse
import pathlib
import sys

import sentencepiece

from sotto_train.texts import TEXTS, read_sentences, spoken, without_held_out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--text", type=pathlib.Path, required=True, help="folder of " + ", ".join(TEXTS))
    parser.add_argument("--held-out", type=pathlib.Path, required=True, help="manifest.jsonl whose sentences stay out")
    parser.add_argument("--pieces", type=int, default=500)
    arguments = parser.parse_args()
    if missing := [name for name in TEXTS if not (arguments.text / name).is_file()]:
        sys.exit(f"{arguments.text} lacks {', '.join(missing)}")
    sentences = [spoken(s) for n in TEXTS for s in without_held_out(read_sentences(arguments.text / n), arguments.held_out)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_prefix=str(arguments.output), vocab_size=arguments.pieces + 1,
        model_type="unigram", character_coverage=1.0, unk_id=0, bos_id=-1, eos_id=-1, pad_id=-1,
        normalization_rule_name="identity", input_sentence_size=200_000, shuffle_input_sentence=True, num_threads=1,
        minloglevel=1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
