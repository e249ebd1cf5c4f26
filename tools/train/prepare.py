#!/usr/bin/env python3
"""Computes once what training reads again and again: features of the speech as heard, the full-context states of
Whisper's encoder on the same speech clean, and the word pieces of its text.

    python tools/train/prepare.py --model FLOAT_MODEL --vocabulary PIECES.model CORPUS [FOLDER]

FLOAT_MODEL is made by tools/import_whisper.py. Per shard: NAME.mel.npy, [frames, 80] float16, 100 a second;
NAME.states.npy, [frames / 2, 384] float16; NAME.clips.json, with (frame, frames, pieces) of each clip, written last. Shards
that are there are left alone, so the command can follow a synthesis that is still running (--watch SHARDS).
"""

import argparse
import json
import pathlib
import time

import numpy as np
import sentencepiece
import soundfile
import torch

from sotto_train.features import log_mel
from sotto_train.model import Encoder
from sotto_train.precision import faster_precision, mixed
from sotto_train.texts import spoken

ALIGN = 4  # mel frames of a clip are a multiple of this: two for a state, two states for a row of scores


def batches(lengths, limit):
    """Indices of clips of about the same length, `limit` frames at most in each batch."""
    batch, order = [], sorted(range(len(lengths)), key=lengths.__getitem__)
    for index in order:
        if batch and (len(batch) + 1) * lengths[index] > limit:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


@torch.no_grad()
def states_of(encoder, features, precision):
    """Full-context states of each clip, batched by length. A clip ends in silence up to the longest of its batch."""
    result = [None] * len(features)
    for batch in batches([len(f) for f in features], 12_000):
        longest = max(len(features[i]) for i in batch)
        padded = torch.stack([
            torch.nn.functional.pad(features[i], (0, 0, 0, longest - len(features[i])), value=float(features[i].min()))
            for i in batch
        ])  # fmt: skip
        with mixed(precision):
            rows = encoder(padded).float()
        for index, states in zip(batch, rows):
            result[index] = states[: len(features[index]) // 2]
    return result


def prepare(shard, folder, encoder, vocabulary, precision):
    audio = soundfile.read(shard.with_suffix(".flac"), dtype="float32")[0]
    mels, cleans, clips, frame = [], [], [], 0
    for line in shard.read_text(encoding="utf-8").splitlines():
        clip = json.loads(line)
        frames = clip["samples"] // 160 // ALIGN * ALIGN
        heard, clean = torch.from_numpy(audio[clip["start"] : clip["start"] + frames * 160].T.copy())
        pieces = vocabulary.encode(spoken(clip["text"]))
        # CTC needs a row of scores for each piece, and a blank between two that are the same.
        if frames // ALIGN < len(pieces) + sum(a == b for a, b in zip(pieces, pieces[1:])):
            continue
        mels.append(log_mel(heard))
        cleans.append(log_mel(clean, floor=None))
        clips.append({"frame": frame, "frames": frames, "pieces": pieces, "voice": clip["voice"]})
        frame += frames
    states = torch.cat(states_of(encoder, cleans, precision))
    np.save(folder / (shard.stem + ".mel.npy"), torch.cat(mels).half().numpy())
    np.save(folder / (shard.stem + ".states.npy"), states.half().numpy())
    (folder / (shard.stem + ".clips.json")).write_text(json.dumps(clips))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="default: CORPUS/prepared")
    parser.add_argument("--model", required=True)
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--watch", type=int, default=0, metavar="SHARDS", help="wait until so many are done")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = arguments.folder or arguments.corpus / "prepared"
    folder.mkdir(parents=True, exist_ok=True)
    encoder = Encoder.of_whisper(arguments.model).eval()
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=arguments.vocabulary)
    precision = faster_precision()
    while True:
        for shard in sorted(arguments.corpus.glob("shard-*.jsonl")):
            if not (folder / (shard.stem + ".clips.json")).exists():
                began = time.time()
                prepare(shard, folder, encoder, vocabulary, precision)
                print(f"{shard.stem}: {time.time() - began:.1f} s", flush=True)
        if len(list(folder.glob("*.clips.json"))) >= arguments.watch:
            return
        time.sleep(5)


if __name__ == "__main__":
    main()
