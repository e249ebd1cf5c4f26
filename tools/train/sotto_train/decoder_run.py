"""Training of a decoder that stands on the frozen encoder and recurrent layers of a CTC model; stops and goes on at any time.

What is the same for all such decoders: the rows that the base hears, computed once; text alone first; epochs at a constant rate; a
decay, where wanted in binary coding; error rates; a checkpoint. `DecoderRun` leaves the model, its loss and its greedy search
to its subclasses.
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

from .binary_coding import CodedWeights, RowCoding, read_recipe, rule_of
from .data import PreparedCorpus
from .heard import HeardCorpus, hear, load_base
from .model_files import read_decoder
from .onsets import compact, keep_rows, onsets
from .precision import PRECISIONS, faster_precision, mixed
from .scoring import SETTINGS, DevelopmentSet
from .texts import spoken

AVERAGE = 0.998
CLIP = 2.0
LANGUAGE = 0.3  # share of what the text alone tells that the decoder begins with
PIECES, LONGEST = 1600, 64  # pieces in a step on text, and of a sentence at most
REFIT = 20  # steps of coded weights from one fit of their scales to the next


class DecoderRun:
    """A model has `language(classes)`, the scores of pieces after classes [B, L] where nothing is heard, [B, L, V], and
    `begin_from_language(share, nats)`, which keeps a share of them as the start of what follows."""

    family = ""
    matrices = ()  # (name in the file, name of the parameter) of each matrix

    def make_model(self, pieces, rows):
        raise NotImplementedError

    def loss_of(self, rows, kept, begins, pieces, counts):
        """Nats of each utterance, [B], from what was heard [B, T, width], which rows count [B, T], log-probabilities of onsets
        [B, T, V + 1], classes [B, U] and how many they are [B]."""
        raise NotImplementedError

    def greedy(self, model, rows, kept, begins):
        """Classes that greedy search finds, a list for each utterance."""
        raise NotImplementedError

    def __init__(self, arguments):
        self.arguments = arguments
        self.vocabulary = sentencepiece.SentencePieceProcessor(model_file=arguments.vocabulary)
        self.base = load_base(arguments.base, arguments.heads)
        pieces = self.vocabulary.get_piece_size() - 1  # the first is for unknown characters: here, the blank
        if self.base.output.out_features != pieces + 1:
            raise SystemExit(f"{arguments.base} has {self.base.output.out_features} classes for {pieces} pieces and a blank")
        self.checkpoint = arguments.run / "checkpoint.pt"
        torch.manual_seed(arguments.seed)
        rows = self.base.lstm.hidden_size
        self.model = self.make_model(pieces, rows)
        if arguments.decoder:
            read_decoder(arguments.decoder, self.family, self.model)
        self.average = copy.deepcopy(self.model)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.01)
        # Where the run is: steps on text; epoch, batch of it, steps since the stage began; steps of the decay.
        self.place = {"text": 0, "epoch": 0, "batch": 0, "step": 0, "decay": None}
        self.seconds = 0.0
        # Of what is heard and of the text alone; the steps on speech are in float32.
        self.precision = faster_precision() if arguments.precision == "auto" else arguments.precision
        self.coding, self.is_reading = None, False
        rules = read_recipe(arguments.recipe) if arguments.recipe else []
        found = {ours: rule_of(rules, name) for name, ours in self.matrices}
        self.planes = {name: rule["bits"] for name, rule in found.items() if rule}
        self.development = DevelopmentSet(arguments.development, self.vocabulary)
        self.heard = {}
        self.losses = []
        if self.checkpoint.exists():
            self.resume()
        elif arguments.language:
            self.take_language(arguments.language)

    # The run on disk.

    def resume(self):
        try:
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise SystemExit(f"{self.checkpoint} is damaged: remove it to begin again ({error})")
        # Text alone is learnt without a base: such a checkpoint may begin runs on others.
        if (state["place"]["epoch"] or state["place"]["batch"]) and not torch.equal(state["base"], self.base.output.bias.half()):
            raise SystemExit(f"{self.checkpoint} is of a run on another base than {self.arguments.base}")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.place, self.seconds, self.losses = state["place"], state["seconds"], state["losses"]
        torch.set_rng_state(state["random"])
        if state["coding"]:
            self.coding = CodedWeights.of_state(self.model, state["coding"])

    @torch.no_grad()
    def take_language(self, path):
        """Begins with what a run of any of these decoders has learnt from text, and nothing else yet."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not state["place"]["text"] or any(state["place"][name] for name in ("step", "epoch", "batch")):
            raise SystemExit(f"{path} is not of a run that has learnt from text alone, to its end (--epochs 0)")
        own = self.model.state_dict()
        for name, value in state["model"].items():
            if name.startswith(("embedding.", "predictor.", "recalls.", "output.")) or name == "hears.bias":
                # Of one that has a class for the blank, the first, or has not.
                count = min(len(own[name]), len(value))
                own[name][-count:].copy_(value[-count:])
        self.average.load_state_dict(own)
        self.place["text"] = state["place"]["text"]

    def save(self):
        state = {
            "model": self.model.state_dict(), "average": self.average.state_dict(), "place": self.place,
            "optimizer": self.optimizer.state_dict(), "random": torch.get_rng_state(), "seconds": self.seconds,
            "coding": self.coding.state() if self.coding else None, "losses": self.losses, "family": self.family,
            "base": self.base.output.bias.half(),
        }  # fmt: skip
        torch.save(state, self.checkpoint.with_suffix(".part"))
        os.replace(self.checkpoint.with_suffix(".part"), self.checkpoint)

    # Steps.

    def begins(self, rows):
        """Log-probabilities of onsets, of what the base hears."""
        return onsets(functional.log_softmax(self.base.output(rows), dim=-1))

    def loss(self, batch):
        """Nats a piece."""
        rows, lengths, pieces, counts = self.corpus.gather(batch)
        with torch.no_grad():
            rows = functional.dropout(rows, self.arguments.rows_dropout)
            rows = rows + self.arguments.noise * torch.randn_like(rows)
            begins = self.begins(rows)
            kept = keep_rows(begins, lengths, counts + 1)
        return self.loss_of(rows, kept, begins, pieces, counts).sum() / counts.sum()

    def rate(self):
        """A warm-up, one, and a fall at the end of the run."""
        factor = min(1, (self.place["step"] + 1) / self.arguments.warm_up)
        if self.is_reading:
            factor *= 1 - 0.9 * self.place["text"] / self.arguments.text_steps
        return self.arguments.rate * factor * (1 - (self.place["decay"] or 0) / max(1, self.arguments.decay))

    def step(self, loss_of):
        """One step on what `loss_of` computes."""
        began = time.time()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        if self.coding and self.place["step"] % REFIT == 0:
            self.coding.fit(rounds=1)
        self.optimizer.zero_grad()
        with self.coding or contextlib.nullcontext():
            loss = loss_of()
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        kept = min(AVERAGE, (1 + self.place["step"]) / (10 + self.place["step"]))
        with torch.no_grad():
            for ours, theirs in zip(self.average.parameters(), self.model.parameters()):
                ours.lerp_(theirs, 1 - kept)
        self.place["step"] += 1
        self.seconds += time.time() - began
        return float(loss.detach())

    # Text alone.

    def text_loss(self, sentences):
        """Nats a piece of what comes next, as the model tells it that hears nothing; and it should be a log-probability as
        it is, without a softmax."""
        place = int(torch.randint(len(sentences), ()))
        count = max(1, PIECES // len(sentences[place]))
        chosen = sentences[max(0, place - count) : place + 1]  # of about the same length
        pieces = torch.nn.utils.rnn.pad_sequence([torch.tensor(own) for own in chosen], batch_first=True)
        with mixed(self.precision):
            scores = self.model.language(functional.pad(pieces, (1, 0))[:, :-1]).float()[pieces > 0]
        total = scores.logsumexp(dim=-1)
        return (total - scores.gather(1, pieces[pieces > 0][:, None] - 1)[:, 0]).mean() + 0.05 * total.square().mean()

    def learn_text(self):
        lines = [spoken(line) for line in self.arguments.text.read_text(encoding="utf-8").splitlines()]
        sentences = [pieces[:LONGEST] for pieces in self.vocabulary.encode(lines) if len(pieces) > 1 and 0 not in pieces]
        sentences.sort(key=len)
        losses, saved = [], time.time()
        if self.place["text"] == 0:
            torch.nn.init.xavier_uniform_(self.model.output.weight)
        self.is_reading = True
        while self.place["text"] < self.arguments.text_steps:
            self.place["text"] += 1
            losses.append(self.step(lambda: self.text_loss(sentences)))
            if time.time() - saved > 60:
                print(f"{self.place}: text, {sum(losses[-100:]) / len(losses[-100:]):.3f} nats a piece", flush=True)
                self.save()
                saved = time.time()
        self.is_reading = False
        print(f"text: {sum(losses[-100:]) / max(1, len(losses[-100:])):.3f} nats a piece, {self.seconds:.0f} s", flush=True)
        self.model.begin_from_language(LANGUAGE, sum(losses[-100:]) / max(1, len(losses[-100:])))
        self.average.load_state_dict(self.model.state_dict())
        self.optimizer.state.clear()
        self.place["step"] = 0
        self.save()

    def epoch(self):
        """The rest of the epoch at hand, or of the decay, then its line in the log."""
        arguments, is_decay = self.arguments, self.place["decay"] is not None
        batches = self.prepared.batches(self.place["epoch"], arguments.batch * 100, arguments.seed)
        saved = time.time()
        while self.place["batch"] < len(batches) and not (is_decay and self.place["decay"] >= arguments.decay):
            self.losses.append(self.step(lambda: self.loss(batches[self.place["batch"]])))
            self.place["batch"] += 1
            if is_decay:
                self.place["decay"] += 1
            if time.time() - saved > 60:
                recent = sum(self.losses[-100:]) / len(self.losses[-100:])
                print(f"{self.place} of {len(batches)}: {recent:.3f} nats a piece, {self.seconds:.0f} s", flush=True)
                self.save()
                saved = time.time()
        is_last = is_decay and self.place["decay"] >= arguments.decay
        self.measure(SETTINGS if is_last else ("640",))
        self.place |= {"epoch": self.place["epoch"] + 1, "batch": 0}
        self.losses = []
        self.save()

    def train(self):
        arguments = self.arguments
        if self.place["text"] < arguments.text_steps:
            self.learn_text()
        if not arguments.epochs:
            return
        self.prepared = PreparedCorpus(arguments.prepared, arguments.shards)
        self.corpus = HeardCorpus(self.prepared, arguments.heard or arguments.run / "heard")
        self.corpus.prepare(
            self.base, arguments.seed, self.precision,
            lambda shard: print(f"heard shard {shard + 1} of {self.prepared.shards}", flush=True),
        )  # fmt: skip
        if self.place["epoch"] == self.place["batch"] == 0:
            self.measure(("640",))
        while self.place["decay"] is None and self.place["epoch"] < arguments.epochs:
            self.epoch()
        if not arguments.decay:
            return
        if self.place["decay"] is None:
            self.begin_decay()
        while self.place["decay"] < arguments.decay:
            self.epoch()

    def begin_decay(self):
        self.place |= {"decay": 0, "step": 0}
        self.model.load_state_dict(self.average.state_dict())
        if self.planes:
            self.optimizer.state.clear()
            self.coding = CodedWeights(self.model, {n: RowCoding([(None, p)]) for n, p in self.planes.items()})
            self.coding.fit()
            print(f"coded: relative error {self.coding.error():.4f}", flush=True)

    # Error rates.

    @torch.no_grad()
    def texts(self, model, setting):
        """What greedy search finds in the development set, all utterances side by side."""
        if setting not in self.heard:
            chunk, found = SETTINGS[setting], []
            for mel, _ in self.development.clips:
                found.append(hear(self.base, mel[: mel.shape[0] // 4 * 4][None], chunk)[0])
            self.heard[setting] = found
        found = self.heard[setting]
        lengths = torch.tensor([len(rows) for rows in found])
        rows = torch.nn.utils.rnn.pad_sequence(found, batch_first=True)
        begins = self.begins(rows)
        return [self.vocabulary.decode(said) for said in self.greedy(model, rows, keep_rows(begins, lengths), begins)]

    def measure(self, settings):
        # What is trained in codes is measured in codes, and ends at a rate of nothing: it needs no average.
        model = self.model if self.coding else self.average
        model.eval()
        with self.coding or contextlib.nullcontext():
            rates = self.development.rates_of({name: self.texts(model, name) for name in settings})
        model.train()
        mean = sum(self.losses) / len(self.losses) if self.losses else None
        entry = self.place | {"family": self.family, "loss": mean, "hours": self.prepared.hours, "seconds": self.seconds, "error_rates": rates}
        with open(self.arguments.run / "log.jsonl", "a") as log:
            print(json.dumps(entry), file=log)
        print(mean, {name: f"{wer:.1f} / {cer:.1f}" for name, (wer, cer) in rates.items()}, flush=True)


def parser(description):
    """The options that all decoders have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("prepared", type=pathlib.Path, help="folder that prepare.py has filled")
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--heard", type=pathlib.Path, help="folder of what the base hears, where runs on it share it (RUN/heard)")
    parser.add_argument("--base", type=pathlib.Path, required=True, help="checkpoint of stream_ctc.py, or the model file of one")
    parser.add_argument("--decoder", type=pathlib.Path, help="model file of the same family whose decoder this run begins with")
    parser.add_argument("--vocabulary", required=True)
    parser.add_argument("--development", type=pathlib.Path, required=True, help="manifest.jsonl of real speech to measure on")
    parser.add_argument("--heads", type=int, default=6, help="attention heads of the base")
    parser.add_argument("--shards", type=int, help="take only so many, the oldest")
    parser.add_argument("--text", type=pathlib.Path, help="sentences that the predictor learns from, one a line")
    parser.add_argument("--language", type=pathlib.Path, help="checkpoint of another decoder's run that has learnt from text alone")
    parser.add_argument("--text-steps", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--decay", type=int, default=0, metavar="STEPS")
    parser.add_argument("--recipe", type=pathlib.Path, help="planes of each tensor, as for sotto quantize; with --decay")
    parser.add_argument("--batch", type=int, default=120, help="seconds of speech in a step, padding included")
    parser.add_argument("--embedding", type=int, default=128, help="width of the predictor's embedding")
    parser.add_argument("--predictor", type=int, default=320, help="width of its LSTM")
    parser.add_argument("--inner", type=int, default=320, help="width of the layer before the output")
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--rows-dropout", type=float, default=0.1, help="of what the base hears")
    parser.add_argument("--noise", type=float, default=0.1, help="added to it")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--warm-up", type=int, default=50)
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="of the base; auto takes the faster")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main(run, parser):
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run.mkdir(parents=True, exist_ok=True)
    run(arguments).train()
