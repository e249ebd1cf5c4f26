#!/usr/bin/env python3
"""Makes a float model file of the engine from a training run.

    python tools/train/export.py --vocabulary PIECES.model --name stream-ctc RUN/checkpoint.pt OUTPUT.safetensors

Takes the moving average of the weights. `sotto quantize` makes the small model from the file. Names and shapes are those
of docs/model-file.md: convolutions as matrices whose columns follow three frames, so that they can be coded; a key's
bias, which softmax does not see, and positions, which are sinusoids, are left out.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import sentencepiece
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from model_file import write_safetensors  # noqa: E402
from sotto_train.features import STREAMING_FLOOR  # noqa: E402
from sotto_train.model import LAYER_NAMES, POSITIONS, STACK  # noqa: E402

SOURCE = "OpenAI Whisper tiny.en's encoder, trained on for streams on synthetic speech (tools/train)"


def model_tensors(state):
    """The tensors of the engine's file, float16, from the state of a StreamCTC."""
    state = {name: value.detach().float() for name, value in state.items()}
    tensors = {}

    def put(name, value):
        tensors[name] = value.numpy().astype(np.float16)

    for name in ("conv1", "conv2"):
        weight = state[f"encoder.{name}.weight"]  # [outputs, inputs, frames]
        put(f"encoder.{name}.weight", weight.permute(0, 2, 1).reshape(weight.shape[0], -1))
        put(f"encoder.{name}.bias", state[f"encoder.{name}.bias"])
    for part in ("weight", "bias"):
        put(f"encoder.norm.{part}", state[f"encoder.norm.{part}"])
        put(f"output.{part}", state[f"output.{part}"])
    for index in range(count_layers(state)):
        for ours, theirs in LAYER_NAMES.items():
            for part in ("weight", "bias"):
                put(f"encoder.layers.{index}.{theirs}.{part}", state[f"encoder.layers.{index}.{ours}.{part}"])
        for part in ("weight", "bias"):
            for name, value in zip(("query", "key", "value"), state[f"encoder.layers.{index}.qkv.{part}"].chunk(3)):
                if (name, part) != ("key", "bias"):
                    put(f"encoder.layers.{index}.self_attention.{name}.{part}", value)
    for index in range(count_recurrent(state)):
        put(f"recurrent.{index}.input.weight", state[f"lstm.weight_ih_l{index}"])
        put(f"recurrent.{index}.recurrent.weight", state[f"lstm.weight_hh_l{index}"])
        put(f"recurrent.{index}.bias", state[f"lstm.bias_ih_l{index}"] + state[f"lstm.bias_hh_l{index}"])
    return tensors


def count_layers(state):
    return sum(name.endswith(".qkv.weight") for name in state)


def count_recurrent(state):
    return sum(name.startswith("lstm.weight_ih_l") for name in state)


def vocabulary_tensors(pieces, scores):
    """Pieces as UTF-8 with "▁" for the space before a word, and their unigram log-probabilities."""
    texts = [piece.encode("utf-8") for piece in pieces]
    offsets = np.zeros(len(texts) + 1, dtype=np.uint32)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return {
        "vocabulary.bytes": np.frombuffer(b"".join(texts), dtype=np.uint8),
        "vocabulary.offsets": offsets,
        "vocabulary.scores": np.array(scores, dtype=np.float32),
    }


def model_configuration(state, heads, pieces, name, licence, source, chunks=(16, 32, 64), chunk=32, left=256):
    """The JSON that ModelConfiguration.swift decodes."""
    width, bands, _ = state["encoder.conv1.weight"].shape
    return {
        "format": 1,
        "name": name,
        "family": "ctc",
        "licence": licence,
        "source": source,
        "features": {
            "sampleRate": 16_000, "windowLength": 400, "hop": 160, "melBands": bands, "floor": STREAMING_FLOOR,
        },
        "encoder": {
            "layers": count_layers(state), "width": width, "heads": heads,
            "feedForward": state["encoder.layers.0.up.weight"].shape[0], "positions": POSITIONS,
        },
        "streaming": {"chunks": list(chunks), "chunk": chunk, "left": left},
        "recurrent": {
            "stack": STACK, "layers": count_recurrent(state), "width": state["lstm.weight_hh_l0"].shape[1],
        },
        "vocabulary": {"size": pieces},
        "quantization": {},
    }  # fmt: skip


def write_model(path, state, configuration, pieces, scores):
    tensors = model_tensors(state) | vocabulary_tensors(pieces, scores)
    write_safetensors(path, tensors, {"sotto": json.dumps(configuration, separators=(",", ":"))})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--vocabulary", required=True, help="SentencePiece model that the run was trained with")
    parser.add_argument("--name", default="stream-ctc")
    parser.add_argument("--heads", type=int, default=6, help="attention heads of the encoder")
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, weights_only=True, map_location="cpu")["average"]
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=arguments.vocabulary)
    # Id 0 is the unknown piece, whose class is the blank.
    ids = range(1, vocabulary.get_piece_size())
    if state["output.bias"].shape[0] != len(ids) + 1:
        sys.exit(f"{arguments.checkpoint} has {state['output.bias'].shape[0]} classes for {len(ids)} pieces and a blank")
    pieces, scores = [vocabulary.id_to_piece(i) for i in ids], [vocabulary.get_score(i) for i in ids]
    configuration = model_configuration(state, arguments.heads, len(ids), arguments.name, "MIT", SOURCE)
    write_model(arguments.output, state, configuration, pieces, scores)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
