"""What happens to speech between mouth and file: rooms, noise, microphones, telephones, codecs, levels.

A degradation is drawn as a dictionary of plain values, goes with the clip into the manifest, and keeps time: the
degraded signal is sample by sample as long as the clean one and in step with it.
"""

import math
import pathlib
import subprocess
import tempfile

import numpy as np
import soundfile
import soxr
from scipy import signal

RATE = 16_000
CLEAN = 0.3  # share of the clips with a gain only
CODECS = {"opus": (".ogg", ["-c:a", "libopus", "-b:a"], (10, 24)), "mp3": (".mp3", ["-c:a", "libmp3lame", "-b:a"], (16, 40))}


def draw_degradation(rng, can_babble):
    chosen = {"gain": {"dB": round(rng.uniform(-30, 0), 1)}}
    if rng.random() < CLEAN:
        return chosen
    if rng.random() < 0.45:
        chosen["room"] = {"seconds": round(rng.uniform(0.12, 0.7), 2), "ratio_dB": round(rng.uniform(0, 15), 1)}
    if rng.random() < 0.6:
        kinds = ["white", "pink", "brown", "hum"] + ["babble"] * 2 * can_babble
        chosen["noise"] = {"kind": str(rng.choice(kinds)), "SNR_dB": round(rng.uniform(4, 30), 1)}
    if rng.random() < 0.5:
        chosen["microphone"] = {"low_dB": round(rng.uniform(-9, 6), 1), "high_dB": round(rng.uniform(-9, 6), 1)}
    kind = rng.random()
    if kind < 0.08:
        chosen["telephone"] = {"law": "mu"}
    elif kind < 0.16:
        name = str(rng.choice(list(CODECS)))
        chosen["codec"] = {"name": name, "kbps": int(rng.integers(*CODECS[name][2]))}
    elif kind < 0.24:
        chosen["lowpass"] = {"Hz": int(rng.uniform(3000, 7000))}
    if rng.random() < 0.03:
        chosen["clipping"] = {"dB": round(rng.uniform(3, 12), 1)}
    return chosen


def reverberate(rng, speech, seconds, ratio_dB):
    """Adds a room of decaying noise: `seconds` to fall by 60 dB, `ratio_dB` of direct to reverberant."""
    time = np.arange(int(seconds * RATE)) / RATE
    room = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    room[: int(rng.uniform(0.001, 0.008) * RATE)] = 0
    room *= 10 ** (-ratio_dB / 20) / np.linalg.norm(room)
    return speech + signal.fftconvolve(speech, room)[: len(speech)]


def make_noise(rng, kind, length, others):
    """Coloured noise, mains hum with harmonics, or three to five of the `others` speaking at once."""
    if kind == "babble":
        chosen = rng.choice(len(others), size=rng.integers(3, 6))
        return sum(np.resize(np.roll(others[i], rng.integers(len(others[i]))), length) for i in chosen)
    if kind == "hum":
        time, mains = np.arange(length) / RATE, rng.choice([50, 60])
        tones = sum(rng.uniform(0, 1) / n * np.sin(2 * np.pi * mains * n * time + rng.uniform(0, 6)) for n in range(1, 9))
        return tones + 0.1 * rng.standard_normal(length)
    white = rng.standard_normal(length)
    slope = {"white": 0, "pink": 0.5, "brown": 1}[kind]
    if slope == 0:
        return white
    spectrum = np.fft.rfft(white)
    return np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 20) ** slope, length)


def make_sounds(rng, seconds):
    """What is no speech but comes and goes: a melody, bursts of noise, knocks, or a steady noise that fades in and out."""
    length = int(seconds * RATE)
    kind = rng.choice(["melody", "bursts", "knocks", "fading"])
    sound = np.zeros(length)
    if kind == "fading":
        noise = make_noise(rng, str(rng.choice(["white", "pink", "brown", "hum"])), length, [])
        return noise / np.abs(noise).max() * np.interp(np.linspace(0, 6, length), np.arange(7), rng.uniform(0, 1, 7))
    place = 0
    while place < length:
        span = int({"melody": rng.uniform(0.1, 0.7), "bursts": rng.uniform(0.05, 0.8), "knocks": 0.05}[kind] * RATE)
        time = np.arange(min(span, length - place)) / RATE
        if kind == "melody":
            pitch = 220 * 2 ** (rng.integers(-12, 24) / 12)
            part = sum(np.sin(2 * np.pi * pitch * n * time) * rng.uniform(0, 1) / n for n in range(1, 7))
        else:
            part = rng.standard_normal(len(time))
            if kind == "bursts":
                corner = rng.uniform(300, 6000)
                part = signal.sosfilt(signal.butter(2, corner, rng.choice(["low", "high"]), fs=RATE, output="sos"), part)
        decay = np.exp(-time * (rng.uniform(60, 200) if kind == "knocks" else rng.uniform(0, 6)))
        sound[place : place + len(time)] = part * decay * rng.uniform(0.2, 1)
        place += len(time) + int(rng.uniform(0, 0.8) * RATE * (kind != "melody" or rng.random() < 0.2))
    return sound / max(np.abs(sound).max(), 1e-9)


def speech_level(samples):
    """Root mean square over the frames of 20 ms that are less than 40 dB below the loudest, so pauses do not count."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    power = np.mean(frames**2, axis=1)
    return math.sqrt(np.mean(power[power >= power.max() * 1e-4]) + 1e-12)


def shelve(samples, low_dB, high_dB):
    """A microphone's tilt: gain of first-order shelves below 300 Hz and above 2.5 kHz."""
    for gain, corner, kind in ((low_dB, 300, "lowpass"), (high_dB, 2500, "highpass")):
        part = signal.sosfilt(signal.butter(1, corner, kind, fs=RATE, output="sos"), samples)
        samples = samples + (10 ** (gain / 20) - 1) * part
    return samples


def telephone(samples):
    """300 to 3400 Hz at 8 kHz, in eight bits of the μ-law."""
    narrow = signal.sosfilt(signal.butter(4, [300, 3400], "bandpass", fs=RATE, output="sos"), samples)
    narrow = soxr.resample(narrow, RATE, 8000)
    peak = np.abs(narrow).max() + 1e-9
    compressed = np.sign(narrow) * np.log1p(255 * np.abs(narrow / peak)) / np.log(256)
    compressed = np.round(compressed * 127) / 127
    return soxr.resample(np.sign(compressed) * (256 ** np.abs(compressed) - 1) / 255 * peak, 8000, RATE)


def through_codec(samples, name, kbps):
    suffix, options, _ = CODECS[name]
    peak = np.abs(samples).max() + 1e-9
    with tempfile.TemporaryDirectory() as folder:
        before, coded, after = (str(pathlib.Path(folder) / n) for n in ("a.wav", "b" + suffix, "c.wav"))
        soundfile.write(before, 0.9 * samples / peak, RATE)
        quiet = ["ffmpeg", "-v", "error", "-y", "-i"]
        subprocess.run([*quiet, before, *options, f"{kbps}k", coded], check=True)
        subprocess.run([*quiet, coded, "-ar", str(RATE), after], check=True)
        decoded = soundfile.read(after, dtype="float32")[0] * peak / 0.9
    # Some decoders leave the encoder's delay in: find it, up to a tenth of a second.
    reach = RATE // 10
    correlation = signal.correlate(decoded, samples, mode="full", method="fft")
    centre = len(samples) - 1
    delay = int(np.argmax(correlation[max(0, centre - reach) : centre + reach + 1])) - min(reach, centre)
    return np.roll(decoded, -delay)


def degrade(rng, speech, chosen, others):
    length = len(speech)
    if room := chosen.get("room"):
        speech = reverberate(rng, speech, **room)
    if background := chosen.get("noise"):
        noise = make_noise(rng, background["kind"], length, others)
        wanted = speech_level(speech) * 10 ** (-background["SNR_dB"] / 20)
        speech = speech + noise * wanted / math.sqrt(np.mean(noise**2) + 1e-12)
    if tilt := chosen.get("microphone"):
        speech = shelve(speech, **tilt)
    if clipping := chosen.get("clipping"):
        limit = np.abs(speech).max() * 10 ** (-clipping["dB"] / 20)
        speech = np.clip(speech, -limit, limit)
    if "telephone" in chosen:
        speech = telephone(speech)
    if codec := chosen.get("codec"):
        speech = through_codec(speech, **codec)
    if lowpass := chosen.get("lowpass"):
        speech = signal.sosfilt(signal.butter(6, lowpass["Hz"], fs=RATE, output="sos"), speech)
    speech = np.pad(speech[:length], (0, max(0, length - len(speech))))
    return speech * 0.9 * 10 ** (chosen["gain"]["dB"] / 20) / max(np.abs(speech).max(), 1e-6)
