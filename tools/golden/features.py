#!/usr/bin/env python3
"""Write the golden values of the log-mel tests, Tests/Golden/log-mel.*, by NumPy and SciPy in double precision, and
the real speech of these and other tests, Tests/Golden/speech.*.

    features.py LJ001-0045.flac [FOLDER]

The recording is this clip of LJ Speech 1.1 (public domain) at 16 kHz; the tests keep its two phrases, 1.5 s and 1.3 s.
Needs numpy, scipy, soundfile. With --check, also compares with faster-whisper's feature extractor, where it is
installed.

Each case is two raw little-endian files, log-mel.NAME.s16 (samples) and log-mel.NAME.f32 (features, [frames, 80]);
the samples of "speech" are those of the first phrase.
"""

import argparse
import pathlib

import numpy as np
import scipy.signal
import soundfile

RATE, WINDOW, HOP, BANDS = 16_000, 400, 160, 80


def slaney_filters():
    """Mel filters of Slaney's Auditory Toolbox, [bands, bins]."""
    step = np.log(6.4) / 27

    def to_mel(f):
        return np.where(f < 1000, f * 3 / 200, 15 + np.log(np.maximum(f, 1) / 1000) / step)

    def to_hertz(m):
        return np.where(m < 15, m * 200 / 3, 1000 * np.exp(step * (m - 15)))

    edges = to_hertz(np.linspace(0, to_mel(np.float64(RATE / 2)), BANDS + 2))
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
    rows = [np.interp(bins, edges[b : b + 3], [0, 2 / (edges[b + 2] - edges[b]), 0]) for b in range(BANDS)]
    return np.array(rows)


def log_mel(samples, padded_to, floor):
    """Whisper's features in double precision, [frames, bands]."""
    signal = np.pad(samples.astype(np.float64), (0, max(0, padded_to - len(samples))))
    signal = np.pad(signal, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP][:-1]
    power = np.abs(np.fft.rfft(frames * scipy.signal.get_window("hann", WINDOW))) ** 2
    values = np.log10(np.maximum(power @ slaney_filters().T, 1e-10))
    values = np.maximum(values, values.max() - 8 if floor is None else floor)
    return (values + 4) / 4


def to_integers(signal):
    return np.clip(np.round(signal * 32_768), -32_768, 32_767).astype("<i2")


def cases(clip):
    """Name, samples, length to pad to, fixed floor or None for 8 below the maximum."""
    random = np.random.default_rng(7)
    time = np.arange(4137) / RATE
    sweep = 0.7 * np.sin(2 * np.pi * (60 * time + 14_000 * time**2)) + 0.001 * random.standard_normal(len(time))
    yield "speech", clip, 32_000, None
    yield "sweep", sweep, 0, -6.5
    yield "loud-noise-to-the-end", np.clip(0.5 * random.standard_normal(1600), -1, 1), 1600, None
    yield "one-step-of-16-bits", random.integers(-1, 2, 1000) / 32_768, 1280, None
    yield "impulse", np.eye(1, 700, 333)[0] * 0.9, 1920, -6.5
    yield "shorter-than-a-window", 0.2 * random.standard_normal(90), 330, None


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("clip")
    arguments.add_argument("folder", nargs="?", default="Tests/Golden", type=pathlib.Path)
    arguments.add_argument("--check", action="store_true")
    options = arguments.parse_args()

    clip, rate = soundfile.read(options.clip, dtype="float32")
    assert rate == RATE, "the clip must be at 16 kHz"
    options.folder.mkdir(parents=True, exist_ok=True)
    phrases = {"fourteen-sixty-nine": clip[:24_000], "fourteen-seventy": clip[37_600:58_400]}
    for name, phrase in phrases.items():
        to_integers(phrase).tofile(options.folder / f"speech.{name}.s16")
    for name, signal, padded_to, floor in cases(phrases["fourteen-sixty-nine"]):
        integers = to_integers(signal)
        features = log_mel(integers / 32_768, padded_to, floor).astype("<f4")
        if name != "speech":
            integers.tofile(options.folder / f"log-mel.{name}.s16")
        features.tofile(options.folder / f"log-mel.{name}.f32")
        if options.check and floor is None:
            from faster_whisper.feature_extractor import FeatureExtractor

            padded = np.pad(integers / np.float32(32_768), (0, max(0, padded_to - len(integers))))
            theirs = FeatureExtractor()(padded.astype(np.float32), padding=0).T
            print(name, "largest difference from faster-whisper:", np.abs(theirs - features).max())


if __name__ == "__main__":
    main()
