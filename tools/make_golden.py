#!/usr/bin/env python3
"""Writes the golden values of the Swift tests to Tests/Golden/ (its README.md describes every file).

    tools/make_golden.py MODEL CLIPS

MODEL is the float model file of tools/import_whisper.py; CLIPS a folder with the LJ Speech clips named below. The
values come from PyTorch in float32, those of the features from SciPy in float64; PyTorch must agree with them.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.signal
import soundfile
import torch
import torch.nn.functional as functional

import whisper_reference as reference
from import_whisper import vocabulary_tensors
from model_file import write_safetensors

GOLDEN = Path(__file__).resolve().parent.parent / "Tests" / "Golden"
SPEECH, SPEECH_SAMPLES = "LJ001-0045.flac", 48_000
TOKEN_CLIPS = ["LJ001-0010.flac", "LJ001-0035.flac", "LJ001-0045.flac"]
ENCODER_ROWS = [0, 1, 50, 100, 200, 1499]
FIRST_LOGITS, NEAR_MAXIMUM = 200, 50


def write_floats(name, values):
    np.ascontiguousarray(values, dtype="<f4").tofile(GOLDEN / name)


def write_json(name, value):
    (GOLDEN / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def listed(values):
    """Floats as JSON, short and still exact to float32; the shape is the nesting."""
    values = np.asarray(values, dtype=np.float32)
    if values.ndim == 0:
        return float(str(values[()]))
    return [listed(part) for part in values]


def compact(value):
    """JSON in one line, for arrays within an indented file."""
    return json.dumps(value, separators=(",", ":"))


# MARK: Features


def scipy_filter_bank():
    """Slaney's triangles by interpolation, in float64: an independent way to the same bank. [80, 201]"""

    def to_mel(hertz):
        return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)

    def to_hertz(mel):
        return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

    edges = [to_hertz(index * to_mel(8000) / 81) for index in range(82)]
    bins = np.arange(201) * 40.0
    return np.stack(
        [
            np.interp(bins, (low, centre, high), (0, 2 / (high - low), 0))
            for low, centre, high in zip(edges, edges[1:], edges[2:])
        ]
    )


def scipy_log_mel(samples):
    """[S] to [80, S / 160] in float64."""
    padded = np.pad(samples.astype(np.float64), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][: len(samples) // 160]
    power = np.abs(scipy.fft.rfft(frames * scipy.signal.get_window("hann", 400), axis=1)) ** 2
    logarithm = np.log10(np.maximum(scipy_filter_bank() @ power.T, 1e-10))
    return (np.maximum(logarithm, logarithm.max() - 8) + 4) / 4


def features(speech):
    mel = scipy_log_mel(speech.numpy())
    difference = np.abs(mel - reference.log_mel(speech).numpy()).max()
    assert difference < 5e-5, f"PyTorch and SciPy differ by {difference} in the features"
    assert np.allclose(scipy_filter_bank(), reference.mel_filter_bank(), atol=1e-9)
    (speech.numpy() * 32_768).astype("<i2").tofile(GOLDEN / "speech.s16")
    write_floats("log-mel.f32", mel.T)
    return difference


# MARK: Model


def encoder_and_decoder(model, speech):
    padded = functional.pad(speech, (0, model.samples_in_window - speech.shape[0]))
    states = model.encode(reference.log_mel(padded))
    write_floats("encoder-rows.f32", states[ENCODER_ROWS])

    vocabulary = model.configuration["vocabulary"]
    cache, feed, fed = model.start(states), [vocabulary["startOfTranscript"], vocabulary["noTimestamps"]], []
    steps = []
    for _ in range(4):
        logits = model.step(feed, cache)[-1]
        fed = fed + feed
        best = int(logits.argmax())
        start = min(max(best - NEAR_MAXIMUM // 2, 0), logits.shape[0] - NEAR_MAXIMUM)
        steps.append(
            {
                "tokens": fed,
                "argmax": best,
                "logSumExp": listed(torch.logsumexp(logits, dim=0)),
                "first": listed(logits[:FIRST_LOGITS]),
                "nearStart": start,
                "near": listed(logits[start : start + NEAR_MAXIMUM]),
            }
        )
        allowed = logits.clone()
        allowed[vocabulary["suppressed"]] = -math.inf
        if len(steps) == 1:
            allowed[vocabulary["suppressedAtStart"]] = -math.inf
        feed = [int(allowed.argmax())]
    lines = ",\n".join(compact(step) for step in steps)
    (GOLDEN / "decoder-logits.json").write_text(f"[\n{lines}\n]\n")
    return states


def greedy_tokens(model, clips, speech_states):
    recordings = [("speech.s16", speech_states)]
    for name in TOKEN_CLIPS:
        recordings.append((name, model.encode(reference.log_mel(reference.read_audio(clips / name, model)))))
    results = []
    for name, states in recordings:
        for timestamps in (False, True):
            tokens, looped = reference.greedy(model, states, timestamps)
            assert not looped, f"{name} loops: not a clip for golden values"
            results.append({"file": name, "timestamps": timestamps, "tokens": tokens, "text": model.text(tokens)})
    lines = ",\n".join(json.dumps(result, ensure_ascii=False) for result in results)
    (GOLDEN / "greedy-tokens.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


# MARK: Operations


def operations(generator):
    """Inputs and outputs of single operations on small random values."""

    def random(*shape, scale=1.0):
        return torch.from_numpy(generator.standard_normal(shape).astype(np.float32) * np.float32(scale))

    result = {}

    def record(name, output, **inputs):
        result[name] = {key: listed(value) for key, value in inputs.items()} | {"output": listed(output)}

    # A large mean tells a careless variance.
    x, weight, bias = random(3, 16) + torch.tensor([[0.0], [100.0], [-3.0]]), random(16), random(16)
    record("layerNorm", functional.layer_norm(x, (16,), weight, bias, eps=1e-5), input=x, weight=weight, bias=bias)
    x = torch.cat([torch.linspace(-6, 6, 49), torch.tensor([-20.0, -1e-3, 0.0, 1e-3, 20.0])])
    record("gelu", functional.gelu(x), input=x)
    x = torch.cat([random(3, 10, scale=4), torch.tensor([[1000.0, 999.0, -1000.0] + [0.0] * 7])])
    record("softmax", torch.softmax(x, dim=-1), input=x)
    for stride in (1, 2):
        x, weight, bias = random(5, 9), random(6, 5, 3), random(6)
        output = functional.conv1d(x[None], weight, bias, stride=stride, padding=1)[0]
        record(f"convolutionStride{stride}", output.T, input=x.T, weight=weight, bias=bias)
    query, key, value = random(4, 16), random(7, 16), random(7, 16)
    record("attention", reference.attention(query, key, value, 2), query=query, key=key, value=value)
    query, key, value = random(6, 16), random(6, 16), random(6, 16)
    causal = torch.full((6, 6), -math.inf).triu(1)
    record("causalAttention", reference.attention(query, key, value, 2, causal), query=query, key=key, value=value)
    entries = []
    for name, arrays in result.items():
        lines = ",\n".join(f"  {json.dumps(key)}: {compact(value)}" for key, value in arrays.items())
        entries.append(f" {json.dumps(name)}: {{\n{lines}\n }}")
    (GOLDEN / "operations.json").write_text("{\n" + ",\n".join(entries) + "\n}\n")


# MARK: A whole model, small


def random_model(generator):
    """A model file of the same architecture with 2 layers of width 16, and what it computes."""
    width, hidden, positions, bands, letters = 16, 32, 30, 80, 50
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    texts = [chr(0x41 + index) for index in range(letters)] + special
    texts += [f"<|{index * 0.02:.2f}|>" for index in range(positions + 1)]
    tensors = {}

    def add(name, *shape, scale=None):
        fan_in = math.prod(shape[1:]) if len(shape) > 1 else 1
        values = generator.standard_normal(shape) * (scale if scale is not None else 1 / math.sqrt(fan_in))
        if name.endswith("norm.weight"):
            values = 1 + values
        tensors[name] = values.astype(np.float16)

    def norm(name):
        add(f"{name}.weight", width, scale=0.2)
        add(f"{name}.bias", width, scale=0.2)

    def linear(name, outputs, inputs):
        add(f"{name}.weight", outputs, inputs)
        if not name.endswith(".key"):
            add(f"{name}.bias", outputs, scale=0.2)

    add("encoder.conv1.weight", width, bands, 3)
    add("encoder.conv1.bias", width, scale=0.2)
    add("encoder.conv2.weight", width, width, 3)
    add("encoder.conv2.bias", width, scale=0.2)
    add("decoder.embedding.weight", len(texts), width, scale=1)
    for side, blocks in (("encoder", ["self"]), ("decoder", ["self", "cross"])):
        add(f"{side}.positions", positions, width, scale=0.5)
        norm(f"{side}.norm")
        for layer in range(2):
            for block in blocks:
                name = f"{side}.layers.{layer}.{block}_attention"
                norm(f"{name}.norm")
                for part in ("query", "key", "value", "output"):
                    linear(f"{name}.{part}", width, width)
            name = f"{side}.layers.{layer}.feed_forward"
            norm(f"{name}.norm")
            linear(f"{name}.up", hidden, width)
            linear(f"{name}.down", width, hidden)
    tensors.update(vocabulary_tensors([text.encode() for text in texts]))
    shape = {"layers": 2, "width": width, "heads": 2, "feedForward": hidden, "positions": positions}
    configuration = {
        "format": 1,
        "name": "random",
        "family": "attention",
        "licence": "CC0-1.0",
        "source": "random numbers, for tests",
        "features": {"sampleRate": 16_000, "windowLength": 400, "hop": 160, "melBands": bands},
        "encoder": shape | {"window": positions / 50},
        "decoder": shape | {"alignmentHeads": [[0, 1], [1, 0]]},
        "vocabulary": {
            "size": len(texts),
            "endOfText": letters,
            "startOfTranscript": letters + 1,
            "startOfPrevious": letters + 2,
            "noSpeech": letters + 3,
            "noTimestamps": letters + 4,
            "firstTimestamp": letters + 5,
            "suppressed": [letters + 1, letters + 2, letters + 3],
            "suppressedAtStart": [0, letters],
        },
        "quantization": {},
    }
    path = GOLDEN / "random-model.safetensors"
    write_safetensors(path, tensors, {"sotto": json.dumps(configuration, separators=(",", ":"))})

    model = reference.Whisper(path)
    mel = torch.from_numpy(generator.standard_normal((bands, 2 * positions)).astype(np.float32))
    states = model.encode(mel)
    tokens = [letters + 1, letters + 4, 3, 17, 8, 40]
    whole = model.step(tokens, model.start(states))
    cache = model.start(states)
    stepwise = torch.cat([model.step(part, cache) for part in (tokens[:2], [3], [17], [8], [40])])
    assert torch.allclose(whole, stepwise, atol=1e-4), "the cache changes the logits"
    write_floats("random-model-input.f32", mel.T)
    write_floats("random-model-states.f32", states)
    write_floats("random-model-logits.f32", whole)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("clips", type=Path)
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    samples, _ = soundfile.read(arguments.clips / SPEECH, dtype="float32")
    speech = torch.from_numpy(samples[:SPEECH_SAMPLES])
    difference = features(speech)
    model = reference.Whisper(arguments.model)
    greedy_tokens(model, arguments.clips, encoder_and_decoder(model, speech))
    operations(np.random.Generator(np.random.PCG64(1)))
    random_model(np.random.Generator(np.random.PCG64(2)))
    size = sum(path.stat().st_size for path in GOLDEN.iterdir())
    print(f"{GOLDEN}: {size / 1000:.0f} kB; features of PyTorch and SciPy differ by at most {difference:.1e}")


if __name__ == "__main__":
    main()
