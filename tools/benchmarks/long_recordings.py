#!/usr/bin/env python3
"""Makes long recordings out of short ones, to see what becomes of memory and accuracy over hours.

    tools/benchmarks/long_recordings.py MANIFEST FOLDER --hours 1 3
    sotto compare FOLDER/3h.jsonl --model tiny.en

A recording is the clips of MANIFEST (JSON Lines with `audio` and `text`) one after another, pauses of 0.2 to 1 s between
them, again and again until it is long enough: a WAV file of 16 kHz, and a list with it and its text.
"""

import argparse
import json
import random
import sys
import wave
from pathlib import Path

import soundfile

RATE = 16_000


def compose(entries, folder, hours, path):
    """Writes the recording; returns its text."""
    generator, texts, written = random.Random(1), [], 0
    with wave.open(str(path), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        while written < hours * 3600 * RATE:
            entry = entries[len(texts) % len(entries)]
            samples, rate = soundfile.read(folder / entry["audio"], dtype="int16")
            if rate != RATE or samples.ndim != 1:
                sys.exit(f"{entry['audio']}: mono at {RATE} samples a second is needed")
            pause = bytes(2 * int(RATE * generator.uniform(0.2, 1)))
            output.writeframes(samples.astype("<i2").tobytes() + pause)
            written += len(samples) + len(pause) // 2
            texts.append(entry["text"])
    return " ".join(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hours", type=float, nargs="+", default=[1, 3])
    arguments = parser.parse_args()
    lines = arguments.manifest.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line.strip()]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for hours in arguments.hours:
        name = f"{hours:g}h"
        text = compose(entries, arguments.manifest.parent, hours, arguments.folder / f"{name}.wav")
        line = json.dumps({"audio": f"{name}.wav", "text": text}, ensure_ascii=False)
        (arguments.folder / f"{name}.jsonl").write_text(line + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
