#!/usr/bin/env python3
"""Speaks what recognisers of read speech find hard: accents, and one to three words alone. For `sotto compare`.

    tools/benchmarks/hard_speech.py OUT
    sotto compare OUT/accents.jsonl --model A --model B --noise babble:10 --reverb
    sotto compare OUT/short.jsonl --model A --model B

Robots speak (espeak-ng, flite), so the error rates mean little by themselves: they are there to be compared, a small model with
the large one that it was made from. No sentence is one that tools/train speaks; two of the voices are.
"""

import argparse
import json
import subprocess
from pathlib import Path

ESPEAK_ACCENTS = ("en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
FLITE_VOICES = ("slt", "awb")
SENTENCES = (
    "The ferry to the island leaves every morning at seven.",
    "Please put the blue folder back on the second shelf.",
    "Her brother repaired the old bicycle over the weekend.",
    "We could not find a parking space near the station.",
    "The doctor asked him to come back in two weeks.",
    "There was a strong smell of coffee in the hallway.",
    "My grandmother keeps her letters in a wooden box.",
    "The children built a small dam across the stream.",
    "He forgot to charge his phone before the journey.",
    "The meeting was moved to Thursday afternoon.",
    "A light rain fell on the garden during the night.",
    "They painted the kitchen yellow and the door green.",
)
SHORT = (
    "Yes.", "No.", "Okay.", "Stop.", "Thank you.", "Good morning.", "Turn left.", "Not today.", "What time is it?",
    "Call me back.", "Open the door.", "I agree.",
)  # fmt: skip


def speak(voice, text, path):
    if voice in FLITE_VOICES:
        command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
    else:
        command = ["espeak-ng", "-v", voice, "-w", str(path), text]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    for name, texts, voices in (
        ("accents", SENTENCES, ESPEAK_ACCENTS + ("awb",)),
        ("short", SHORT, ESPEAK_ACCENTS + FLITE_VOICES),
    ):
        (out / name).mkdir(parents=True, exist_ok=True)
        with (out / f"{name}.jsonl").open("w", encoding="utf-8") as manifest:
            for voice in voices:
                for index, text in enumerate(texts):
                    path = out / name / f"{voice}-{index:02d}.wav"
                    speak(voice, text, path)
                    entry = {"audio": str(path.relative_to(out)), "text": text, "speaker": voice}
                    print(json.dumps(entry), file=manifest)


if __name__ == "__main__":
    main()
