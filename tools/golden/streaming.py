#!/usr/bin/env python3
"""Writes the golden values of the streaming models to Tests/Golden/ (streaming.md describes them).

    tools/golden/streaming.py [--transducer | --mocha]

A small CTC model with random weights, what PyTorch computes with it in chunks of several lengths, and some of Whisper's
position vectors; a transducer and monotonic chunkwise attention on it, and their scores in all rows after each prefix of a text: with
--transducer or --mocha these alone, on the CTC model that is there. Needs what tools/train/requirements.txt names.
"""

import json
import pathlib
import sys

import torch
from safetensors import safe_open

TOOLS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOOLS), str(TOOLS / "train")]
from export import (  # noqa: E402
    matrices, mocha_configuration, model_configuration, transducer_configuration, vectors, write_model,
)  # fmt: skip
from sotto_train.mocha import MoChA, windows  # noqa: E402
from sotto_train.model import POSITIONS, Encoder, StreamCTC, chunk_layout  # noqa: E402
from sotto_train.onsets import onsets  # noqa: E402
from sotto_train.transducer import Transducer  # noqa: E402

GOLDEN = TOOLS.parent / "Tests" / "Golden"
BANDS, WIDTH, HEADS, INNER, LAYERS, RECURRENT = 80, 16, 2, 32, 2, 12
PIECES = ["▁", "e", "▁the", "s", "é", *"abcdfghijklmno"]
FRAMES, LEFT, LOOKAHEAD, CHUNKS = 101, 11, 6, (4, 8, 16)
EMBEDDING, PREDICTOR, JOINER, ENERGY, WINDOW = 8, 10, 14, 6, 4
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
    write_mocha()


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


def begin_decoder(make, seed):
    """A model with random weights as a file has them; CTC's configuration; rows that are heard, and what begins in each."""
    base, configuration = read_stream()
    mel = torch.from_file(str(GOLDEN / "random-stream-input.f32"), size=FRAMES * BANDS).view(FRAMES, BANDS)
    torch.manual_seed(seed)
    model = make().eval()
    for name, parameter in model.named_parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 25
        values = torch.randn_like(parameter) * fan_in**-0.5
        values *= 2 if name == "output.weight" else 1
        parameter.copy_(torch.zeros(()) if "bias_hh" in name else values.half().float())
    states = base.encoder(mel[None], chunk_layout((FRAMES + 1) // 2, CHUNKS[1], LEFT, LOOKAHEAD))
    rows = base.lstm(states[:, :-1].reshape(1, -1, 2 * WIDTH))[0][0]
    return model, configuration, rows, onsets(base.head(states)[0])


def write_decoder(model, configuration_of, base, name):
    scores = [-1.0 - index / 8 for index in range(len(PIECES))]
    own = configuration_of(
        model.state_dict(), base, GOLDEN / "random-stream.safetensors", name, "CC0-1.0", "random numbers, for tests"
    )
    write_model(GOLDEN / f"{name}.safetensors", model.state_dict(), own, PIECES, scores)


def write_transducer():
    model, base, rows, begins = begin_decoder(
        lambda: Transducer(len(PIECES), RECURRENT, EMBEDDING, PREDICTOR, JOINER, 0.0), 4
    )
    write_decoder(model, transducer_configuration, base, "random-rnnt")
    recalled, _ = model.predictions(torch.tensor([[0, *TEXT]]))
    result = model.join(model.hears(rows)[:, None], recalled[0][None], begins[:, None])
    write_floats("random-rnnt-scores.f32", result)  # [rows, prefixes, classes]


def write_mocha():
    model, base, rows, begins = begin_decoder(
        lambda: MoChA(len(PIECES), RECURRENT, EMBEDDING, PREDICTOR, JOINER, ENERGY, WINDOW, 0.0), 5
    )
    write_decoder(model, mocha_configuration, base, "random-mocha")
    outputs, _ = model.predictions(torch.tensor([[0, *TEXT]]))
    inside, exists = windows(torch.arange(len(rows)), WINDOW)
    keys, values, stops = model.keys(rows)[inside], model.hears(rows)[inside], model.stop_hears(rows)
    result = []
    for after in outputs[0]:
        after = after.expand(len(rows), -1)
        odds = model.stops(stops, model.stop_recalls(after), begins)
        context = model.attend(keys, values, model.queries(after), exists)
        scores = (model.scores(context, model.recalls(after)) + begins[:, 1:]).log_softmax(-1)
        result.append(torch.cat([odds[:, None], scores], dim=-1))
    write_floats("random-mocha-scores.f32", torch.stack(result, dim=1))  # [rows, prefixes, log-odds of a stop and pieces]


if __name__ == "__main__":
    parts = {"--transducer": write_transducer, "--mocha": write_mocha}
    if sys.argv[1:2] and sys.argv[1] in parts:
        torch.set_grad_enabled(False)
        parts[sys.argv[1]]()
    else:
        main()
