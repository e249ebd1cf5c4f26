"""Whisper's encoder and decoder for training, as the engine computes them.

Parameters are named as the tensors of a model file (docs/model-file.md). A window is filled up as `AudioEncoder` does it:
the speech and a second of silence position by position, the rest of the silence merged by `paddingStride`, with log n
added to the scores of a key that stands for n positions.
"""

import json
import math

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    """Pre-norm attention with its residual; keys have no bias."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def heads_of(self, x, others=None, bias=None, causal=False):
        """What the heads give to the output product, [B, N, D], from x [B, N, D] and others [B, M, D], x itself if None;
        bias [B, 1, 1, M] is added to the scores."""
        y = self.norm(x)
        source = y if others is None else others
        parts = (self.query(y), self.key(source), self.value(source))
        query, key, value = (p.unflatten(2, (self.heads, -1)).transpose(1, 2) for p in parts)
        if bias is not None:
            bias = bias.to(query.dtype).expand(-1, 1, query.shape[2], -1)
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, is_causal=causal)
        return y.transpose(1, 2).flatten(2)

    def forward(self, x, others=None, bias=None, causal=False):
        return x + self.output(self.heads_of(x, others, bias, causal))


class FeedForward(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def inner(self, x):
        """What goes into the product down."""
        return functional.gelu(self.up(self.norm(x)))

    def forward(self, x):
        return x + self.down(self.inner(x))


class Layer(nn.Module):
    def __init__(self, width, heads, inner, crosses):
        super().__init__()
        self.self_attention = Attention(width, heads)
        if crosses:
            self.cross_attention = Attention(width, heads)
        self.feed_forward = FeedForward(width, inner)


class Encoder(nn.Module):
    def __init__(self, bands, shape):
        super().__init__()
        width = shape["width"]
        self.conv1 = nn.Conv1d(bands, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.positions = nn.Parameter(torch.zeros(shape["positions"], width), requires_grad=False)
        self.layers = nn.ModuleList(Layer(width, shape["heads"], shape["feedForward"], False) for _ in range(shape["layers"]))
        self.norm = nn.LayerNorm(width)
        self.stride = shape.get("paddingStride", 1)

    def layout(self, lengths):
        """How rows of `lengths` positions fill their windows: (state to take, position vector, log of the positions that it
        stands for), each [B, S]; -inf where a row has fewer than S."""
        rows, window = [], self.positions.shape[0]
        for length in lengths:
            groups = [(first, min(first + self.stride, window)) for first in range(length, window, self.stride)]
            states = list(range(length)) + [length] * len(groups)
            places = list(range(length)) + [(first + end) // 2 for first, end in groups]
            logs = [0.0] * length + [math.log(end - first) for first, end in groups]
            rows.append((states, places, logs))
        most = max(len(states) for states, _, _ in rows)
        padded = [
            [list(part) + [filling] * (most - len(part)) for part, filling in zip(row, (0, 0, -math.inf))] for row in rows
        ]
        states, places, logs = zip(*padded)
        return torch.tensor(states), torch.tensor(places), torch.tensor(logs)

    def begin(self, mel, lengths):
        """What goes into the first layer, and what is added to scores; as `forward`."""
        x = functional.gelu(self.conv1(mel.transpose(1, 2)))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        states, places, logs = (part.to(mel.device) for part in self.layout(lengths))
        x = x.gather(1, states[:, :, None].expand(-1, -1, x.shape[2])) + self.positions[places]
        return x, logs[:, None, None]

    def forward(self, mel, lengths):
        """mel [B, T, bands], of each row 2 (length + 2) frames at least, the last ones silence; lengths [B] of lists.

        To states [B, S, D] and the logarithms to add to their scores as keys, [B, 1, 1, S].
        """
        x, bias = self.begin(mel, lengths)
        for layer in self.layers:
            x = layer.feed_forward(layer.self_attention(x, bias=bias))
        return self.norm(x), bias


class Decoder(nn.Module):
    def __init__(self, tokens, shape):
        super().__init__()
        width = shape["width"]
        self.embedding = nn.Embedding(tokens, width)
        self.positions = nn.Parameter(torch.zeros(shape["positions"], width))
        self.layers = nn.ModuleList(Layer(width, shape["heads"], shape["feedForward"], True) for _ in range(shape["layers"]))
        self.norm = nn.LayerNorm(width)

    def begin(self, tokens):
        return self.embedding(tokens) + self.positions[: tokens.shape[1]]

    def forward(self, tokens, states, bias):
        """tokens [B, L] to states [B, L, D], each of which foretells the next token by its products with the embedding."""
        x = self.begin(tokens)
        for layer in self.layers:
            x = layer.self_attention(x, causal=True)
            x = layer.cross_attention(x, states, bias)
            x = layer.feed_forward(x)
        return self.norm(x)


class Whisper(nn.Module):
    def __init__(self, configuration):
        super().__init__()
        self.configuration = configuration
        self.encoder = Encoder(configuration["features"]["melBands"], configuration["encoder"])
        self.decoder = Decoder(configuration["vocabulary"]["size"], configuration["decoder"])

    def scores(self, states):
        """[..., D] to the scores of all tokens."""
        return functional.linear(states, self.decoder.embedding.weight)


def load_whisper(path):
    """(model, tensors of the file that are none of its parameters) of a float model file.

    Raises ValueError where it is none."""
    try:
        with safe_open(path, "pt") as file:
            model = Whisper(json.loads(file.metadata()["sotto"]))
            names = set(model.state_dict())
            model.load_state_dict({name: file.get_tensor(name).float() for name in names})
            return model, {name: file.get_tensor(name) for name in file.keys() if name not in names}
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} is not a float model file of an attention model: {error!r}") from error
