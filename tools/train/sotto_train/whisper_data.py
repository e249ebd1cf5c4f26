"""Speech with its tokens, as Whisper's decoder has them, in batches; from the shards that synthesize.py has made."""

import json

import numpy as np
import soundfile
import torch
from tokenizers import Tokenizer

from .features import log_mel

HOP, STATE = 160, 320  # samples of a feature frame, of a state
AFTER = 50  # states of silence that are kept after the speech, as the engine does
EXTRA = 2  # and more of it, for the first state that hears silence alone
TIMESTAMP = 0.02  # seconds


class Tokens:
    """Texts as what the decoder is to say: with times, start of transcript to end of text."""

    def __init__(self, path, vocabulary):
        try:
            self.tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # it raises nothing more particular
            raise ValueError(f"{path} is no tokenizer.json: {error}") from error
        self.vocabulary = vocabulary

    def __call__(self, text, seconds):
        """Half of the tokens that a text may have are never reached: texts are cut at 200."""
        v = self.vocabulary
        if not text:
            return [v["startOfTranscript"], v["noSpeech"]]
        words = self.tokenizer.encode(" " + text, add_special_tokens=False).ids[:200]
        end = v["firstTimestamp"] + round(seconds / TIMESTAMP)
        return [v["startOfTranscript"], v["firstTimestamp"], *words, end, v["endOfText"]]


def features(samples):
    """[S] to (mel [2 (N + 52), 80], N + 50 states): the floor lies 8 below the loudest, as in Whisper."""
    length = -(-len(samples) // STATE) + AFTER
    padded = np.zeros((length + EXTRA) * STATE, np.float32)
    padded[: len(samples)] = samples
    return log_mel(torch.from_numpy(padded), floor=None), length


class Shards:
    """Batches of the shards of a corpus, shard after shard; what `place` says has been taken already is left out."""

    def __init__(self, corpus, tokens, seconds, seed=1):
        self.paths = sorted(corpus.glob("shard-*.jsonl"))
        if not self.paths:
            raise FileNotFoundError(f"{corpus} has no shards: run tools/train/synthesize.py")
        self.tokens, self.seconds, self.seed = tokens, seconds, seed

    def shard(self, epoch, index):
        """The batches of the index-th shard of an epoch, as (mel [B, T, 80], lengths, tokens [B, L], counts)."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.paths))
        path = self.paths[order[index]]
        heard = soundfile.read(path.with_suffix(".flac"), dtype="float32")[0][:, 0]
        clips = []
        for line in path.read_text(encoding="utf-8").splitlines():
            clip = json.loads(line)
            mel, length = features(heard[clip["start"] : clip["start"] + clip["samples"]])
            clips.append((mel, length, self.tokens(clip["text"], clip["samples"] / (HOP * 100))))
        clips.sort(key=lambda clip: clip[1])
        batches, batch = [], []
        for clip in clips:
            if batch and (len(batch) + 1) * clip[1] > self.seconds * 50:
                batches.append(batch)
                batch = []
            batch.append(clip)
        batches.append(batch)
        for place in np.random.default_rng([self.seed, epoch, index]).permutation(len(batches)):
            yield collate(batches[place])

    def __len__(self):
        return len(self.paths)


def collate(clips):
    frames, most = max(len(mel) for mel, _, _ in clips), max(len(tokens) for _, _, tokens in clips)
    # What is past a clip's own frames is never taken by the encoder.
    mels = torch.stack([torch.nn.functional.pad(mel, (0, 0, 0, frames - len(mel))) for mel, _, _ in clips])
    tokens = torch.zeros(len(clips), most, dtype=torch.long)
    for row, (_, _, own) in enumerate(clips):
        tokens[row, : len(own)] = torch.tensor(own)
    return mels, [length for _, length, _ in clips], tokens, [len(own) for _, _, own in clips]
