#!/usr/bin/env python3
"""Clips of a corpus as single recordings, as a microphone heard them, on which `sotto quantize --calibrate` measures.

    python tools/train/recordings.py --minutes 120 CORPUS OUT

CORPUS is what synthesize.py makes; clips without speech are left out. Its manifest lines say what each clip is.
"""

import argparse
import json
import pathlib
import sys

import soundfile

RATE = 16_000  # Hz


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=120)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    samples, wanted = 0, arguments.minutes * 60 * RATE
    for path in sorted(arguments.corpus.glob("shard-*.jsonl")):
        heard = soundfile.read(path.with_suffix(".flac"), dtype="int16")[0][:, 0]
        for index, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            clip = json.loads(line)
            if clip["text"] and samples < wanted:
                name = f"{path.stem}-{index:03d}.flac"
                soundfile.write(arguments.out / name, heard[clip["start"] : clip["start"] + clip["samples"]], RATE)
                samples += clip["samples"]
        if samples >= wanted:
            return
    sys.exit(f"{arguments.corpus} has {samples / RATE / 60:.0f} minutes of speech: run tools/train/synthesize.py")


if __name__ == "__main__":
    main()
