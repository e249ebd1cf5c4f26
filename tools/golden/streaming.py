#!/usr/bin/env python3
"""Writes the golden values of the streaming models to Tests/Golden/ (streaming.md describes them).

    tools/golden/streaming.py [--transducer]

A small CTC model with random weights, what PyTorch computes with it in chunks of several lengths, and some of Whisper's
position vectors; a transducer on it, and its scores in all rows after each prefix of a text: with --transducer these
alone, on the CTC model that is there. Needs what tools/train/requirements.txt names.
"""

import json
import pathlib
import sys

import torch
from safetensors import safe_open

TOOLS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOOLS), str(TOOLS / "train")]
from export import matrices, model_configuration, transducer_configuration, vectors, write_model  # noqa: E402
from sotto_train.model import POSITIONS, Encoder, StreamCTC, chunk_layout  # noqa: E402
from sotto_train.transducer import Transducer, onsets  # noqa: E402

GOLDEN = TOOLS.parent / "Tests" / "Golden"
BANDS, WIDTH, HEADS, INNER, LAYERS, RECURRENT = 80, 16, 2, 32, 2, 12
PIECES = ["▁", "e", "▁the", "s", "é", *"abcdfghijklmno"]
FRAMES, LEFT, LOOKAHEAD, CHUNKS = 101, 11, 6, (4, 8, 16)
EMBEDDING, PREDICTOR, JOINER = 8, 10, 14
TEXT = [3, 1, 1, 19, 7]  # classes; two pieces are the same


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
    write_transducer()


def read_stream():
    """The CTC model in its file, and its configuration; in its state the parts of a parameter are views of it."""
    model = StreamCTC(Encoder(BANDS, WIDTH, HEADS, INNER, LAYERS), len(PIECES), RECURRENT).eval()
    state = {name: value.detach() for name, value in model.state_dict().items()}
    with safe_open(GOLDEN / "random-stream.safetensors", "pt") as file:
        for name, parameter, rows in matrices(state):
            whole, value = state[parameter][rows], file.get_tensor(name).float()
            if whole.dim() == 3:
                value = value.view(whole.shape[0], whole.shape[2], whole.shape[1]).permute(0, 2, 1)
            whole.copy_(value)
        for name, part in vectors(state):
            if name.startswith("recurrent."):
                layer = name.split(".")[1]
                state[f"lstm.bias_ih_l{layer}"].copy_(file.get_tensor(name).float())
                state[f"lstm.bias_hh_l{layer}"].zero_()
            else:
                part.copy_(file.get_tensor(name).float())
        configuration = json.loads(file.metadata()["sotto"])
    model.encoder.positions.copy_(sinusoids())
    return model, configuration


def write_transducer():
    base, configuration = read_stream()
    mel = torch.from_file(str(GOLDEN / "random-stream-input.f32"), size=FRAMES * BANDS).view(FRAMES, BANDS)
    scores = [-1.0 - index / 8 for index in range(len(PIECES))]
    torch.manual_seed(4)
    model = Transducer(len(PIECES), RECURRENT, EMBEDDING, PREDICTOR, JOINER, 0.0).eval()
    for name, parameter in model.named_parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 25
        values = torch.randn_like(parameter) * fan_in**-0.5
        values *= 2 if name == "output.weight" else 1
        parameter.copy_(torch.zeros(()) if "bias_hh" in name else values.half().float())
    own = transducer_configuration(
        model.state_dict(), configuration, GOLDEN / "random-stream.safetensors", "random-rnnt", "CC0-1.0",
        "random numbers, for tests",
    )  # fmt: skip
    write_model(GOLDEN / "random-rnnt.safetensors", model.state_dict(), own, PIECES, scores)
    states = base.encoder(mel[None], chunk_layout((FRAMES + 1) // 2, CHUNKS[1], LEFT, LOOKAHEAD))
    rows = base.lstm(states[:, :-1].reshape(1, -1, 2 * WIDTH))[0][0]
    begins = onsets(base.head(states)[0])
    recalled, _ = model.predictions(torch.tensor([[0, *TEXT]]))
    result = model.join(model.hears(rows)[:, None], recalled[0][None], begins[:, None])
    write_floats("random-rnnt-scores.f32", result)  # [rows, prefixes, classes]


if __name__ == "__main__":
    if sys.argv[1:] == ["--transducer"]:
        torch.set_grad_enabled(False)
        write_transducer()
    else:
        main()
