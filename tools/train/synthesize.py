#!/usr/bin/env python3
"""Synthesises speech with its text, for every training here: any number of hours, in shards, resumable.

    python tools/train/synthesize.py --text TEXT_FOLDER --held-out MANIFEST [--hours 20] [--jobs 2] CORPUS

A shard is two files: NAME.flac, 16 kHz, two channels (as a microphone hears it; clean), clips one after another, and
NAME.jsonl, one clip a line: start and samples in the FLAC, text (with case and punctuation, as spoken), voice, licence
(of the voice), source (of the text), degradation. The .jsonl is written last: a shard without one is made again. A
shard depends on the seed and its number only.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import sys
import time
from collections import deque

import numpy as np
import soundfile

from sotto_train.degradation import RATE, degrade, draw_degradation, make_sounds, speech_level
from sotto_train.texts import TEXTS, read_sentences, without_held_out
from sotto_train.voices import MissingVoice, load_voices

SHARD_SECONDS = 600
LONGEST = 22.0  # seconds of a clip
SENTENCES_A_SHARD = 45  # of each text, about
# A few words; one sentence; two or three; sounds without any.
KINDS = {"words": 0.08, "sentence": 0.61, "sentences": 0.27, "nothing": 0.04}


def read_texts(folder, held_out):
    if missing := [name for name in TEXTS if not (folder / name).is_file()]:
        sys.exit(f"{folder} lacks {', '.join(missing)}")
    return {name: without_held_out(read_sentences(folder / name), held_out) for name in TEXTS}


class Sentences:
    """Sentences of one text in an order of their own. A shard begins where the one before it will have ended, so that none
    is spoken twice before all are."""

    def __init__(self, sentences, shard):
        self.sentences = sentences
        self.order = np.random.default_rng(0).permutation(len(sentences))
        self.position = shard * SENTENCES_A_SHARD

    def take(self):
        self.position += 1
        return self.sentences[self.order[self.position % len(self.order)]]


def draw_pieces(rng, sentences):
    """One to three pieces of text, to be spoken with pauses between them; none for a clip without speech."""
    kind = rng.choice(list(KINDS), p=list(KINDS.values()))
    if kind == "nothing":
        return []
    if kind == "words":
        words = sentences.take().rstrip(".,;:!?").split()
        start = rng.integers(len(words))
        return [" ".join(words[start : start + rng.integers(1, 5)])]
    return [sentences.take() for _ in range(1 if kind == "sentence" else rng.integers(2, 4))]


def trimmed(samples):
    """Without the engine's own silence before and after: everything 50 dB below the peak."""
    loud = np.flatnonzero(np.abs(samples) > 0.003 * np.abs(samples).max())
    return samples[max(0, loud[0] - 160) : loud[-1] + 1600] if len(loud) else samples[:0]


def speak(rng, speak_text, pieces):
    """The samples of as many pieces as fit, and those pieces. Both are empty if not even the first fits."""
    silence = lambda low, high: np.zeros(int(rng.uniform(low, high) * RATE))
    parts, said = [silence(0.05, 0.6)], []
    for piece in pieces:
        added = [trimmed(speak_text(piece)), silence(0.15, 0.8)]
        if not len(added[0]) or sum(map(len, parts + added)) > LONGEST * RATE:
            break
        parts, said = parts + added, said + [piece]
    return (np.concatenate(parts), said) if said else (np.zeros(0), [])


def write_shard(folder, number, seed, texts, voices):
    rng = np.random.default_rng([seed, number])
    sources = {name: Sentences(sentences, number) for name, sentences in texts.items()}
    done, others = {voice.name: 0.0 for voice in voices}, deque(maxlen=12)
    # Voices with small shares would come too late in a shard or never: each starts with a debt of its own.
    debts = {voice.name: rng.uniform(0, 1) * voice.share * SHARD_SECONDS * 0.3 for voice in voices}
    lines, audio, start = [], [], 0
    while start < SHARD_SECONDS * RATE:
        total = sum(done.values())
        voice = max(voices, key=lambda v: v.share * total + debts[v.name] - done[v.name])
        source = str(rng.choice(TEXTS))
        pieces = draw_pieces(rng, sources[source])
        if pieces:
            clean, said = speak(rng, voice.prepare(rng), pieces)
            done[voice.name] += max(1, len(clean)) / RATE
            if not said:
                continue
            entry = {"text": " ".join(said), "voice": voice.name, "licence": voice.licence, "source": source}
        else:
            clean = make_sounds(rng, rng.uniform(1.5, 8))
            entry = {"text": "", "voice": "none", "licence": "CC0-1.0", "source": "none"}
        clean = clean / speech_level(clean) * 0.05
        chosen = draw_degradation(rng, can_babble=bool(pieces) and len(others) >= 5)
        heard = degrade(rng, clean, chosen, others)
        if pieces:
            others.append(clean)
        else:
            clean = heard
        lines.append(json.dumps({"start": start, "samples": len(clean)} | entry | {"degradation": chosen}))
        clean = clean * min(1, 0.9 / np.abs(clean).max())
        audio.append(np.stack([heard, clean], axis=1).astype(np.float32))
        start += len(clean)
    soundfile.write(folder / f"shard-{number:04d}.flac", np.concatenate(audio), RATE, subtype="PCM_16")
    temporary = folder / f"shard-{number:04d}.part"
    temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    temporary.rename(folder / f"shard-{number:04d}.jsonl")


def work(numbers, arguments):
    os.environ["OMP_NUM_THREADS"] = "1"
    texts = read_texts(arguments.text, arguments.held_out)
    for number in numbers:
        began = time.time()
        voices = load_voices(arguments.seed * 100_000 + number)
        write_shard(arguments.corpus, number, arguments.seed, texts, voices)
        print(f"shard {number}: {SHARD_SECONDS / (time.time() - began):.1f} times real time", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--text", type=pathlib.Path, required=True, help="folder of " + ", ".join(TEXTS))
    parser.add_argument("--held-out", type=pathlib.Path, required=True, help="manifest.jsonl whose sentences stay out")
    parser.add_argument("--hours", type=float, default=20)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        load_voices(0)
    except MissingVoice as error:
        parser.error(str(error))
    arguments.corpus.mkdir(parents=True, exist_ok=True)
    wanted = range(int(arguments.hours * 3600 / SHARD_SECONDS))
    missing = [n for n in wanted if not (arguments.corpus / f"shard-{n:04d}.jsonl").exists()]
    jobs = [
        multiprocessing.get_context("spawn").Process(target=work, args=(missing[i :: arguments.jobs], arguments))
        for i in range(arguments.jobs)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    if any(job.exitcode for job in jobs):
        sys.exit("a job failed; what is done is kept, run again to go on")


if __name__ == "__main__":
    main()
