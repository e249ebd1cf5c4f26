#!/usr/bin/env python3
"""Lets `sotto listen` hear a virtual microphone for hours, and breaks the microphone again and again.

    tools/benchmarks/soak.py MANIFEST --sotto .build/release/sotto [--model MODEL] [--hours 8] [--pace 20]
    tools/benchmarks/soak.py MANIFEST --sotto .build/release/sotto --faults

MANIFEST is a file of JSON lines with `audio`: the first clips, with pauses between them, are said in a loop. With a pace above 1
the microphone's clock runs so many times as fast; the program must keep up.

Hours: prints resident memory, losses and utterances as time goes by, and in the end how many loops had the same words at the
same times as the second one (the first begins at another level of noise).

Faults, at the pace of time: 50 overruns (the program is stopped for longer than the device's buffer), 20 restarts of the device and 5
suspends. Prints which were told, how far the clock of the recording is off at the end, and exits with 1 where one was not told, or the
time is wrong by more than 0.15 s.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from virtual_microphone import RATE, build_microphone, microphone, samples_of

PAUSE = 2.0  # seconds of silence between clips
STOPPED = 1.3  # seconds: longer than the device's buffer
GONE = 0.25


class Listening:
    """A running `sotto listen`, whose events are collected as they come."""

    def __init__(self, options, environment, *arguments):
        command = [options.sotto, "listen", "--model", options.model, "--format", "jsonl", *arguments]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.events = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] in ("final", "overrun", "device", "ready"):
                self.events.append(event)

    def resident(self):
        """Megabytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1e3

    def of(self, name):
        return [event for event in self.events if event["event"] == name]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.reader.join()
        return status


def soak(options, folder, library, clips):
    silence = bytes(int(2 * PAUSE * RATE))
    samples = b"".join(silence + clip for clip in clips) + silence
    period = len(samples) / 2 / RATE
    environment = microphone(folder, library, samples, options.pace, loops=True)
    listening = Listening(options, environment)
    began, told = time.monotonic(), 0
    print("| audio h | resident MB | utterances | losses |\n|---|---|---|---|")
    while (heard := (time.monotonic() - began) * options.pace / 3600) < options.hours:
        time.sleep(min(5, 3600 * options.hours / options.pace / 16))
        if listening.process.poll() is not None:
            sys.exit("soak.py: it ended by itself")
        if heard >= told * options.hours / 16:
            told += 1
            losses = sum(event["missing"] for event in listening.of("overrun"))
            print(f"| {heard:.2f} | {listening.resident():.1f} | {len(listening.of('final'))} | {losses:.2f} s |", flush=True)
    if listening.stop():
        sys.exit("soak.py: it failed")
    loops = {}
    for event in listening.of("final"):
        # The end of an utterance tells best which loop it is of.
        loop = int(event["time"] // period)
        loops.setdefault(loop, []).append((event["text"], round(event["time"] - loop * period, 2)))
    whole = [loops[number] for number in sorted(loops)[1:-1]]
    same_words = sum([text for text, _ in loop] == [text for text, _ in whole[0]] for loop in whole)
    drifts = [abs(a[1] - b[1]) for loop in whole for a, b in zip(loop, whole[0]) if a[0] == b[0]]
    print(f"{len(whole)} whole loops of {period:.0f} s, {same_words} with the words of the first of them;")
    print(f"times of the same words differ by {max(drifts, default=0):.2f} s at most")


def break_it(options, folder, library, clips):
    samples = b"".join(clips)
    environment = microphone(folder, library, samples, loops=True)
    saved, faults = folder / "heard.flac", folder / "faults"
    began = time.monotonic()
    listening = Listening(options, environment, "--save", saved)
    time.sleep(1.5)
    wanted = ["overrun"] * options.overruns + ["device"] * options.restarts + ["suspend"] * options.suspends
    for fault in wanted:
        if fault == "overrun":
            os.kill(listening.process.pid, signal.SIGSTOP)
            time.sleep(STOPPED)
            os.kill(listening.process.pid, signal.SIGCONT)
        elif fault == "device":
            faults.write_text("gone")
            time.sleep(GONE)
            faults.unlink()
            time.sleep(0.6)
        else:
            faults.write_text("suspend")
        time.sleep(0.8)
    seconds = time.monotonic() - began
    status = listening.stop()
    told = [event["cause"] for event in listening.of("overrun")]
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", saved]
    recorded = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for cause in ("overrun", "device", "suspend"):
        print(f"{cause}: {wanted.count(cause)} happened, {told.count(cause)} told")
    print(f"{seconds:.1f} s by the clock, {recorded:.1f} s in the recording; {len(listening.of('final'))} utterances; status {status}")
    missing = sum(event["missing"] for event in listening.of("overrun"))
    print(f"{missing:.1f} s were missing, and are silence there")
    # The program takes a moment to start, and one to stop.
    if any(told.count(cause) < wanted.count(cause) for cause in set(wanted)) or abs(seconds - recorded) > 0.6 or status:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--sotto", type=Path, required=True)
    parser.add_argument("--model", default="stream-ctc")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--hours", type=float, default=8, help="of audio")
    parser.add_argument("--pace", type=int, default=20, help="seconds of audio in a second")
    parser.add_argument("--faults", action="store_true", help="break the microphone, at the pace of time")
    parser.add_argument("--overruns", type=int, default=50)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--suspends", type=int, default=5)
    options = parser.parse_args()
    lines = options.manifest.read_text().splitlines()[: options.clips]
    clips = [samples_of(options.manifest.parent / json.loads(line)["audio"]) for line in lines]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = build_microphone(folder)
        (break_it if options.faults else soak)(options, folder, library, clips)


if __name__ == "__main__":
    main()
