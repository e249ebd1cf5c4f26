#!/usr/bin/env python3
"""Measures `sotto listen` with a virtual microphone at real pace, on one core.

    tools/benchmarks/listening.py MANIFEST --sotto .build/release/sotto [--model MODEL] [--clips 20] [--silence 60]

MANIFEST is a file of JSON lines with `audio`. The microphone is the plugin of the tests (Tests/Microphone), built here with
clang or cc. Each clip is spoken once into a session of its own, in real time. Prints whether the text is the same as
`sotto transcribe --partials` gives for the recording of the session, and:

- ready: from the start of the program to the loaded model;
- word: from the end of a word, by its time in the final text, to its first appearance in a partial result or the final text;
- final: from the arrival of the audio with which the utterance was over to its final text;
- CPU time by real time, with speech, and in silence.

Times of arrival are taken when a line is read here; the capture's 0 s is when the event `device` arrives, which is some ms late.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from virtual_microphone import RATE, build_microphone, microphone, samples_of

TAIL_SECONDS = 1.5


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def listen(arguments, environment):
    """The session's events, each with `arrival` in seconds since the program was started, and its CPU time."""
    before, start = cpu_of_children(), time.monotonic()
    process = subprocess.Popen(
        ["taskset", "-c", "0", *arguments], env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    events = []
    for line in process.stdout:
        event = json.loads(line)
        event["arrival"] = time.monotonic() - start
        events.append(event)
    if process.wait() != 0:
        sys.exit(f"listening.py: {' '.join(map(str, arguments))} failed")
    return events, cpu_of_children() - before


def word_delays(events, origin):
    """Seconds from each word's end to its first appearance."""
    delays, shown = [], []
    for event in events:
        if event["event"] == "partial":
            shown.append((event["arrival"], len(f"{event['committed']} {event['volatile']}".split())))
        elif event["event"] == "final":
            shown.append((event["arrival"], len(event["words"])))
            for index, word in enumerate(event["words"]):
                arrival = next(arrival for arrival, count in shown if count > index)
                delays.append(arrival - origin - word["end"])
            shown = []
    return delays


def quantile(values, part):
    values = sorted(values)
    return values[min(int(part * len(values)), len(values) - 1)] if values else float("nan")


def row(name, values):
    if values:
        print(f"| {name} | {1000 * quantile(values, 0.5):.0f} ms | {1000 * quantile(values, 0.95):.0f} ms |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--sotto", type=Path, required=True)
    parser.add_argument("--model", default="tiny.en")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--silence", type=float, default=60, help="seconds of silence to measure")
    options = parser.parse_args()
    clips = [json.loads(line)["audio"] for line in options.manifest.read_text().splitlines()][: options.clips]
    program = [options.sotto, "listen", "--model", options.model, "--format", "jsonl"]
    ready, words, finals, cpu, seconds, same = [], [], [], 0.0, 0.0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = build_microphone(folder)
        for number, clip in enumerate(clips):
            samples = samples_of(options.manifest.parent / clip)
            length = len(samples) / 2 / RATE + TAIL_SECONDS
            saved = folder / f"{number}.flac"
            environment = microphone(folder, library, samples)
            events, used = listen([*program, "--duration", f"{length:.2f}", "--save", saved], environment)
            origin = next(event["arrival"] for event in events if event["event"] == "device")
            ready += [event["arrival"] for event in events if event["event"] == "ready"]
            words += word_delays(events, origin)
            texts = [event for event in events if event["event"] == "final"]
            finals += [event["arrival"] - origin - event["time"] for event in texts if event["rule"] != "none"]
            cpu, seconds = cpu + used, seconds + length
            command = [options.sotto, "transcribe", "--model", options.model, "--partials", "--format", "jsonl"]
            command += ["--threads", "1", saved]
            lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
            segments = json.loads(lines[-1])["segments"]
            expected, heard = [segment["text"] for segment in segments], [event["text"] for event in texts]
            same += expected == heard
            if expected != heard:
                print(f"{clip}: {heard}\n  and not {expected}", file=sys.stderr)
        environment = microphone(folder, library, b"")
        events, quiet = listen([*program, "--duration", str(options.silence)], environment)
    print("| | median | 95 % |\n|---|---|---|")
    row("ready", ready)
    row("word", words)
    row("final", finals)
    print(f"\nThe same text as sotto transcribe --partials: {same} of {len(clips)} clips.")
    said = sum(event["event"] == "final" for event in events)
    print(f"CPU: {100 * cpu / seconds:.1f} % of a core with speech, {100 * quiet / options.silence:.1f} % in silence.")
    print(f"Utterances heard in {options.silence:.0f} s of silence: {said}.")


if __name__ == "__main__":
    main()
