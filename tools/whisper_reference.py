#!/usr/bin/env python3
"""Whisper tiny.en in PyTorch, from a float model file: the reference that the Swift engine is tested against.

    tools/whisper_reference.py [--timestamps] MODEL INPUT...

INPUT is an audio file at 16 kHz or a `manifest.jsonl` with `audio` and, if known, `text`. Prints one JSON object a
recording: file, text, tokens, reference, looped. Greedy, padded to 30 s with silence, Whisper's own rules, no
guard against loops. Only the first 30 s of a recording are decoded.

Written for reading and for checking, not for speed; everything is float32.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
import torch.nn.functional as functional
from safetensors import safe_open
from train.sotto_train.features import mel_filter_bank

MAXIMUM_NEW_TOKENS = 224
# The first timestamp is at most 1 s.
MAXIMUM_INITIAL_TIMESTAMP = 50

# MARK: Features


def log_mel(samples, hop=160, window=400):
    """samples [S] in -1...1 to [80, S / hop]. Frames are centred, edges reflected, floor at the maximum - 8."""
    spectrum = torch.stft(
        samples, window, hop, window=torch.hann_window(window), center=True, pad_mode="reflect", return_complex=True
    )
    power = spectrum[:, : samples.shape[0] // hop].abs() ** 2
    bank = torch.from_numpy(mel_filter_bank(window=window)).float()
    logarithm = torch.log10(torch.clamp(bank @ power, min=1e-10))
    return (torch.maximum(logarithm, logarithm.max() - 8.0) + 4.0) / 4.0


# MARK: Model


def attention(query, key, value, heads, mask=None):
    """query [N, D], key and value [M, D] to [N, D]. The mask [N, M] or [M] is added to the scores."""
    width = query.shape[1] // heads
    query, key, value = (part.view(part.shape[0], heads, width).transpose(0, 1) for part in (query, key, value))
    scores = query @ key.transpose(1, 2) / math.sqrt(width)
    if mask is not None:
        scores = scores + mask
    return (torch.softmax(scores, dim=-1) @ value).transpose(0, 1).reshape(-1, heads * width)


class Whisper:
    """The encoder and decoder, as functions of named tensors."""

    def __init__(self, path):
        self.tensors, raw = {}, {}
        with safe_open(path, "pt") as file:
            self.configuration = json.loads(file.metadata()["sotto"])
            for name in file.keys():
                if name.startswith("vocabulary."):
                    raw[name] = file.get_tensor(name)
                else:
                    self.tensors[name] = file.get_tensor(name).float()
        text, start, self.vocabulary = bytes(raw["vocabulary.bytes"].tolist()), 0, []
        for length in raw["vocabulary.lengths"].tolist():
            self.vocabulary.append(text[start : start + length])
            start += length
        self.samples_in_window = int(
            self.configuration["encoder"]["window"] * self.configuration["features"]["sampleRate"]
        )

    def linear(self, name, x):
        return functional.linear(x, self.tensors[f"{name}.weight"], self.tensors.get(f"{name}.bias"))

    def norm(self, name, x):
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, eps=1e-5)

    def feed_forward(self, name, x):
        hidden = functional.gelu(self.linear(f"{name}.up", self.norm(f"{name}.norm", x)))
        return x + self.linear(f"{name}.down", hidden)

    def convolve(self, mel):
        """[80, T] to [T / 2, 384], positions included."""
        x = mel[None]
        for name, stride in (("encoder.conv1", 1), ("encoder.conv2", 2)):
            weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
            x = functional.gelu(functional.conv1d(x, weight, bias, stride=stride, padding=1))
        x = x[0].T
        return x + self.tensors["encoder.positions"][: x.shape[0]]

    def encoder_layers(self, x, mask=None):
        """[N, 384] to [N, 384], the final norm included."""
        heads = self.configuration["encoder"]["heads"]
        for layer in range(self.configuration["encoder"]["layers"]):
            name = f"encoder.layers.{layer}.self_attention"
            y = self.norm(f"{name}.norm", x)
            query, key, value = (self.linear(f"{name}.{part}", y) for part in ("query", "key", "value"))
            x = x + self.linear(f"{name}.output", attention(query, key, value, heads, mask))
            x = self.feed_forward(f"encoder.layers.{layer}.feed_forward", x)
        return self.norm("encoder.norm", x)

    def encode(self, mel):
        return self.encoder_layers(self.convolve(mel))

    def start(self, states, mask=None):
        """A cache for the decoder: keys and values of the encoder's states [M, 384], none yet of tokens."""
        cross = []
        for layer in range(self.configuration["decoder"]["layers"]):
            name = f"decoder.layers.{layer}.cross_attention"
            cross.append((self.linear(f"{name}.key", states), self.linear(f"{name}.value", states)))
        return {"cross": cross, "mask": mask, "self": [None] * len(cross), "length": 0}

    def step(self, tokens, cache):
        """Feeds tokens (a list) and returns their logits [len(tokens), vocabulary]; the cache grows."""
        heads, past = self.configuration["decoder"]["heads"], cache["length"]
        embedding = self.tensors["decoder.embedding.weight"]
        x = embedding[tokens] + self.tensors["decoder.positions"][past : past + len(tokens)]
        causal = torch.full((len(tokens), past + len(tokens)), -math.inf).triu(past + 1)
        for layer in range(self.configuration["decoder"]["layers"]):
            name = f"decoder.layers.{layer}.self_attention"
            y = self.norm(f"{name}.norm", x)
            query, key, value = (self.linear(f"{name}.{part}", y) for part in ("query", "key", "value"))
            if past:
                key, value = (torch.cat(pair) for pair in zip(cache["self"][layer], (key, value)))
            cache["self"][layer] = (key, value)
            x = x + self.linear(f"{name}.output", attention(query, key, value, heads, causal))
            name = f"decoder.layers.{layer}.cross_attention"
            query = self.linear(f"{name}.query", self.norm(f"{name}.norm", x))
            x = x + self.linear(f"{name}.output", attention(query, *cache["cross"][layer], heads, cache["mask"]))
            x = self.feed_forward(f"decoder.layers.{layer}.feed_forward", x)
        cache["length"] += len(tokens)
        return self.norm("decoder.norm", x) @ embedding.T

    def text(self, tokens):
        """Text of the ordinary tokens, special ones left out."""
        end = self.configuration["vocabulary"]["endOfText"]
        return b"".join(self.vocabulary[token] for token in tokens if token < end).decode("utf-8", "replace").strip()


# MARK: Greedy decoding


def apply_timestamp_rules(scores, generated, vocabulary):
    """Whisper's rules: timestamps come in pairs, never go back, start the text, and win where they are likelier."""
    end, first = vocabulary["endOfText"], vocabulary["firstTimestamp"]
    scores[vocabulary["noTimestamps"]] = -math.inf
    last_is_time = bool(generated) and generated[-1] >= first
    previous_is_time = len(generated) < 2 or generated[-2] >= first
    if last_is_time and previous_is_time:
        scores[first:] = -math.inf
    elif last_is_time:
        scores[:end] = -math.inf
    times = [token for token in generated if token >= first]
    if times:
        lowest = times[-1] if last_is_time and not previous_is_time else times[-1] + 1
        scores[first:lowest] = -math.inf
    if not generated:
        scores[:first] = -math.inf
        scores[first + MAXIMUM_INITIAL_TIMESTAMP + 1 :] = -math.inf
    if torch.logsumexp(scores[first:], dim=0) > scores[:first].max():
        scores[:first] = -math.inf


def greedy(model, states, timestamps=False, mask=None):
    """Returns the generated tokens without prompt and end, and whether the end was never reached."""
    vocabulary = model.configuration["vocabulary"]
    cache = model.start(states, mask)
    prompt = [vocabulary["startOfTranscript"]] + ([] if timestamps else [vocabulary["noTimestamps"]])
    generated, feed = [], prompt
    while len(generated) < MAXIMUM_NEW_TOKENS:
        scores = model.step(feed, cache)[-1]
        scores[vocabulary["suppressed"]] = -math.inf
        if not generated:
            scores[vocabulary["suppressedAtStart"]] = -math.inf
        if timestamps:
            apply_timestamp_rules(scores, generated, vocabulary)
        token = int(scores.argmax())
        if token == vocabulary["endOfText"]:
            return generated, False
        generated.append(token)
        feed = [token]
    return generated, True


# MARK: Program


def read_audio(path, model):
    """Samples [S] at the model's rate, cut or padded with silence to the window."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    if rate != model.configuration["features"]["sampleRate"]:
        raise ValueError(f"{path}: sample rate {rate}; this script does not resample")
    window = model.samples_in_window
    mono = torch.from_numpy(samples.mean(axis=1))[:window]
    return functional.pad(mono, (0, window - mono.shape[0]))


def read_inputs(paths):
    """Pairs of file and transcript (None where unknown)."""
    for path in paths:
        if path.suffix == ".jsonl":
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                yield path.parent / entry["audio"], entry.get("text")
        else:
            yield path, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("inputs", type=Path, nargs="+")
    parser.add_argument("--timestamps", action="store_true", help="let the model write timestamps")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    model = Whisper(arguments.model)
    for path, reference in read_inputs(arguments.inputs):
        try:
            samples = read_audio(path, model)
        except (ValueError, soundfile.SoundFileError) as error:
            print(error, file=sys.stderr)
            continue
        tokens, looped = greedy(model, model.encode(log_mel(samples)), arguments.timestamps)
        result = {"file": path.name, "text": model.text(tokens), "tokens": tokens, "looped": looped}
        if reference is not None:
            result["reference"] = reference
        print(json.dumps(result, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
