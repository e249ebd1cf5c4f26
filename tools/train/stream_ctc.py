#!/usr/bin/env python3
"""Trains the streaming encoder and its CTC head; stops and goes on at any time.

    python tools/train/stream_ctc.py --model FLOAT_MODEL --vocabulary PIECES.model --development MANIFEST \\
        [--head-epochs 4] [--epochs 6] [--decay 1000] [--recipe RECIPE.json] PREPARED RUN

First the head alone, on the full-context states that prepare.py has stored (quick), then everything, with attention in
chunks of random size and their lookahead. Loss: CTC (a nat a piece) plus the squared distance of the encoder's states from
the full-context states of the clean speech. Steps of constant rate after a warm-up; --decay STEPS ends a run by bringing the
rate down to nothing. With --recipe these last steps are taken, from the average on, by weights in binary coding (arXiv
2009.07453). RUN/log.jsonl has one line an epoch with error rates on the development set; RUN/checkpoint.pt is what --resume
(the default where it exists) goes on from: weights, their moving average, optimizer, random states.

With --head FILE the head is that of a model file of the engine, and --head-epochs 0 leaves its first stage out. With
--encoder-rate 0 the encoder stays as it is: nothing of what Whisper knows of real voices is traded for the synthetic ones.
"""

import argparse
import contextlib
import copy
import json
import os
import pathlib
import pickle
import time

import sentencepiece
import torch
from torch.nn import functional

from export import matrices
from sotto_train.binary_coding import CodedWeights, RowCoding, read_recipe, rule_of
from sotto_train.data import PreparedCorpus, mask_features, mask_states
from sotto_train.model import POSITIONS, Encoder, StreamCTC, chunk_layout
from sotto_train.model_files import read_ctc
from sotto_train.precision import PRECISIONS, faster_precision, mixed
from sotto_train.scoring import DevelopmentSet

CHUNKS = (16, 32, 32, 64, None)  # states; one is drawn for each batch
LEFT = (128, 256, 256, 384)
# Share of the batches that start at random positions, as a stream does after 30 s; without distillation.
MOVED = 0.15
AVERAGE = 0.998
CLIP = 2.0
# Steps of coded weights from one fit of their scales to the next.
REFIT = 20


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.vocabulary = sentencepiece.SentencePieceProcessor(model_file=arguments.vocabulary)
        self.corpus = None  # loaded for each epoch, as a synthesis may be adding to it
        self.development = DevelopmentSet(arguments.development, self.vocabulary)
        self.checkpoint = arguments.run / "checkpoint.pt"
        torch.manual_seed(arguments.seed)
        pieces = self.vocabulary.get_piece_size() - 1  # the first is for unknown characters: here, the blank
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # Of the whole run, however often it is stopped: the first start decides.
        self.precision = faster_precision() if arguments.precision == "auto" else arguments.precision
        encoder = Encoder.of_whisper(arguments.model)
        if arguments.head:
            self.model = read_ctc(arguments.head, arguments.dropout)
            if self.model.output.out_features != pieces + 1 or self.model.encoder.width != encoder.width:
                raise SystemExit(f"{arguments.head} has other pieces or a wider encoder than this run")
            self.model.encoder = encoder
            self.model.to(self.device)
        else:
            self.model = StreamCTC(encoder, pieces, arguments.recurrent, dropout=arguments.dropout).to(self.device)
        self.average = copy.deepcopy(self.model)
        head = [p for n, p in self.model.named_parameters() if not n.startswith("encoder.")]
        encoder = list(self.model.encoder.parameters())
        self.optimizer = torch.optim.AdamW(
            [{"params": head, "lr": 0.0}, {"params": encoder, "lr": 0.0}], betas=(0.9, 0.98), weight_decay=0.01
        )
        # Where the run is: stage, epoch of it, batch of that, shards in that epoch, steps since the stage began.
        self.place = {"stage": "head", "epoch": 0, "batch": 0, "shards": None, "step": 0, "decay": 0}
        self.seconds = 0.0
        self.coding = None
        rules = read_recipe(arguments.recipe) if arguments.recipe else []
        found = {ours: rule_of(rules, name) for name, ours, _ in matrices(self.model.state_dict())}
        self.planes = {name: rule["bits"] for name, rule in found.items() if rule}
        if self.checkpoint.exists():
            self.resume()

    def resume(self):
        try:
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise SystemExit(f"{self.checkpoint} is damaged: remove it to begin again ({error})")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.place, self.seconds, self.precision = state["place"], state["seconds"], state["precision"]
        torch.set_rng_state(state["random"])
        if state.get("coding"):
            self.coding = CodedWeights.of_state(self.model, state["coding"], self.device)

    def save(self):
        state = {
            "model": self.model.state_dict(), "average": self.average.state_dict(), "place": self.place,
            "optimizer": self.optimizer.state_dict(), "random": torch.get_rng_state(), "seconds": self.seconds,
            "precision": self.precision, "coding": self.coding.state() if self.coding else None,
        }  # fmt: skip
        torch.save(state, self.checkpoint.with_suffix(".part"))
        os.replace(self.checkpoint.with_suffix(".part"), self.checkpoint)

    def rate(self):
        """Factor on the learning rate: a warm-up, one, and a fall at the end of the run."""
        factor = min(1, (self.place["step"] + 1) / self.arguments.warm_up)
        return factor * (1 - self.place["decay"] / self.arguments.decay if self.arguments.decay else 1)

    def loss(self, batch):
        """(sum to minimise, CTC loss a piece, distance from the full-context states)."""
        joint = self.place["stage"] == "joint"
        mel, target, lengths, pieces, counts = self.corpus.gather(batch, with_mel=joint)
        distance = torch.zeros((), device=self.device)
        if joint:
            if float(torch.rand(())) < self.arguments.masked:
                mask_features(mel, lengths, None)
            chunk = CHUNKS[int(torch.randint(len(CHUNKS), ()))]
            left = LEFT[int(torch.randint(len(LEFT), ()))]
            layout = chunk_layout(target.shape[1], chunk, left, lengths=lengths)
            # The states tell where they are: those of another position are far from the target, whatever was said.
            is_moved = float(torch.rand(())) < MOVED
            offsets = torch.randint(POSITIONS, (len(batch),)) if is_moved else None
            offsets = None if offsets is None else offsets.to(self.device)
            learns = self.arguments.encoder_rate > 0
            with mixed(self.precision, self.device), contextlib.nullcontext() if learns else torch.no_grad():
                states = self.model.encoder(mel.to(self.device), layout, offsets)
            if not is_moved:
                inside = (torch.arange(target.shape[1])[None] < lengths[:, None]).to(self.device)
                distance = (states.float() - target.to(self.device))[inside].square().mean()
            if not learns:
                # As when the head is trained alone: it has to stand what real voices change.
                states = states + self.arguments.head_noise * torch.randn_like(states)
        else:
            states = target + self.arguments.head_noise * torch.randn_like(target)
            mask_states(states, lengths)
        with mixed(self.precision, self.device):
            scores = self.model.head(states.to(self.device))
        # In sums over all pieces, so that long and short clips weigh by what they say.
        ctc = functional.ctc_loss(
            scores.transpose(0, 1), pieces.to(self.device), lengths // 2, counts, reduction="sum", zero_infinity=True
        ) / counts.sum()
        return ctc + self.arguments.distillation * distance, ctc, distance

    def step(self, batch):
        began = time.time()
        for group, rate in zip(self.optimizer.param_groups, (self.arguments.head_rate, self.arguments.encoder_rate)):
            group["lr"] = rate * self.rate()
        if self.coding and self.place["decay"] % REFIT == 1:
            self.coding.fit(rounds=1)
        self.optimizer.zero_grad()
        with self.coding or contextlib.nullcontext():
            loss, ctc, distance = self.loss(batch)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        kept = min(AVERAGE, (1 + self.place["step"]) / (10 + self.place["step"]))
        with torch.no_grad():
            for ours, theirs in zip(self.average.parameters(), self.model.parameters()):
                ours.lerp_(theirs, 1 - kept)
        self.place["step"] += 1
        self.seconds += time.time() - began
        return float(ctc.detach()), float(distance.detach())

    def epoch(self):
        """The rest of the epoch at hand, then its line in the log."""
        self.corpus = PreparedCorpus(self.arguments.prepared, self.place["shards"])
        self.place["shards"] = self.corpus.shards
        batches = self.corpus.batches(self.place["epoch"], self.arguments.batch * 100, self.arguments.seed)
        losses, saved = [], time.time()
        while self.place["batch"] < len(batches):
            if self.arguments.decay and self.place["stage"] == "joint":
                if self.place["decay"] >= self.arguments.decay:
                    break
                self.place["decay"] += 1
            losses.append(self.step(batches[self.place["batch"]]))
            self.place["batch"] += 1
            if time.time() - saved > 120 or self.place["batch"] == len(batches):
                recent = [sum(l) / len(l) for l in zip(*losses[-100:])]
                print(f"{self.place} of {len(batches)}: ctc {recent[0]:.3f}, distance {recent[1]:.3f}", flush=True)
                self.save()
                saved = time.time()
        # What is trained in codes is measured in codes, and ends at a rate of nothing: it needs no average.
        settings = ("640", "full") if self.place["stage"] == "head" else ("320", "640", "1280", "full")
        with self.coding or contextlib.nullcontext():
            rates = self.development.error_rates(self.model if self.coding else self.average, settings)
        means = [sum(l) / max(1, len(l)) for l in zip(*losses)] or [0, 0]
        entry = self.place | {"ctc": means[0], "distance": means[1], "hours": self.corpus.hours, "seconds": self.seconds}
        with open(self.arguments.run / "log.jsonl", "a") as log:
            print(json.dumps(entry | {"error_rates": rates}), file=log)
        print({name: f"{wer:.1f} / {cer:.1f}" for name, (wer, cer) in rates.items()}, flush=True)
        self.place |= {"epoch": self.place["epoch"] + 1, "batch": 0, "shards": None}
        self.save()

    def train(self):
        arguments = self.arguments
        while self.place["stage"] == "head" and self.place["epoch"] < arguments.head_epochs:
            self.epoch()
        if self.place["stage"] == "head":
            self.place |= {"stage": "joint", "epoch": 0, "batch": 0, "shards": None, "step": 0}
        if arguments.decay and self.planes and not self.coding:
            self.model.load_state_dict(self.average.state_dict())
            self.optimizer.state.clear()
            self.place |= {"decay": 0, "step": 0}
            codings = {name: RowCoding([(None, planes)]) for name, planes in self.planes.items()}
            self.coding = CodedWeights(self.model, codings)
            self.coding.fit()
            print(f"coded: relative error {self.coding.error():.4f}", flush=True)
        while self.place["epoch"] < arguments.epochs and not (arguments.decay and self.place["decay"] >= arguments.decay):
            self.epoch()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared", type=pathlib.Path, help="folder that prepare.py has filled")
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--model", required=True, help="float model file of Whisper tiny.en")
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--development", type=pathlib.Path, required=True, help="manifest.jsonl of real speech to measure on")
    parser.add_argument("--head", type=pathlib.Path, help="model file of the engine (ctc) whose head this run begins with")
    parser.add_argument("--head-epochs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--decay", type=int, default=0, metavar="STEPS")
    parser.add_argument("--recipe", type=pathlib.Path, help="planes of each tensor, as for sotto quantize; with --decay")
    parser.add_argument("--batch", type=int, default=120, help="seconds of speech in a step, padding included")
    parser.add_argument("--recurrent", type=int, default=384, help="width of the LSTM layers")
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--head-noise", type=float, default=0.5, help="added to the states where the encoder does not learn")
    parser.add_argument("--head-rate", type=float, default=1e-3)
    parser.add_argument("--encoder-rate", type=float, default=6e-5, help="0: the encoder stays as it is")
    parser.add_argument("--masked", type=float, default=1.0, help="share of the batches that are masked (SpecAugment)")
    parser.add_argument("--distillation", type=float, default=2.0, help="weight of the distance from the full-context states")
    parser.add_argument("--warm-up", type=int, default=100)
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="of products; auto takes the faster")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run.mkdir(parents=True, exist_ok=True)
    Run(arguments).train()


if __name__ == "__main__":
    main()
