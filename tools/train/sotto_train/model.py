"""The streaming CTC model: Whisper's encoder with attention in chunks, two LSTM layers, word pieces.

    features [T, 80] - two convolutions - N = T / 2 states, 50 a second - 4 transformer layers, each frame attending to
    its own chunk, `left` frames before the chunk and LOOKAHEAD frames after it - norm - pairs stacked, 25 a second - LSTMs -
    scores of pieces

Positions are Whisper's sinusoids; they wrap at 1500, so that a stream has no end. An utterance starts at position 0.
"""

import json

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn import functional

POSITIONS = 1500
STACK = 2
LOOKAHEAD = 12  # frames: 240 ms


class Layer(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x, mask):
        batch, count, width = x.shape
        y = self.qkv(self.attention_norm(x)).view(batch, count, 3, self.heads, width // self.heads)
        query, key, value = y.permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = x + self.output(y.transpose(1, 2).reshape(batch, count, width))
        return x + self.down(functional.gelu(self.up(self.feed_forward_norm(x))))


class Encoder(nn.Module):
    def __init__(self, bands=80, width=384, heads=6, inner=1536, layers=4):
        super().__init__()
        self.conv1 = nn.Conv1d(bands, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.zeros(POSITIONS, width))
        self.bands, self.width = bands, width
        self.layers = nn.ModuleList(Layer(width, heads, inner) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, mel, layout=None, offsets=None):
        """mel [B, T, bands], layout of `chunk_layout` (None: every frame hears all), offsets [B] of positions; to [B, N, width]."""
        x = functional.gelu(self.conv1(mel.transpose(1, 2)))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        index = torch.arange(x.shape[1], device=x.device)[None] + (0 if offsets is None else offsets[:, None])
        x = x + self.positions[index % POSITIONS]
        count = x.shape[1]
        frames, mask = (None, None) if layout is None else (part.to(x.device) for part in layout)
        x = x if layout is None else x[:, frames]
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x[:, :count])

    @classmethod
    def of_whisper(cls, path):
        """The encoder of a float model file of the engine (tools/import_whisper.py makes it), of whatever size."""
        try:
            with safe_open(path, "pt") as file:
                configuration = json.loads(file.metadata()["sotto"])
                shape = configuration["encoder"]
                encoder = cls(
                    configuration["features"]["melBands"], shape["width"], shape["heads"], shape["feedForward"], shape["layers"]
                )
                encoder.load(file)
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not a float model file of an attention model: {error!r}") from error
        return encoder

    def load(self, file):
        def take(name):
            return file.get_tensor("encoder." + name).float()

        state = {"positions": take("positions")}
        for name in ("conv1", "conv2", "norm"):
            for part in ("weight", "bias"):
                state[f"{name}.{part}"] = take(f"{name}.{part}")
        for index in range(len(self.layers)):
            for ours, theirs in LAYER_NAMES.items():
                for part in ("weight", "bias"):
                    state[f"layers.{index}.{ours}.{part}"] = take(f"layers.{index}.{theirs}.{part}")
            parts = [f"layers.{index}.self_attention.{part}" for part in ("query", "key", "value")]
            state[f"layers.{index}.qkv.weight"] = torch.cat([take(p + ".weight") for p in parts])
            # Whisper's keys have no bias: it would add the same to all scores of a query.
            query, value = take(parts[0] + ".bias"), take(parts[2] + ".bias")
            state[f"layers.{index}.qkv.bias"] = torch.cat([query, torch.zeros_like(query), value])
        self.load_state_dict(state)


# Names of a layer's tensors here and in the model file.
LAYER_NAMES = {
    "attention_norm": "self_attention.norm", "output": "self_attention.output",
    "feed_forward_norm": "feed_forward.norm", "up": "feed_forward.up", "down": "feed_forward.down",
}  # fmt: skip


class StreamCTC(nn.Module):
    def __init__(self, encoder, pieces, recurrent=384, recurrent_layers=2, dropout=0.1):
        super().__init__()
        self.encoder = encoder
        self.lstm = nn.LSTM(STACK * encoder.width, recurrent, recurrent_layers, batch_first=True, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(recurrent, pieces + 1)  # class 0 is the blank

    def head(self, states):
        """[B, N, width] to log-probabilities [B, N / 2, pieces + 1]."""
        batch, count, width = states.shape
        stacked = states[:, : count // STACK * STACK].reshape(batch, count // STACK, STACK * width)
        return functional.log_softmax(self.output(self.dropout(self.lstm(stacked)[0])).float(), dim=-1)


def chunk_layout(count, chunk, left, lookahead=LOOKAHEAD, lengths=None):
    """What the layers compute for `count` frames in chunks: (frames [S], mask [B or 1, 1, S, S], true where attended).

    Frames are all of them in their order, then for each chunk once more the `lookahead` frames after it (hard copies of the
    right context: Shi et al., Emformer, arXiv 2010.10759). A frame hears its whole chunk, the copies that are the chunk's, and
    the `left` frames before the chunk's first; a copy hears what its chunk hears. `chunk` None: all of the utterance. Frames
    past an utterance's length are heard by themselves only.
    """
    frames = torch.arange(count)
    if chunk is None:
        mask = torch.ones(count, count, dtype=torch.bool)
    else:
        starts = range(0, count, chunk)
        copies = [torch.arange(min(start + chunk, count), min(start + chunk + lookahead, count)) for start in starts]
        owners = [torch.full_like(own, start) for start, own in zip(starts, copies)]
        start = torch.cat([frames // chunk * chunk, *owners])
        frames = torch.cat([frames, *copies])
        is_copy = torch.arange(len(frames)) >= count
        near = (frames[None] < start[:, None] + chunk) & (frames[None] >= start[:, None] - left)
        mask = torch.where(is_copy[None], start[None] == start[:, None], near)
    if lengths is None:
        return frames, mask[None, None]
    inside = frames[None] < lengths[:, None]
    return frames, (mask[None] & inside[:, None] | torch.eye(len(frames), dtype=torch.bool))[:, None]
