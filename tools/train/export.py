#!/usr/bin/env python3
"""Makes a model file of the engine from a training run.

    python tools/train/export.py --vocabulary PIECES.model RUN/checkpoint.pt stream-ctc.safetensors
    python tools/train/export.py --vocabulary PIECES.model --base stream-ctc.safetensors RUN/checkpoint.pt stream-rnnt.safetensors

Of a run whose last stage was trained in binary coding, its codes and scales, as they were trained. Of another, or with
--floats, the moving average of the weights in float16; `sotto quantize` makes the small model from that. Names and shapes
are those of docs/model-file.md: convolutions as matrices whose columns follow three frames, so that they can be coded; a
key's bias, which softmax does not see, and positions, which are sinusoids, are left out. The file of a transducer or a MoChA
names the one that holds the encoder it was trained on (--base, exported before), which has to lie beside it.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import sentencepiece
import torch
from safetensors import SafetensorError, safe_open

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from model_file import fingerprint, write_safetensors  # noqa: E402
from sotto_train.binary_coding import RowCoding  # noqa: E402
from sotto_train.features import STREAMING_FLOOR  # noqa: E402
from sotto_train.model import LAYER_NAMES, LOOKAHEAD, POSITIONS, STACK  # noqa: E402

SOURCE = "OpenAI Whisper tiny.en's encoder, trained on for streams on synthetic speech (tools/train)"
DECODER_SOURCE = "trained on synthetic speech, on the encoder of {} (tools/train)"


def as_rows(weight):
    """A convolution [outputs, inputs, frames] as a matrix whose columns follow the frames; matrices as they are."""
    return weight.permute(0, 2, 1).reshape(weight.shape[0], -1) if weight.dim() == 3 else weight


def matrices(state):
    """(name in the file, name of the parameter, its rows) of each matrix; of them all, the rows make up the parameter."""
    for name in ("encoder.conv1", "encoder.conv2", "output"):
        yield f"{name}.weight", f"{name}.weight", slice(None)
    width = state["encoder.norm.weight"].shape[0]
    for index in range(count_layers(state)):
        ours, theirs = f"encoder.layers.{index}", f"encoder.layers.{index}"
        for place, part in enumerate(("query", "key", "value")):
            rows = slice(place * width, (place + 1) * width)
            yield f"{theirs}.self_attention.{part}.weight", f"{ours}.qkv.weight", rows
        for part in ("output", "up", "down"):
            yield f"{theirs}.{LAYER_NAMES[part]}.weight", f"{ours}.{part}.weight", slice(None)
    for index in range(count_recurrent(state)):
        yield f"recurrent.{index}.input.weight", f"lstm.weight_ih_l{index}", slice(None)
        yield f"recurrent.{index}.recurrent.weight", f"lstm.weight_hh_l{index}", slice(None)


def vectors(state):
    """(name in the file, values) of what is not multiplied by."""
    for name in ("encoder.conv1.bias", "encoder.conv2.bias", "encoder.norm.weight", "encoder.norm.bias", "output.bias"):
        yield name, state[name]
    for index in range(count_layers(state)):
        layer = f"encoder.layers.{index}"
        for ours, theirs in LAYER_NAMES.items():
            parts = ("weight", "bias") if ours.endswith("norm") else ("bias",)
            for part in parts:
                yield f"{layer}.{theirs}.{part}", state[f"{layer}.{ours}.{part}"]
        query, _, value = state[f"{layer}.qkv.bias"].chunk(3)
        yield f"{layer}.self_attention.query.bias", query
        yield f"{layer}.self_attention.value.bias", value
    for index in range(count_recurrent(state)):
        yield f"recurrent.{index}.bias", state[f"lstm.bias_ih_l{index}"] + state[f"lstm.bias_hh_l{index}"]


def model_tensors(state, codings=None):
    """The tensors of the engine's file from the state of a StreamCTC, and what its configuration says of their coding.

    `codings`: {name of a parameter: RowCoding} of those that are in binary coding; everything else is float16.
    """
    return coded_tensors(state, matrices(state), vectors(state), codings)


def transducer_tensors(state, codings=None):
    """The same from the state of a Transducer."""
    whole = ((name, parameter, slice(None)) for name, parameter in transducer_matrices())
    return coded_tensors(state, whole, decoder_vectors(state, transducer_vectors()), codings)


def mocha_tensors(state, codings=None):
    """The same from the state of a MoChA."""
    whole = ((name, parameter, slice(None)) for name, parameter in mocha_matrices())
    return coded_tensors(state, whole, decoder_vectors(state, mocha_vectors()), codings)


def decoder_vectors(state, found):
    """(name in the file, values) of (name in the file, name of the parameter), and of the predictor's biases, which are one."""
    yield "predictor.bias", state["predictor.bias_ih_l0"] + state["predictor.bias_hh_l0"]
    for name, parameter in found:
        yield name, state[parameter].reshape(-1)


def coded_tensors(state, matrices, vectors, codings):
    state = {name: value.detach().float() for name, value in state.items()}
    tensors, quantization = {}, {}
    for name, parameter, rows in matrices:
        weight = as_rows(state[parameter])[rows]
        if codings and parameter in codings:
            own, quantization[name] = codings[parameter].of_rows(rows).tensors(name, weight)
            tensors |= own
        else:
            tensors[name] = weight.numpy().astype(np.float16)
    tensors |= {name: value.detach().numpy().astype(np.float16) for name, value in vectors}
    return tensors, quantization


def transducer_matrices():
    """(name in the file, name of the parameter) of each matrix of a Transducer."""
    return (
        ("predictor.embedding.weight", "embedding.weight"), ("predictor.input.weight", "predictor.weight_ih_l0"),
        ("predictor.recurrent.weight", "predictor.weight_hh_l0"), ("joiner.heard.weight", "hears.weight"),
        ("joiner.recalled.weight", "recalls.weight"), ("joiner.output.weight", "output.weight"),
    )  # fmt: skip


def transducer_vectors():
    """The same of each vector but the predictor's bias."""
    return (("joiner.heard.bias", "hears.bias"), ("joiner.output.bias", "output.bias"))


def mocha_vectors():
    """The same of a MoChA."""
    return (
        ("stop.heard.bias", "stop_hears.bias"), ("stop.direction", "direction"), ("stop.offset", "offset"),
        ("attention.query.bias", "queries.bias"), ("attention.places", "places"),
        ("output.heard.bias", "hears.bias"), ("output.bias", "output.bias"),
    )  # fmt: skip


def mocha_matrices():
    """The same of a MoChA."""
    return (
        ("predictor.embedding.weight", "embedding.weight"), ("predictor.input.weight", "predictor.weight_ih_l0"),
        ("predictor.recurrent.weight", "predictor.weight_hh_l0"), ("stop.heard.weight", "stop_hears.weight"),
        ("stop.recalled.weight", "stop_recalls.weight"), ("attention.key.weight", "keys.weight"),
        ("attention.query.weight", "queries.weight"), ("output.heard.weight", "hears.weight"),
        ("output.recalled.weight", "recalls.weight"), ("output.weight", "output.weight"),
    )  # fmt: skip


def count_layers(state):
    return sum(name.endswith(".qkv.weight") for name in state)


def count_recurrent(state):
    return sum(name.startswith("lstm.weight_ih_l") for name in state)


def vocabulary_tensors(pieces, scores):
    """Pieces as UTF-8 with "▁" for the space before a word, and their unigram log-probabilities."""
    texts = [piece.encode("utf-8") for piece in pieces]
    return {
        "vocabulary.bytes": np.frombuffer(b"".join(texts), dtype=np.uint8),
        "vocabulary.lengths": np.array([len(text) for text in texts], dtype=np.uint8),
        "vocabulary.scores": np.array(scores, dtype=np.float32),
    }


def model_configuration(
    state, heads, pieces, name, licence, source, chunks=(16, 32, 64), chunk=32, left=256, lookahead=LOOKAHEAD
):
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
        "streaming": {"chunks": list(chunks), "chunk": chunk, "left": left, "lookahead": lookahead},
        "recurrent": {
            "stack": STACK, "layers": count_recurrent(state), "width": state["lstm.weight_hh_l0"].shape[1],
        },
        "vocabulary": {"size": pieces},
        "quantization": {},
    }  # fmt: skip


def transducer_configuration(state, base, file, name, licence, source):
    """The same of a transducer: `base` is the configuration of the model that lies in `file`, whose shapes are repeated."""
    return decoder_configuration("rnnt", base, file, name, licence, source) | {"transducer": predictor_shape(state)}


def mocha_configuration(state, base, file, name, licence, source):
    """The same of a MoChA."""
    own = {"energy": len(state["direction"]), "window": len(state["places"])}
    return decoder_configuration("mocha", base, file, name, licence, source) | {"mocha": predictor_shape(state) | own}


def predictor_shape(state):
    inner, predictor = state["recalls.weight"].shape
    return {"embedding": state["embedding.weight"].shape[1], "predictor": predictor, "inner": inner}


def decoder_configuration(family, base, file, name, licence, source):
    shared = {key: base[key] for key in ("features", "encoder", "streaming", "recurrent", "vocabulary")}
    own = {"format": 1, "name": name, "family": family, "licence": licence, "source": source}
    return own | shared | {"base": {"file": file.name, "fingerprint": fingerprint(file)}}


# Of the models that stand on another one: what a file has of them, and what its configuration says.
DECODERS = {"rnnt": (transducer_tensors, transducer_configuration), "mocha": (mocha_tensors, mocha_configuration)}


def write_model(path, state, configuration, pieces, scores, codings=None):
    parts, _ = DECODERS.get(configuration["family"], (model_tensors, None))
    tensors, configuration["quantization"] = parts(state, codings)
    tensors |= vocabulary_tensors(pieces, scores)
    write_safetensors(path, tensors, {"sotto": json.dumps(configuration, separators=(",", ":"))})


def read_base(path, run):
    """The configuration of the model that a transducer or a MoChA was trained on."""
    try:
        with safe_open(path, "np") as file:
            configuration, bias = json.loads(file.metadata()["sotto"]), file.get_tensor("output.bias")
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        sys.exit(f"{path} is not a model file of the family ctc: {error!r}")
    if not np.array_equal(bias, run["base"].numpy()):
        sys.exit(f"{path} is not the model that the run was trained on: export that run's checkpoint first")
    return configuration


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path, help="of stream_ctc.py, stream_rnnt.py or stream_mocha.py")
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--vocabulary", required=True, help="SentencePiece model that the run was trained with")
    parser.add_argument("--base", type=pathlib.Path, help="of rnnt and mocha: the model file that the run's base was exported to")
    parser.add_argument("--name", help="default: stream- and the family")
    parser.add_argument("--floats", action="store_true", help="the float weights, even where the last stage trained codes")
    parser.add_argument("--heads", type=int, default=6, help="attention heads of the encoder")
    arguments = parser.parse_args()
    run = torch.load(arguments.checkpoint, weights_only=True, map_location="cpu")
    codings = None if arguments.floats or not run["coding"] else run["coding"]
    codings = codings and {name: RowCoding.of_state(own) for name, own in codings.items()}
    state = run["model" if codings else "average"]
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=arguments.vocabulary)
    # Id 0 is the unknown piece, whose class is the blank.
    ids = range(1, vocabulary.get_piece_size())
    classes, family = state["output.bias"].shape[0], run.get("family", "ctc")
    if classes != len(ids) + (family != "mocha"):
        sys.exit(f"{arguments.checkpoint} has {classes} classes, which {len(ids)} pieces do not have")
    pieces, scores = [vocabulary.id_to_piece(i) for i in ids], [vocabulary.get_score(i) for i in ids]
    name = arguments.name or f"stream-{family}"
    if family in DECODERS:
        if not arguments.base:
            sys.exit(f"{arguments.checkpoint} has no encoder: name the model file that has it, --base FILE")
        base = read_base(arguments.base, run)
        _, configuration_of = DECODERS[family]
        configuration = configuration_of(state, base, arguments.base, name, "MIT", DECODER_SOURCE.format(base["name"]))
    else:
        configuration = model_configuration(state, arguments.heads, len(ids), name, "MIT", SOURCE)
    write_model(arguments.output, state, configuration, pieces, scores, codings)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
