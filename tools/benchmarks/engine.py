#!/usr/bin/env python3
"""Compares the engine with PyTorch on the same float weights: greedy, windows of 30 s filled with silence.

    tools/benchmarks/engine.py MODEL MANIFEST --sotto .build/release/sotto

Prints the word error rate of both, counted by `sotto score`, and the number of recordings with the same text.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

REFERENCE = Path(__file__).resolve().parent.parent / "whisper_reference.py"


def lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="float model file, from tools/import_whisper.py")
    parser.add_argument("manifest", type=Path, help="JSON Lines with audio and text")
    parser.add_argument("--sotto", required=True, help="the built program")
    arguments = parser.parse_args()
    clips = [str(arguments.manifest.parent / entry["audio"]) for entry in lines(arguments.manifest)]
    commands = {
        "PyTorch": [sys.executable, str(REFERENCE), "--timestamps", arguments.model, str(arguments.manifest)],
        "sotto": [
            arguments.sotto, "transcribe", "--model", arguments.model, "--beam", "1", "--full-window",
            "--format", "jsonl", "--quiet", *clips,
        ],
    }  # fmt: skip
    texts = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands.items():
            output = Path(folder) / f"{name}.jsonl"
            with output.open("w", encoding="utf-8") as file:
                subprocess.run(command, stdout=file, check=True)
            texts[name] = {Path(line["file"]).name: line["text"].strip() for line in lines(output)}
            score = [arguments.sotto, "score", str(arguments.manifest), str(output)]
            print(f"{name}\n{subprocess.run(score, capture_output=True, text=True, check=True).stdout}")
    same = sum(texts["PyTorch"].get(clip) == text for clip, text in texts["sotto"].items())
    print(f"the same text in {same} of {len(texts['sotto'])} recordings")


if __name__ == "__main__":
    main()
