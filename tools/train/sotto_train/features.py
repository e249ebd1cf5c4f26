"""Log-mel features in PyTorch, as `StreamingLogMel` and `LogMel` of the engine compute them."""

import math

import numpy as np
import torch

STREAMING_FLOOR = -6.5


def mel_filter_bank(sample_rate=16_000, window=400, bands=80):
    """Slaney's mel scale (linear to 1 kHz, then logarithmic), triangles of equal area. [bands, window / 2 + 1]"""
    linear_slope, knee, log_step = 200 / 3, 15.0, math.log(6.4) / 27

    def to_hertz(mel):
        return np.where(mel < knee, mel * linear_slope, 1000 * np.exp(log_step * (mel - knee)))

    top = knee + math.log(sample_rate / 2 / 1000) / log_step
    edges = to_hertz(np.linspace(0, top, bands + 2))
    bins = np.linspace(0, sample_rate / 2, window // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2 / (edges[2:] - edges[:-2])[:, None]
    return np.maximum(0, np.minimum(rising, falling)) * area


BANK = torch.from_numpy(mel_filter_bank()).float()
WINDOW = torch.hann_window(400)


def log_mel(samples, floor=STREAMING_FLOOR):
    """samples [S] in -1...1 to [S / 160, 80]. Frames are centred, edges reflected; with no floor, Whisper's (maximum - 8)."""
    spectrum = torch.stft(samples, 400, 160, window=WINDOW, center=True, pad_mode="reflect", return_complex=True)
    power = spectrum[:, : samples.shape[0] // 160].abs() ** 2
    logarithm = torch.log10(torch.clamp(BANK @ power, min=1e-10))
    lowest = logarithm.max() - 8.0 if floor is None else torch.tensor(floor)
    return ((torch.maximum(logarithm, lowest) + 4.0) / 4.0).T.contiguous()
