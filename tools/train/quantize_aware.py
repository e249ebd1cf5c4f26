#!/usr/bin/env python3
"""Trains an attention model (Whisper) for weights in binary coding, against itself in floats, on synthetic speech.

    python tools/train/quantize_aware.py --model FLOAT_MODEL --tokenizer tokenizer.json --recipe RECIPE.json \\
        [--steps 600] CORPUS RUN
    python tools/train/quantize_aware.py ... CORPUS RUN --export OUTPUT.safetensors

The student starts as a copy, or with the codes of a model file (--codes, which `sotto quantize --calibrate` has made; it takes the recipe's
place). With --decoder-only what is coded of the encoder stays as it begins; with --scales-only all codes do, and their scales are trained. The forward pass sees codes (sotto_train/binary_coding.py: straight-through gradients, scales
fitted anew every --refit steps); the teacher hears the same speech, in floats. Loss: Kullback-Leibler divergence of the
decoder's distributions along the given text (nats a token), and the squared distances of the decoder's and encoder's states
relative to the teacher's. The rate falls to nothing with the last step. RUN/log.jsonl has a line every 20 steps;
RUN/checkpoint.pt is gone on from where it exists. --export writes the codes as they are trained.

RECIPE is one of `sotto quantize` (docs/model-file.md) with a scale a row. CORPUS is what synthesize.py makes.
"""

import argparse
import copy
import json
import math
import os
import pathlib
import pickle
import sys
import time

import numpy as np
import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from model_file import write_safetensors  # noqa: E402
from export import as_rows  # noqa: E402
from sotto_train.binary_coding import CodedScales, CodedWeights, RowCoding, read_recipe, rule_of  # noqa: E402
from sotto_train.model_files import ModelFile  # noqa: E402
from sotto_train.precision import PRECISIONS, faster_precision, mixed  # noqa: E402
from sotto_train.whisper import load_whisper  # noqa: E402
from sotto_train.whisper_data import Shards, Tokens  # noqa: E402

ENCODER_STATES, DECODER_STATES = 1.0, 1.0  # weights of the distances
CLIP = 1.0
WARM_UP = 20  # steps
LOG_EVERY = 20  # steps
POSITIONS = "encoder.positions"


def is_sinusoidal(positions):
    """Whether positions [N, D] are those that the engine takes where a file has none, but for float16."""
    count, width = positions.shape
    frequencies = torch.exp(-math.log(10_000) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(count)[:, None] * frequencies
    return bool((positions - torch.cat([angles.sin(), angles.cos()], dim=1)).abs().max() < 1e-3)


def codings_of(model, rules, folder):
    """{name: RowCoding} of the matrices that a recipe gives planes."""
    codings = {}
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2 or (rule := rule_of(rules, name)) is None:
            continue
        classes = [(None, rule["bits"])]
        if "bits_by_frequency" in rule:
            classes = row_classes(rule, parameter.shape[0], folder)
        of_columns = rule.get("center_columns") or rule.get("scale_columns")
        make = (lambda c: RowCoding.of_columns(parameter.detach(), c)) if of_columns else RowCoding
        codings[name] = make(classes)
    return codings


def row_classes(rule, rows, folder):
    """Rows by falling count, cut into the classes of a rule, each in rising order."""
    counts = np.zeros(rows)
    if "counts" in rule:
        counts = np.array((folder / rule["counts"]).read_text().split(), dtype=float)
        if len(counts) != rows:
            raise SystemExit(f"{rule['counts']} has {len(counts)} counts for {rows} rows")
    order, classes = np.argsort(-counts, kind="stable"), []
    for item in rule["bits_by_frequency"]:
        count = len(order) if item["rows"] is None else item["rows"]
        if len(order[:count]):
            classes.append((torch.from_numpy(np.sort(order[:count])), item["bits"]))
        order = order[count:]
    return classes


@torch.no_grad()
def take_codes(model, path):
    """{name: RowCoding} of what is coded in a model file; the model's floats become its, and what its codes stand for."""
    file, codings = ModelFile(path, "attention"), {}
    for name, own in model.named_parameters():
        if name in file.tensors:
            value = file.tensor(name)
        elif name in file.configuration.get("quantization", {}):
            codings[name], value = file.coded(name)
        else:  # positions that are computed
            continue
        if own.numel() != value.numel():
            raise SystemExit(f"{path}: {name} has another shape than the float model's")
        if name in codings and own.dim() == 3:  # a convolution, whose columns follow its frames
            value = value.view(own.shape[0], own.shape[2], own.shape[1]).permute(0, 2, 1)
        own.copy_(value.reshape(own.shape))
    return codings


def divergence(model, teacher, batch, precision, device):
    """(KL a token, relative distance of the decoder's states, of the encoder's) of a batch, the second model being right."""
    mel, lengths, tokens, counts = batch
    mel, tokens = mel.to(device), tokens.to(device)
    with torch.no_grad(), mixed(precision, device):
        wanted, bias = teacher.encoder(mel, lengths)
        wanted_words = teacher.decoder(tokens, wanted, bias).float()
    with mixed(precision, device):
        states, bias = model.encoder(mel, lengths)
        words = model.decoder(tokens, states, bias).float()
    real = torch.isfinite(bias[:, 0, 0])
    inside = torch.arange(tokens.shape[1])[None] < torch.tensor(counts)[:, None] - 1  # the last foretells nothing
    inside = inside.to(device)
    words, wanted_words = words[inside], wanted_words[inside]
    with torch.no_grad():
        target = functional.log_softmax(teacher.scores(wanted_words), dim=-1)
    scores = functional.log_softmax(model.scores(words), dim=-1)
    kl = functional.kl_div(scores, target, reduction="batchmean", log_target=True)
    relative = lambda ours, theirs: (ours - theirs).square().mean() / theirs.square().mean()
    return kl, relative(words, wanted_words), relative(states.float()[real], wanted.float()[real])


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.precision = faster_precision() if arguments.precision == "auto" else arguments.precision
        self.model, self.others = load_whisper(arguments.model)
        self.teacher = copy.deepcopy(self.model).eval().requires_grad_(False).to(self.device)
        self.model.to(self.device)
        self.tokens = Tokens(arguments.tokenizer, self.model.configuration["vocabulary"])
        if arguments.decoder_only:
            self.model.encoder.requires_grad_(False)
        self.place = {"step": 0, "epoch": 0, "shard": 0, "batch": 0}
        self.seconds = 0.0
        self.checkpoint = arguments.run / "checkpoint.pt"
        self.optimizer_state = None
        torch.manual_seed(arguments.seed)
        if self.checkpoint.exists():
            self.resume()
        else:
            if arguments.codes:
                kind = CodedScales if arguments.scales_only else CodedWeights
                self.coding = kind(self.model, take_codes(self.model, arguments.codes))
            else:
                rules = read_recipe(arguments.recipe)
                self.coding = CodedWeights(self.model, codings_of(self.model, rules, arguments.recipe.parent))
                self.coding.fit()
            print(f"{len(self.coding.codings)} matrices coded, relative error {self.coding.error():.4f}", flush=True)
        self.coding.settle()
        self.begin()

    def begin(self):
        """The optimizer of what is trained."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        if isinstance(self.coding, CodedScales):
            coded = {id(p) for p in self.coding.parameters.values()}
            trained = [p for p in trained if id(p) not in coded] + self.coding.leaves()
        self.optimizer = torch.optim.Adam(trained, lr=0.0, betas=(0.9, 0.98))
        if self.optimizer_state:
            self.optimizer.load_state_dict(self.optimizer_state)

    def resume(self):
        try:
            state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise SystemExit(f"{self.checkpoint} is damaged: remove it to begin again ({error})")
        self.model.load_state_dict(state["model"])
        self.optimizer_state = state["optimizer"]
        kind = CodedScales if self.arguments.scales_only else CodedWeights
        self.coding = kind.of_state(self.model, state["coding"], self.device)
        if self.arguments.scales_only:
            self.coding.trained = {
                name: [torch.nn.Parameter(scales) for scales in own] for name, own in state["scales"].items()
            }
        self.coding.entered = state["entered"]
        self.coding.kept = state["kept"]
        self.place, self.seconds, self.precision = state["place"], state["seconds"], state["precision"]

    def save(self):
        state = {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "coding": self.coding.state(),
            "entered": self.coding.entered, "kept": self.coding.kept, "place": self.place, "seconds": self.seconds,
            "precision": self.precision,
        }  # fmt: skip
        if self.arguments.scales_only:
            state["scales"] = {n: [scales.detach() for scales in own] for n, own in self.coding.trained.items()}
        torch.save(state, self.checkpoint.with_suffix(".part"))
        os.replace(self.checkpoint.with_suffix(".part"), self.checkpoint)

    def rate(self):
        step, steps = self.place["step"], self.arguments.steps
        return self.arguments.rate * min(1, (step + 1) / WARM_UP) * max(0.0, 1 - step / steps)

    def step(self, batch):
        began = time.time()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        if self.place["step"] % self.arguments.refit == self.arguments.refit - 1:
            self.coding.fit(rounds=1)
        self.optimizer.zero_grad()
        with self.coding:
            parts = divergence(self.model, self.teacher, batch, self.precision, self.device)
            (parts[0] + DECODER_STATES * parts[1] + ENCODER_STATES * parts[2]).backward()
        if isinstance(self.coding, CodedScales):
            self.coding.take_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.place["step"] += 1
        self.seconds += time.time() - began
        return [float(part.detach()) for part in parts]

    def train(self):
        shards = Shards(self.arguments.corpus, self.tokens, self.arguments.batch, self.arguments.seed)
        losses, saved = [], time.time()
        while self.place["step"] < self.arguments.steps:
            # A batch that the checkpoint says was taken is only read over.
            for number, batch in enumerate(shards.shard(self.place["epoch"], self.place["shard"])):
                if number < self.place["batch"]:
                    continue
                losses.append(self.step(batch))
                self.place["batch"] += 1
                if self.place["step"] % LOG_EVERY == 0:
                    self.log(losses)
                    losses = []
                if time.time() - saved > 180 or self.place["step"] == self.arguments.steps:
                    self.save()
                    saved = time.time()
                if self.place["step"] == self.arguments.steps:
                    return
            self.place |= {"batch": 0, "shard": self.place["shard"] + 1}
            if self.place["shard"] == len(shards):
                self.place |= {"shard": 0, "epoch": self.place["epoch"] + 1}

    def log(self, losses):
        kl, decoder, encoder = (sum(part) / len(part) for part in zip(*losses))
        entry = self.place | {"kl": kl, "decoder": decoder, "encoder": encoder, "seconds": self.seconds}
        with open(self.arguments.run / "log.jsonl", "a") as file:
            print(json.dumps(entry), file=file)
        print(f"{self.place['step']}: KL {kl:.4f}, states {decoder:.4f}, encoder {encoder:.4f}", flush=True)

    def export(self, path):
        """The model file: codes as the last step saw them, everything else in float16."""
        tensors, quantization = dict(self.others), {}
        state = {name: value.detach().float().cpu() for name, value in self.model.state_dict().items()}
        tensors = {name: value.numpy() for name, value in tensors.items()}
        for name, value in state.items():
            if name in self.coding.codings:
                coding = RowCoding.of_state(self.coding.codings[name].state())
                own, quantization[name] = coding.tensors(name, as_rows(value))
                tensors |= own
            elif name != POSITIONS or not is_sinusoidal(value):
                tensors[name] = value.numpy().astype(np.float16)
        configuration = self.model.configuration | {"quantization": quantization}
        write_safetensors(path, tensors, {"sotto": json.dumps(configuration, separators=(",", ":"))})
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path, help="folder that synthesize.py has filled")
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--model", required=True, help="float model file of an attention model")
    parser.add_argument("--tokenizer", required=True, type=pathlib.Path, help="tokenizer.json beside the model's weights")
    begin = parser.add_mutually_exclusive_group(required=True)
    begin.add_argument("--recipe", type=pathlib.Path)
    begin.add_argument("--codes", type=pathlib.Path, metavar="FILE", help="model file whose codes are trained")
    parser.add_argument("--scales-only", action="store_true", help="codes stay, their scales are trained")
    parser.add_argument("--decoder-only", action="store_true", help="the encoder's codes stay")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=200, help="seconds of speech in a step, padding included")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--refit", type=int, default=20, metavar="STEPS")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="of products; auto takes the faster")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--export", type=pathlib.Path, metavar="FILE", help="write the model file and train no further")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.run.mkdir(parents=True, exist_ok=True)
    run = Run(arguments)
    if arguments.export:
        run.export(arguments.export)
    else:
        run.train()


if __name__ == "__main__":
    main()
