"""Prepared shards as batches."""

import json

import numpy as np
import torch

from .features import STREAMING_FLOOR

MASK_EVERY = 400  # mel frames to a time mask
LONGEST_MASK = 24  # mel frames
WIDEST_MASK = 10  # bands
LOWEST = (STREAMING_FLOOR + 4) / 4


class PreparedCorpus:
    """The clips of a folder that prepare.py has filled; arrays stay in their files until a batch needs them.

    `shards` limits it to the first so many (of those there were when an epoch began, to go on in it as it was).
    """

    def __init__(self, folder, shards=None):
        self.clips, self.mels, self.states = [], [], []
        # By age: shards that come later do not change the first ones.
        paths = sorted(folder.glob("*.clips.json"), key=lambda path: (path.stat().st_mtime, path))
        self.shards = len(paths[:shards])
        for index, path in enumerate(paths[:shards]):
            base = str(path).removesuffix(".clips.json")
            self.mels.append(np.load(base + ".mel.npy", mmap_mode="r"))
            self.states.append(np.load(base + ".states.npy", mmap_mode="r"))
            self.clips += [clip | {"shard": index} for clip in json.loads(path.read_text())]
        if not self.clips:
            raise FileNotFoundError(f"{folder} has no prepared shards: run tools/train/prepare.py")

    @property
    def hours(self):
        return sum(clip["frames"] for clip in self.clips) / 360_000

    def batches(self, epoch, limit, seed):
        """Lists of clips of about the same length, `limit` mel frames at most with padding, in random order."""
        rng = np.random.default_rng([seed, epoch])
        # A little noise on the length keeps the batches from being the same in every epoch.
        order = sorted(self.clips, key=lambda clip: clip["frames"] * rng.uniform(0.9, 1.1))
        batches, batch, longest = [], [], 0
        for clip in order:
            longest = max(longest, clip["frames"])
            if batch and (len(batch) + 1) * longest > limit:
                batches.append(batch)
                batch, longest = [], clip["frames"]
            batch.append(clip)
        batches.append(batch)
        rng.shuffle(batches)
        return batches

    def gather(self, batch, with_mel=True):
        """(mel [B, T, bands] or None, states [B, T / 2, width], lengths in states [B], pieces and their counts)."""
        longest = max(clip["frames"] for clip in batch)
        bands, width = self.mels[0].shape[1], self.states[0].shape[1]
        mel = np.full((len(batch), longest, bands), LOWEST, np.float32) if with_mel else None
        states = np.zeros((len(batch), longest // 2, width), np.float32)
        for row, clip in enumerate(batch):
            start, count = clip["frame"], clip["frames"]
            if with_mel:
                mel[row, :count] = self.mels[clip["shard"]][start : start + count]
            states[row, : count // 2] = self.states[clip["shard"]][start // 2 : (start + count) // 2]
        lengths = torch.tensor([clip["frames"] // 2 for clip in batch])
        pieces = torch.tensor([piece for clip in batch for piece in clip["pieces"]])
        counts = torch.tensor([len(clip["pieces"]) for clip in batch])
        return (torch.from_numpy(mel) if with_mel else None), torch.from_numpy(states), lengths, pieces, counts


def mask_states(states, lengths):
    """Stretches of up to a third of a second without anything, in place: a head has to guess words from their neighbours."""
    for row, length in enumerate(lengths.tolist()):
        for _ in range(int(torch.randint(0, length // 100 + 2, ()))):
            width = int(torch.randint(4, 17, ()))
            first = int(torch.randint(0, max(1, length - width), ()))
            states[row, first : first + width] = 0


def mask_features(mel, lengths, generator):
    """SpecAugment (Park et al., arXiv 1904.08779, without warping), in place: two bands and a few stretches of each clip."""
    draw = lambda high: int(torch.randint(0, max(1, high), (), generator=generator))
    for row, length in enumerate((2 * lengths).tolist()):
        filling = mel[row, :length].mean()
        for _ in range(2):
            width = draw(WIDEST_MASK + 1)
            first = draw(mel.shape[2] - width)
            mel[row, :, first : first + width] = filling
        for _ in range(draw(length // MASK_EVERY + 2)):
            width = draw(LONGEST_MASK + 1)
            first = draw(length - width)
            mel[row, first : first + width] = filling
