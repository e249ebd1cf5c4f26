#!/usr/bin/env python3
"""Measures sotto on long recordings: peak memory, time, and words against the clips that they are made of.

    tools/benchmarks/long_recordings.py MANIFEST --sotto .build/release/sotto --hours 0.2 1 3

A recording is the clips of MANIFEST (JSON Lines with `audio` and `text`) one after another, pauses of 0.2 to 1 s between
them, again and again until it is long enough. It is written to a temporary WAV file of 16 kHz.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import soundfile

RATE = 16_000


def compose(entries, folder, hours, path):
    """Writes the recording; returns its text and its seconds."""
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
    return " ".join(texts), written / RATE


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--sotto", required=True, help="the built program")
    parser.add_argument("--model", help="model for sotto")
    parser.add_argument("--hours", type=float, nargs="+", default=[1, 3])
    arguments = parser.parse_args()
    lines = arguments.manifest.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line.strip()]
    print("| recording h | WER % | CPU / audio | wall s | peak MB |\n|---|---|---|---|---|")
    for hours in arguments.hours:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            text, seconds = compose(entries, arguments.manifest.parent, hours, folder / "long.wav")
            (folder / "reference.jsonl").write_text(json.dumps({"file": "long.wav", "text": text}) + "\n")
            output = folder / "hypothesis.jsonl"
            command = [arguments.sotto, "transcribe", "--quiet", "--threads", "1", "--format", "jsonl"]
            command += ["--model", arguments.model] if arguments.model else []
            command += ["--output", str(output), str(folder / "long.wav")]
            started = time.perf_counter()
            process = os.posix_spawnp(command[0], command, os.environ)
            _, status, usage = os.wait4(process, 0)
            if os.waitstatus_to_exitcode(status) != 0:
                sys.exit(f"sotto failed on {hours} h")
            score = [arguments.sotto, "score", "--format", "json", str(folder / "reference.jsonl"), str(output)]
            rate = json.loads(subprocess.run(score, capture_output=True, check=True).stdout)["wer"]
            print(
                f"| {hours:g} | {100 * rate:.1f} | {(usage.ru_utime + usage.ru_stime) / seconds:.4f}"
                f" | {time.perf_counter() - started:.0f} | {usage.ru_maxrss * 1024 / 1e6:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
