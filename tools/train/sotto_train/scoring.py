"""Word error rate of greedy CTC on a set of real recordings."""

import json

import jiwer
import soundfile
import torch

from .features import log_mel
from .model import STACK, chunk_layout
from .texts import spoken

SETTINGS = {"320": 16, "640": 32, "1280": 64, "full": None}  # states in a chunk, 50 a second
LEFT = 256


class DevelopmentSet:
    def __init__(self, manifest, vocabulary):
        self.vocabulary = vocabulary
        self.clips = []
        for line in manifest.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            samples, rate = soundfile.read(manifest.parent / entry["audio"], dtype="float32")
            if rate != 16_000:
                raise ValueError(f"{entry['audio']} has {rate} samples a second, not 16000")
            self.clips.append((log_mel(torch.from_numpy(samples)), spoken(entry["text"])))

    @torch.no_grad()
    def texts(self, model, chunk, left=LEFT):
        texts = []
        device = next(model.parameters()).device
        for mel, _ in self.clips:
            mel = mel[: mel.shape[0] // (2 * STACK) * 2 * STACK][None].to(device)
            scores = model.head(model.encoder(mel, chunk_layout(mel.shape[1] // 2, chunk, left)))[0]
            best = torch.unique_consecutive(scores.argmax(-1)).tolist()
            texts.append(self.vocabulary.decode([piece for piece in best if piece]))
        return texts

    def rates_of(self, texts):
        """Of {setting: text of each clip}, {setting: (word, character) error rate in percent}."""
        references = [reference for _, reference in self.clips]
        return {name: (100 * jiwer.wer(references, t), 100 * jiwer.cer(references, t)) for name, t in texts.items()}

    def error_rates(self, model, settings=SETTINGS):
        """{setting: (word, character) error rate in percent}."""
        model.eval()
        result = self.rates_of({name: self.texts(model, SETTINGS[name]) for name in settings})
        model.train()
        return result
