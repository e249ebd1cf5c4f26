#!/usr/bin/env python3
"""Measures context biasing: rare names that are found with `--bias`, and what it does to speech without them.

    tools/benchmarks/biasing.py speak FOLDER
    tools/benchmarks/biasing.py measure FOLDER --sotto .build/release/sotto [--model NAME|PATH] [--beam N ...]
        [--weights X ...] [--half choose|report] [--others MANIFEST] [--json FILE]

`speak` writes the sentences of biasing/names.tsv as clips, each by two voices of those that the training speaks with
(Piper, flite, espeak-ng; the packages of tools/train/requirements.txt and the two programs), and a manifest. `measure`
transcribes them without biasing and with all names, and 100 names that do not occur (biasing/absent.txt), at each
weight, and prints a Markdown table: names found and put where they are not, and the errors of all words.
Weights are chosen on one half of the sentences (`choose`, odd ones) and reported on the other. `--others` is a manifest
(JSON Lines with `audio` and `text`) of recordings without any of the names, transcribed with the 100 alone.
"""

import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import scoring

HERE = pathlib.Path(__file__).resolve().parent
NAMES, ABSENT = HERE / "biasing" / "names.tsv", HERE / "biasing" / "absent.txt"
# Those that are drawn for a sentence, two each, in turn.
VOICES = ["piper:en_US-joe-medium", "flite:slt", "espeak-ng:en-us", "flite:rms", "espeak-ng:en-gb"]


def sentences():
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if line.strip()]


def absent_names():
    lines = ABSENT.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def manifest(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


# MARK: Speaking


def speak(folder):
    sys.path.insert(0, str(HERE.parent / "train"))
    import numpy as np
    import soundfile
    from sotto_train import voices

    folder.mkdir(parents=True, exist_ok=True)
    by_name = {voice.name: voice for voice in voices.load_voices(1)}
    silence = np.zeros(voices.RATE // 3, np.float32)
    entries = []
    for index, (name, text) in enumerate(sentences()):
        for turn in range(2):
            voice = by_name[VOICES[(2 * index + turn) % len(VOICES)]]
            samples = voice.prepare(np.random.default_rng(2 * index + turn))(text)
            samples = np.concatenate([silence, samples * (0.5 / max(np.abs(samples).max(), 1e-6)), silence])
            audio = f"{index:02}-{turn}.flac"
            soundfile.write(folder / audio, samples, voices.RATE)
            entries.append({"audio": audio, "text": text, "name": name, "voice": voice.name, "licence": voice.licence})
    text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    (folder / "manifest.jsonl").write_text(text, encoding="utf-8")
    print(f"{len(entries)} clips in {folder}")


# MARK: Measuring


def transcribe(arguments, clips, beam, phrases, weight):
    command = [arguments.sotto, "transcribe", "--quiet", "--format", "jsonl", "--threads", "1", "--beam", str(beam)]
    if arguments.model:
        command += ["--model", arguments.model]
    with tempfile.TemporaryDirectory() as folder:
        if weight:
            path = pathlib.Path(folder) / "phrases.txt"
            path.write_text("\n".join(phrases) + "\n", encoding="utf-8")
            command += ["--bias", path, "--bias-weight", str(weight)]
        output = subprocess.run([*command, *clips], check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["text"].strip() for line in output.splitlines()]


def occurrences(name, text):
    words = scoring.normalize(name)
    return len(re.findall(rf"(?<!\w){re.escape(words)}(?:'s)?(?!\w)", scoring.normalize(text)))


def count_names(names, entries, texts):
    """Names said and found, and names found that were not said."""
    said = found = wrong = 0
    for entry, text in zip(entries, texts):
        for name in names:
            expected, got = occurrences(name, entry["text"]), occurrences(name, text)
            said += expected
            found += min(expected, got)
            wrong += max(got - expected, 0)
    return said, found, wrong


def interval(entries, texts, names):
    """95 % of the recall, by drawing clips anew."""
    counts = [count_names(names, [entry], [text])[:2] for entry, text in zip(entries, texts)]
    generator, rates = random.Random(1), []
    for _ in range(2000):
        drawn = generator.choices(counts, k=len(counts))
        rates.append(100 * sum(found for _, found in drawn) / max(sum(said for said, _ in drawn), 1))
    rates.sort()
    return rates[50], rates[-51]


def rate(arguments, entries, texts):
    return scoring.sotto_rate(
        arguments.sotto, [entry["audio"] for entry in entries], [entry["text"] for entry in entries], texts
    )


def measure(arguments):
    entries = manifest(arguments.folder / "manifest.jsonl")
    parity = {"choose": 0, "report": 1, "all": None}[arguments.half]
    if parity is not None:
        entries = [entry for entry in entries if int(entry["audio"][:2]) % 2 == parity]
    clips = [str(arguments.folder / entry["audio"]) for entry in entries]
    said, absent = [name for name, _ in sentences()], absent_names()
    others = manifest(arguments.others) if arguments.others else []
    other_clips = [str(arguments.others.parent / entry["audio"]) for entry in others]
    for name in absent:
        if any(occurrences(name, entry["text"]) for entry in others + entries):
            sys.exit(f"biasing: {name} is said, and must not be")
    results = []
    print(f"{len(clips)} clips with names" + (f", {len(others)} others" if others else "") + "\n")
    print("| beam | weight | names found % (95 %) | names not said | WER % |" + (" WER of others % | names in others |" if others else ""))
    print("|---|---|---|---|---|" + ("---|---|" if others else ""), flush=True)
    for beam in arguments.beam:
        for weight in arguments.weights:
            texts = transcribe(arguments, clips, beam, said + absent, weight)
            total, found, _ = count_names(said, entries, texts)
            wrong = count_names(said + absent, entries, texts)[2]
            low, high = interval(entries, texts, said)
            result = {
                "beam": beam, "weight": weight, "said": total, "found": found, "wrong": wrong,
                "wer": rate(arguments, entries, texts), "texts": texts,
            }  # fmt: skip
            line = f"| {beam} | {weight or 'none'} | {100 * found / total:.0f} ({low:.0f} to {high:.0f}) | {wrong} | {result['wer']:.1f} |"
            if others:
                other_texts = transcribe(arguments, other_clips, beam, absent, weight)
                result["others_wer"] = rate(arguments, others, other_texts)
                result["others_wrong"] = count_names(absent, others, other_texts)[2]
                result["others_texts"] = other_texts
                line += f" {result['others_wer']:.2f} | {result['others_wrong']} |"
            results.append(result)
            print(line, flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, dest="command")
    speaking = commands.add_parser("speak")
    speaking.add_argument("folder", type=pathlib.Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("folder", type=pathlib.Path)
    measuring.add_argument("--sotto", required=True, help="the built program")
    measuring.add_argument("--model")
    measuring.add_argument("--beam", type=int, nargs="+", default=[5])
    measuring.add_argument("--weights", type=float, nargs="+", default=[0, 1.5], help="0: no biasing")
    measuring.add_argument("--half", choices=["choose", "report", "all"], default="report")
    measuring.add_argument("--others", type=pathlib.Path, help="manifest of recordings without the names")
    measuring.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    speak(arguments.folder) if arguments.command == "speak" else measure(arguments)


if __name__ == "__main__":
    main()
