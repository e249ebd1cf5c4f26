#!/usr/bin/env python3
"""Writes the golden values of the streaming CTC model to Tests/Golden/ (streaming.md describes them).

    tools/golden/streaming.py

A small model with random weights, what PyTorch computes with it in chunks of several lengths, and some of Whisper's
position vectors. Needs what tools/train/requirements.txt names.
"""

import pathlib
import sys

import torch

TOOLS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOOLS), str(TOOLS / "train")]
from export import model_configuration, write_model  # noqa: E402
from sotto_train.model import POSITIONS, Encoder, StreamCTC, chunk_layout  # noqa: E402

GOLDEN = TOOLS.parent / "Tests" / "Golden"
BANDS, WIDTH, HEADS, INNER, LAYERS, RECURRENT = 80, 16, 2, 32, 2, 12
PIECES = ["▁", "e", "▁the", "s", "é", *"abcdfghijklmno"]
FRAMES, LEFT, LOOKAHEAD, CHUNKS = 101, 11, 6, (4, 8, 16)


def sinusoids():
    """Whisper's position vectors, in float64. [POSITIONS, WIDTH]"""
    half = WIDTH // 2
    frequencies = torch.exp(-torch.log(torch.tensor(10_000.0, dtype=torch.float64)) / (half - 1) * torch.arange(half))
    angles = torch.arange(POSITIONS, dtype=torch.float64)[:, None] * frequencies[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def write_floats(name, values):
    values.detach().numpy().astype("<f4").tofile(GOLDEN / name)


def main():
    torch.manual_seed(3)
    torch.set_grad_enabled(False)
    model = StreamCTC(Encoder(BANDS, WIDTH, HEADS, INNER, LAYERS), len(PIECES), RECURRENT).eval()
    for name, parameter in model.named_parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 25
        values = torch.randn_like(parameter) * fan_in**-0.5
        if "norm" in name and name.endswith("weight"):
            values = 1 + values
        if name.startswith("output.weight"):
            values *= 4
        # As the file has them. The sum of an LSTM's two biases is rounded there: one of them is left at zero.
        parameter.copy_(torch.zeros(()) if "bias_hh" in name else values.half().float())
    model.encoder.positions.copy_(sinusoids())
    configuration = model_configuration(
        model.state_dict(), HEADS, len(PIECES), "random-stream", "CC0-1.0", "random numbers, for tests",
        CHUNKS, CHUNKS[1], LEFT, LOOKAHEAD,
    )  # fmt: skip
    scores = [-1.0 - index / 8 for index in range(len(PIECES))]
    write_model(GOLDEN / "random-stream.safetensors", model.state_dict(), configuration, PIECES, scores)

    # Within the range of features, whose lowest value is the floor.
    mel = torch.rand(FRAMES, BANDS) * 2 - 0.625
    write_floats("random-stream-input.f32", mel)
    count = (FRAMES + 1) // 2
    for chunk in CHUNKS:
        states = model.encoder(mel[None], chunk_layout(count, chunk, LEFT, LOOKAHEAD))
        write_floats(f"random-stream-states.{chunk}.f32", states[0])
        write_floats(f"random-stream-scores.{chunk}.f32", model.head(states)[0])


if __name__ == "__main__":
    main()
