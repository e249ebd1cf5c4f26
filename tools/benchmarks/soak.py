#!/usr/bin/env python3
"""Lets `sotto listen` hear a virtual microphone for hours, and breaks the microphone again and again.

    tools/benchmarks/soak.py MANIFEST --sotto .build/release/sotto [--model MODEL] [--hours 8] [--pace 20]
    tools/benchmarks/soak.py MANIFEST --sotto .build/release/sotto --faults

MANIFEST is a file of JSON lines with `audio`: the first clips, with pauses between them, are said in a loop. With a pace above 1
the microphone's clock runs so many times as fast; the program must keep up.

Hours: prints resident memory, losses and utterances as time goes by. In the end it compares the recording with what was said, sample by
sample, and each loop with the second one (the first begins at another level of noise): its words, and when each of them begins and
ends. A loop is a whole number of frames of features: elsewhere frames would fall on other samples in each loop, and words that are
hardly heard would change. Exits with 1 where samples were lost, words changed, a time is off by more than a frame, or memory grew. The
recording takes 60 MB an hour meanwhile.

Faults, at the pace of time: 50 overruns (the program is stopped for longer than the device's buffer), 20 restarts of the device and 5
suspends. Prints which were told, how far the clock of the recording is off at the end, and exits with 1 where one was not told, or the
time is wrong by more than 0.15 s.
"""

import argparse
import difflib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from virtual_microphone import RATE, build_microphone, microphone, samples_of

PAUSE = 2.0  # seconds of silence between clips
FRAME = 160  # samples from a frame of features to the next
LATE = FRAME / RATE  # seconds by which a time may be off
GROWTH = 2.0  # megabytes that memory may differ by
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
    samples += bytes(-len(samples) % (2 * FRAME))
    saved = folder / "heard.flac"
    environment = microphone(folder, library, samples, options.pace, loops=True)
    listening = Listening(options, environment, "--save", saved)
    began, told, memory = time.monotonic(), 0, []
    print("| audio h | resident MB | utterances | losses |\n|---|---|---|---|")
    while (heard := (time.monotonic() - began) * options.pace / 3600) < options.hours:
        time.sleep(min(5, 3600 * options.hours / options.pace / 16))
        if listening.process.poll() is not None:
            sys.exit("soak.py: it ended by itself")
        memory.append(listening.resident())
        if heard >= told * options.hours / 16:
            told += 1
            # Not their seconds: the program does not know how fast the microphone's clock runs.
            utterances, losses = len(listening.of("final")), len(listening.of("overrun"))
            print(f"| {heard:.2f} | {memory[-1]:.1f} | {utterances} | {losses} |", flush=True)
    if listening.stop():
        sys.exit("soak.py: it failed")
    good = not listening.of("overrun")
    print(f"memory: {min(memory):.1f} to {max(memory):.1f} MB")
    good &= max(memory) - min(memory) <= GROWTH
    good &= compare_samples(saved, samples)
    good &= compare_loops(listening.of("final"), len(samples) / 2 / RATE)
    if not good:
        sys.exit(1)


def compare_samples(saved, samples):
    """Whether the recording is the loop from some sample on, again and again."""
    decoder = subprocess.Popen(["ffmpeg", "-v", "error", "-i", saved, "-f", "s16le", "-"], stdout=subprocess.PIPE)
    heard = decoder.stdout.read(len(samples))
    # Somewhere in the first loop, where something is said.
    place = 2 * 8 * RATE
    found = (2 * samples).find(heard[place : 2 * place])
    first = (found - place) % len(samples)
    expected = samples[first:] + samples[:first]
    same = 0
    while found >= 0 and heard and expected.startswith(heard):
        same += len(heard)
        heard = decoder.stdout.read(len(samples))
    if heard:
        decoder.kill()
    if decoder.wait() and not heard:
        sys.exit("soak.py: the recording cannot be read")
    if heard:
        print(f"samples: other ones than were said after {same / 2 / RATE:.2f} s")
    else:
        print(f"samples: all {same // 2} in the recording, {same / 2 / RATE / 3600:.3f} h, are those that were said")
    return not heard


def compare_loops(finals, period):
    """Whether each loop has the words of the second one, at the same times."""
    loops = {}
    for event in finals:
        # By its start, which lies between pauses, and is known to the frame.
        loops.setdefault(int(event["start"] // period), []).extend(event["words"])
    numbers = sorted(loops)[1:-1]
    if len(numbers) < 2:
        sys.exit("soak.py: not two whole loops; more hours are needed")
    reference = [word["text"] for word in loops[numbers[0]]]
    same, offsets = 0, {}
    for number in numbers:
        texts = [word["text"] for word in loops[number]]
        if texts == reference:
            same += 1
        else:
            print(f"loop {number + 1}, at {number * period:.0f} s: {difference(reference, texts)}")
        for a, b, count in difflib.SequenceMatcher(None, reference, texts, autojunk=False).get_matching_blocks():
            pairs = zip(loops[numbers[0]][a : a + count], loops[number][b : b + count])
            offsets.setdefault(number, []).extend(
                now[side] - then[side] - (number - numbers[0]) * period for then, now in pairs for side in ("start", "end"))
    print(f"words: {same} of {len(numbers)} whole loops of {period:.2f} s have the {len(reference)} words of the first of them")
    hour = 3600 / period
    first = [x for number in numbers if number < numbers[0] + hour for x in offsets[number]]
    last = [x for number in numbers if number > numbers[-1] - hour for x in offsets[number]]
    every = [x for number in numbers for x in offsets[number]]
    for name, some in ("first hour", first), ("last hour", last), ("all", every):
        print(f"times, {name}: off by {1e3 * statistics.median(some):.1f} ms in the median, {1e3 * max(map(abs, some)):.1f} ms at most")
    # Times are written in whole milliseconds.
    return same == len(numbers) and max(map(abs, every)) <= LATE + 0.001


def difference(reference, texts):
    """What is said instead of what, in words."""
    changes = difflib.SequenceMatcher(None, reference, texts, autojunk=False).get_opcodes()
    return "; ".join(
        f"“{' '.join(texts[c:d])}” for “{' '.join(reference[a:b])}”" for change, a, b, c, d in changes if change != "equal")


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
