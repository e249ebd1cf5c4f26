"""What a frozen CTC model hears: the rows of its last recurrent layer, computed once and kept on disk."""

import os

import numpy as np
import torch

from .binary_coding import CodedWeights
from .data import LOWEST, mask_features
from .model import STACK, Encoder, StreamCTC, chunk_layout
from .model_files import read_ctc
from .precision import mixed

CHUNKS = (16, 32, 32, 64)  # states; one is drawn for each batch
LEFT = 256
LIMIT = 12_000  # mel frames in a batch, padding included
MASKED = 0.5  # share of the batches that are heard through masks, where the model is as unsure as with real speech


def load_base(checkpoint, heads=6):
    """The model of a run of stream_ctc.py, frozen, with the weights that export.py writes of it; or that of such a file."""
    if checkpoint.suffix == ".safetensors":
        return read_ctc(checkpoint).eval().requires_grad_(False)
    run = torch.load(checkpoint, map_location="cpu", weights_only=True)
    state = run["model" if run["coding"] else "average"]
    width, bands, _ = state["encoder.conv1.weight"].shape
    layers = sum(name.endswith(".qkv.weight") for name in state)
    encoder = Encoder(bands, width, heads, state["encoder.layers.0.up.weight"].shape[0], layers)
    recurrent = sum(name.startswith("lstm.weight_ih_l") for name in state)
    model = StreamCTC(encoder, len(state["output.bias"]) - 1, state["lstm.weight_hh_l0"].shape[1], recurrent)
    model.load_state_dict(state)
    if run["coding"]:
        CodedWeights.of_state(model, run["coding"]).__enter__()
    return model.eval().requires_grad_(False)


def hear(model, mel, chunk, lengths=None):
    """mel [B, T, bands] to rows [B, T / 4, width] of the last recurrent layer."""
    states = model.encoder(mel, chunk_layout(mel.shape[1] // 2, chunk, LEFT, lengths=lengths))
    batch, count, width = states.shape
    return model.lstm(states[:, : count // STACK * STACK].reshape(batch, count // STACK, STACK * width))[0]


class HeardCorpus:
    """The rows of a PreparedCorpus in a folder, one file a shard: NAME.npy, [mel frames / 4, width] float16."""

    def __init__(self, corpus, folder):
        self.corpus, self.folder = corpus, folder
        self.files = {}

    def prepare(self, model, seed, precision="float32", told=lambda shard: None):
        """Computes what is missing. Each shard draws its chunks and masks by itself, so that it may be stopped."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mark, own = self.folder / "base.npy", model.output.bias.numpy()
        if mark.exists() and not np.array_equal(np.load(mark), own):
            raise SystemExit(f"{self.folder} is what another model has heard: remove it")
        np.save(mark, own)
        for shard in range(self.corpus.shards):
            path = self.folder / f"{shard:04d}.npy"
            if not path.exists():
                with mixed(precision):
                    rows = self.rows_of(model, shard, torch.Generator().manual_seed(seed * 100_003 + shard))
                with open(path.with_suffix(".part"), "wb") as file:
                    np.save(file, rows)
                os.replace(path.with_suffix(".part"), path)
                told(shard)
            self.files[shard] = np.load(path, mmap_mode="r")

    @torch.no_grad()
    def rows_of(self, model, shard, generator):
        clips = [clip for clip in self.corpus.clips if clip["shard"] == shard]
        mels = self.corpus.mels[shard]
        result = np.zeros((len(mels) // (2 * STACK), model.lstm.hidden_size), np.float16)
        for batch in batches(clips):
            longest = max(clip["frames"] for clip in batch)
            mel = torch.full((len(batch), longest, mels.shape[1]), LOWEST)
            for row, clip in enumerate(batch):
                mel[row, : clip["frames"]] = torch.from_numpy(
                    mels[clip["frame"] : clip["frame"] + clip["frames"]].astype(np.float32)
                )
            lengths = torch.tensor([clip["frames"] // 2 for clip in batch])
            if float(torch.rand((), generator=generator)) < MASKED:
                mask_features(mel, lengths, generator)
            chunk = CHUNKS[int(torch.randint(len(CHUNKS), (), generator=generator))]
            rows = hear(model, mel, chunk, lengths).float().half().numpy()
            for row, clip in enumerate(batch):
                start, count = clip["frame"] // (2 * STACK), clip["frames"] // (2 * STACK)
                result[start : start + count] = rows[row, :count]
        return result

    def gather(self, batch):
        """(rows [B, T, width], their lengths [B], classes [B, U], their counts [B])."""
        lengths = torch.tensor([clip["frames"] // (2 * STACK) for clip in batch])
        counts = torch.tensor([len(clip["pieces"]) for clip in batch])
        width = self.files[0].shape[1]
        rows = torch.zeros(len(batch), int(lengths.max()), width)
        pieces = torch.zeros(len(batch), max(1, int(counts.max())), dtype=torch.long)
        for row, clip in enumerate(batch):
            start = clip["frame"] // (2 * STACK)
            own = self.files[clip["shard"]][start : start + int(lengths[row])]
            rows[row, : len(own)] = torch.from_numpy(own.astype(np.float32))
            pieces[row, : counts[row]] = torch.tensor(clip["pieces"])
        return rows, lengths, pieces, counts


def batches(clips):
    """Clips of about the same length together."""
    batch = []
    for clip in sorted(clips, key=lambda clip: clip["frames"]):
        if batch and (len(batch) + 1) * clip["frames"] > LIMIT:
            yield batch
            batch = []
        batch.append(clip)
    if batch:
        yield batch
