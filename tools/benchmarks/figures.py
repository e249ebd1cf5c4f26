#!/usr/bin/env python3
"""Measures the tables of the documentation anew, by the commands that stand beside them.

    tools/benchmarks/figures.py --sotto .build/release/sotto --manifest DEVELOPMENT/manifest.jsonl README.md models/*.md

A table stands between two lines, the first of which names what `sotto compare` is to measure:

    <!-- figures: --threads 1 --columns wer,95,cpu --model tiny.en -->
    <!-- end of figures -->

Options may begin with another list than the manifest, which lies beside it.

The manifest stands for itself, so that the printed command can be repeated in its folder, with `sotto` and the scripts of this one in
PATH, and Python with tools/requirements.txt where they are among the peers.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"(<!-- figures: (.*?) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def table(sotto, manifest, options):
    """What `sotto compare --format md` prints."""
    environment = os.environ | {"PATH": f"{sotto.parent}:{Path(__file__).resolve().parent}:{os.environ['PATH']}"}
    words = shlex.split(options)
    if words[:1] and words[0].startswith("-"):
        words.insert(0, manifest.name)
    command = ["sotto", "compare", *words, "--format", "md"]
    print(shlex.join(command), flush=True)
    return subprocess.run(command, cwd=manifest.parent, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("documents", type=Path, nargs="+")
    parser.add_argument("--sotto", type=Path, required=True, help="the built program")
    parser.add_argument("--manifest", type=Path, required=True, help="JSON Lines with audio and text")
    parser.add_argument("--only", default="", help="measure the blocks alone whose options contain this")
    arguments = parser.parse_args()
    sotto, manifest, found = arguments.sotto.resolve(), arguments.manifest.resolve(), 0
    for document in arguments.documents:
        text = document.read_text(encoding="utf-8")
        # One block at a time is written, so that an interruption loses one at most.
        for first, options, last in BLOCK.findall(text):
            if arguments.only in options:
                found += 1
                measured = table(sotto, manifest, options)
                place = re.compile(re.escape(first) + ".*?" + re.escape(last), re.DOTALL)
                text = place.sub(lambda _: f"{first}{measured}{last}", text, count=1)
                document.write_text(text, encoding="utf-8")
    if not found:
        sys.exit("no table to measure: see the comment at the top of this script")


if __name__ == "__main__":
    main()
