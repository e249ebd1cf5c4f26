#!/usr/bin/env python3
"""Codes an attention model (Whisper) matrix after matrix, each so that the coded model gives what the float model gives.

    python tools/train/match_layers.py --model FLOAT_MODEL --tokenizer tokenizer.json --recipe RECIPE.json --sotto sotto
        [--minutes 150] CORPUS RUN OUTPUT

`sotto quantize --calibrate` codes each matrix for the inputs that the float model has, so that errors add up from layer to layer. Here both
models hear the same speech (CORPUS is what synthesize.py makes), and a matrix W with inputs x becomes the one that is best for the inputs x'
that the coded layers before it give:

    V = W + (W (E[x x'ᵀ] - E[x' x'ᵀ]) + E[d x'ᵀ]) (E[x' x'ᵀ] + λ)⁻¹

All moments are taken around the means, which biases make good. d is what the sum that the product is added to lacks, where there is one: the last products of
attention and feed-forward part make good the errors of all layers before. V is coded by `sotto quantize` under the second moments of x'.
Norms after the last layers are fitted channel by channel. Last, the decoder's norms and biases are trained for some hundred steps to tell
tokens with the probabilities of the float model: 27,000 numbers, and no code is touched.
The recipe is one of `sotto quantize` (docs/model-file.md).

RUN keeps what has been coded; a run goes on from there, to the same file. RUN/log.jsonl says how far each matrix is from what is wanted.
"""

import argparse
import copy
import fnmatch
import json
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from model_file import fingerprint, write_safetensors  # noqa: E402
from export import as_rows  # noqa: E402
from quantize_aware import is_sinusoidal  # noqa: E402
from sotto_train.model_files import ModelFile  # noqa: E402
from sotto_train.whisper import load_whisper  # noqa: E402
from sotto_train.whisper_data import Shards, Tokens  # noqa: E402

EMBEDDING, DECODER_POSITIONS, ENCODER_POSITIONS = "decoder.embedding.weight", "decoder.positions", "encoder.positions"
BATCH = 40  # seconds of speech, padding included
SHRINK = 0.1  # λ, relative to the mean of the diagonal: what the speech did not tell stays as it is
RATE, WARM_UP, ACCUMULATED = 5e-4, 20, 2  # of the training at the end: Adam's rate, its first steps, batches a step
LOG_EVERY = 50  # steps
FRAMES = 0.35  # share of the encoder's states that moments are taken of: neighbours tell the same


class Moments:
    """Sums over the inputs x of a float product, x' of the coded one, and d (see above)."""

    def __init__(self):
        self.count, self.sums = 0, None

    def add(self, wanted, given, lacking):
        """[N, I], [N, I] and [N, O] or None."""
        parts = [given.T @ given, wanted.T @ given, given.sum(0), wanted.sum(0)]
        parts += [] if lacking is None else [lacking.T @ given, lacking.sum(0)]
        parts = [part.double() for part in parts]
        self.sums = parts if self.sums is None else [total + part for total, part in zip(self.sums, parts)]
        self.count += len(given)

    def means(self):
        """Around the means: E[x' x'ᵀ], E[x x'ᵀ], the means of x' and x, E[d x'ᵀ] and the mean of d."""
        given, both, given_mean, mean, *rest = (part / self.count for part in self.sums)
        lacking, lacking_mean = rest or (0, torch.zeros(()))
        if rest:
            lacking = lacking - torch.outer(lacking_mean, given_mean)
        around = (given - torch.outer(given_mean, given_mean), both - torch.outer(mean, given_mean))
        return *around, given_mean, mean, lacking, lacking_mean


class Recipe:
    """Codes matrices by `sotto quantize`, with the rules of a recipe that are theirs."""

    def __init__(self, path, sotto, folder, configuration, threads):
        self.rules, self.home = json.loads(path.read_text()), path.parent
        self.sotto, self.folder, self.threads = sotto, folder, threads
        self.configuration = configuration | {"quantization": {}}

    def rule(self, name):
        found = next((rule for rule in self.rules if fnmatch.fnmatchcase(name, rule["pattern"])), None)
        return found if found and found["bits"] != 16 else None

    def code(self, matrices, moments):
        """({name: what it stands for}, tensors, the configuration's words on them) of {name: [R, C]}, moments [C, C] or None."""
        used = []
        for name in matrices:
            rule = dict(self.rule(name))
            if "counts" in rule:
                (self.folder / "counts.txt").write_text((self.home / rule["counts"]).read_text())
                rule["counts"] = "counts.txt"
            used += [] if rule in used else [rule]
        source, rules, output = (self.folder / name for name in ("float.safetensors", "rules.json", "coded.safetensors"))
        tensors = {name: value.float().contiguous().numpy() for name, value in matrices.items()}
        write_safetensors(source, tensors, {"sotto": json.dumps(self.configuration)})
        rules.write_text(json.dumps(used))
        command = [self.sotto, "quantize", "--quiet", "--threads", str(self.threads), "--recipe", rules]
        if moments is not None:
            path = self.folder / "moments.safetensors"
            own = {name: moments.float().contiguous().clone() for name in matrices}
            save_file(own, path, {"model": fingerprint(source)})
            command += ["--moments", path]
        subprocess.run([*command, source, output], check=True)
        file = ModelFile(output, "attention")
        tensors = {name: torch.from_numpy(value) for name, value in file.tensors.items()}
        return {name: file.coded(name)[1] for name in matrices}, tensors, file.configuration["quantization"]


class Run:
    def __init__(self, arguments):
        self.arguments, self.folder = arguments, arguments.run
        self.folder.mkdir(parents=True, exist_ok=True)
        self.teacher, self.others = load_whisper(arguments.model)
        self.teacher.eval().requires_grad_(False)
        self.model = copy.deepcopy(self.teacher)
        configuration = self.teacher.configuration
        self.recipe = Recipe(arguments.recipe, arguments.sotto, self.folder, configuration, arguments.threads)
        tokens = Tokens(arguments.tokenizer, configuration["vocabulary"])
        self.batches = take(Shards(arguments.corpus, tokens, BATCH), arguments.minutes)
        self.tensors, self.quantization, self.step = {}, {}, 0
        # The encoder has many states a minute, the decoder few tokens.
        seconds = np.cumsum([sum(lengths) / 50 for _, lengths, _, _ in self.batches])
        self.few = 1 + int(np.searchsorted(seconds, 60 * arguments.encoder_minutes))
        generator = torch.Generator().manual_seed(1)
        layouts = [self.teacher.encoder.layout(lengths)[2] for _, lengths, _, _ in self.batches]
        self.biases = [logs[:, None, None] for logs in layouts]
        self.real = [torch.isfinite(logs) for logs in layouts]
        self.some = [real & (torch.rand(real.shape, generator=generator) < FRAMES) for real in self.real]
        self.inside = [  # the last token foretells nothing
            torch.arange(tokens.shape[1])[None] < torch.tensor(counts)[:, None] - 1 for _, _, tokens, counts in self.batches
        ]

    # MARK: Steps, kept in RUN

    def once(self, what, compute):
        """What `compute` gives, or gave in a run before."""
        path = self.folder / f"{self.step:03d}-{what}.pt"
        self.step += 1
        if path.exists():
            try:
                return torch.load(path, weights_only=True)
            except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
                raise SystemExit(f"{path} is damaged: remove it ({error})")
        result = compute()
        torch.save(result, path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
        return result

    def log(self, **entry):
        with open(self.folder / "log.jsonl", "a") as file:
            print(json.dumps(entry), file=file)
        print(" ".join(f"{key} {value:.5f}" if isinstance(value, float) else str(value) for key, value in entry.items()), flush=True)

    def take(self, result):
        values, tensors, words, vectors = result
        self.tensors |= {name: value.numpy() for name, value in tensors.items()}
        self.quantization |= words
        for name, value in (values | vectors).items():
            own = self.model.get_parameter(name)
            if own.dim() == 3:  # a convolution, whose columns follow its frames
                value = value.view(own.shape[0], own.shape[2], own.shape[1]).permute(0, 2, 1)
            own.copy_(value.view(own.shape))

    def code(self, names, moments=None):
        """Matrices as they are, under second moments that `moments` gives."""
        names = [name for name in names if self.recipe.rule(name)]
        if names:
            matrices = {name: as_rows(self.teacher.get_parameter(name)) for name in names}
            self.take(self.once(names[0], lambda: (*self.recipe.code(matrices, moments and moments()), {})))

    def match(self, names, pairs, count):
        """Matrices of the same inputs, for `pairs` of a batch's number: x, x' and d."""
        names = [name for name in names if self.recipe.rule(name)]
        if names:
            self.take(self.once(names[0], lambda: self.matched(names, pairs, count)))

    def matched(self, names, pairs, count):
        moments = Moments()
        for index in range(count):
            moments.add(*pairs(index))
        given, both, given_mean, mean, lacking, lacking_mean = moments.means()
        damped = given + SHRINK * given.diagonal().mean() * torch.eye(len(given))
        weights = {name: self.teacher.get_parameter(name).double() for name in names}
        targets = {
            name: weight + torch.linalg.solve(damped, (weight @ (both - given) + lacking).T).T for name, weight in weights.items()
        }
        values, tensors, words = self.recipe.code(targets, given)
        vectors = {}
        for name, weight in weights.items():
            value = values[name].double()
            bias = name.removesuffix("weight") + "bias"
            # A key has none: softmax does not see it.
            if bias in dict(self.model.named_parameters()):
                own = self.teacher.get_parameter(bias).double() + weight @ mean + lacking_mean - value @ given_mean
                vectors[bias] = own.half().float()
            size = lambda matrix: float(torch.einsum("ij,jk,ik->", matrix, given, matrix)) ** 0.5
            self.log(matrix=name, moved=size(targets[name] - weight) / size(weight), coded=size(value - targets[name]) / size(weight))
        return values, tensors, words, vectors

    def fit_norm(self, name, wanted, given, masks):
        """Gains and offsets of a last norm by least squares, channel by channel."""

        def compute():
            theirs, sums = self.teacher.get_submodule(name), 0
            for x, y, mask in zip(wanted, given, masks):
                y = functional.layer_norm(y[mask], y.shape[-1:]).double()
                x = theirs(x[mask]).double()
                sums = sums + torch.stack([y.sum(0), x.sum(0), (y * y).sum(0), (x * y).sum(0)])
            y, x, yy, xy = sums / sum(int(mask.sum()) for mask in masks[: len(wanted)])
            gain = (xy - x * y) / (yy - y * y)
            return {}, {}, {}, {f"{name}.weight": gain.half().float(), f"{name}.bias": (x - gain * y).half().float()}

        self.take(self.once(name, compute))

    # MARK: The model, part by part

    def attention(self, name, wanted, given, masks, others=None, **how):
        """Matches an attention, whose inputs become its outputs. `others`: states of both models that are attended to, and their masks."""
        theirs, ours = self.teacher.get_submodule(name), self.model.get_submodule(name)
        query, key, value, output = (f"{name}.{part}.weight" for part in ("query", "key", "value", "output"))
        count = len(wanted)

        def options(index):
            return {"bias": how["biases"][index]} if "biases" in how else {"causal": True}

        def normed(index):
            mask = masks[index]
            return theirs.norm(wanted[index][mask]), ours.norm(given[index][mask]), None

        if others is None:
            self.match([query, key, value], normed, count)
        else:
            self.match([query], normed, count)
            their_states, our_states, real = others
            self.match([key, value], lambda i: (their_states[i][real[i]], our_states[i][real[i]], None), count)
        inner = [], []
        for index in range(count):
            for part, x, states, heads in zip((theirs, ours), (wanted, given), (others or (None, None))[:2], inner):
                heads.append(part.heads_of(x[index], states and states[index], **options(index)))

        def outputs(index):
            mask = masks[index]
            return inner[0][index][mask], inner[1][index][mask], (wanted[index] - given[index])[mask]

        self.match([output], outputs, count)
        for index in range(count):
            wanted[index] = wanted[index] + theirs.output(inner[0][index])
            given[index] = given[index] + ours.output(inner[1][index])

    def feed_forward(self, name, wanted, given, masks):
        theirs, ours = self.teacher.get_submodule(name), self.model.get_submodule(name)

        def ups(index):
            mask = masks[index]
            return theirs.norm(wanted[index][mask]), ours.norm(given[index][mask]), None

        def downs(index):
            x, y = wanted[index][masks[index]], given[index][masks[index]]
            return theirs.inner(x), ours.inner(y), x - y

        self.match([f"{name}.up.weight"], ups, len(wanted))
        self.match([f"{name}.down.weight"], downs, len(wanted))
        for index in range(len(wanted)):
            wanted[index], given[index] = theirs(wanted[index]), ours(given[index])

    def convolution_moments(self, first):
        """Of the columns that a convolution's kernel sees."""
        encoder, sums, count = self.teacher.encoder, 0, 0
        for mel, lengths, _, _ in self.batches[: self.few : 4]:
            x, stride, frames = mel.transpose(1, 2), 1, [2 * (length + 1) for length in lengths]
            if not first:
                x, stride, frames = functional.gelu(encoder.conv1(x)), 2, [length + 1 for length in lengths]
            columns = functional.pad(x, (1, 1)).unfold(2, 3, stride).permute(0, 2, 3, 1).flatten(2)
            columns = torch.cat([row[:own] for row, own in zip(columns, frames)])
            sums, count = sums + (columns.T @ columns).double(), count + len(columns)
        return sums / count

    def encode(self):
        """Matches the encoder; the states of both models of all batches."""
        for name, first in (("encoder.conv1.weight", True), ("encoder.conv2.weight", False)):
            self.code([name], lambda: self.convolution_moments(first))
        parts, few = (self.teacher.encoder, self.model.encoder), self.batches[: self.few]
        wanted, given = ([part.begin(mel, lengths)[0] for mel, lengths, _, _ in few] for part in parts)
        for index in range(len(self.model.encoder.layers)):
            layer = f"encoder.layers.{index}"
            self.attention(f"{layer}.self_attention", wanted, given, self.some, biases=self.biases)
            self.feed_forward(f"{layer}.feed_forward", wanted, given, self.some)
        self.fit_norm("encoder.norm", wanted, given, self.some)
        states = [[part.norm(x) for x in rows] for part, rows in zip(parts, (wanted, given))]
        for mel, lengths, _, _ in self.batches[self.few :]:
            for part, rows in zip(parts, states):
                rows.append(part(mel, lengths)[0])
        self.log(part="encoder", distance=distance(*states, self.real))
        return states

    def embedding_moments(self, states):
        """Of what the embedding is multiplied by as the output layer."""
        sums, count = 0, 0
        for (_, _, tokens, _), own, bias, inside in zip(self.batches, states, self.biases, self.inside):
            x = self.teacher.decoder(tokens, own, bias)[inside]
            sums, count = sums + (x.T @ x).double(), count + len(x)
        return sums / count

    def decode(self, their_states, our_states):
        self.code([EMBEDDING], lambda: self.embedding_moments(their_states))
        self.code([DECODER_POSITIONS])
        parts = (self.teacher.decoder, self.model.decoder)
        wanted, given = ([part.begin(tokens) for _, _, tokens, _ in self.batches] for part in parts)
        for index in range(len(self.model.decoder.layers)):
            layer = f"decoder.layers.{index}"
            self.attention(f"{layer}.self_attention", wanted, given, self.inside)
            others = (their_states, our_states, self.some)
            self.attention(f"{layer}.cross_attention", wanted, given, self.inside, others, biases=self.biases)
            self.feed_forward(f"{layer}.feed_forward", wanted, given, self.inside)
        self.fit_norm("decoder.norm", wanted, given, self.inside)

    # MARK: Vectors at the end

    def train_vectors(self, their_states, our_states):
        """Trains the decoder's norms and biases for the divergence from the float model."""
        if self.arguments.steps:
            self.take(self.once("vectors", lambda: ({}, {}, {}, self.trained_vectors(their_states, our_states))))

    @torch.enable_grad()
    def trained_vectors(self, their_states, our_states):
        model, steps = copy.deepcopy(self.model), self.arguments.steps
        model.requires_grad_(False)
        vectors = {f"decoder.{name}": own.requires_grad_() for name, own in model.decoder.named_parameters() if own.dim() == 1}
        optimizer = torch.optim.Adam(vectors.values(), lr=0.0, betas=(0.9, 0.98))
        generator, losses = torch.Generator().manual_seed(2), []
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * min(1, (step + 1) / WARM_UP) * (1 - step / steps)
            optimizer.zero_grad()
            for index in torch.randint(len(self.batches), (ACCUMULATED,), generator=generator).tolist():
                loss = self.divergence(model, index, their_states, our_states)
                (loss / ACCUMULATED).backward()
                losses.append(float(loss.detach()))
            optimizer.step()
            if (step + 1) % LOG_EVERY == 0 or step + 1 == steps:
                self.log(step=step + 1, divergence=sum(losses) / len(losses))
                losses = []
        return {name: own.detach().half().float() for name, own in vectors.items()}

    def divergence(self, model, index, their_states, our_states):
        """KL a token of a batch."""
        (_, _, tokens, _), bias, inside = self.batches[index], self.biases[index], self.inside[index]
        with torch.no_grad():
            wanted = self.teacher.scores(self.teacher.decoder(tokens, their_states[index], bias)[inside]).log_softmax(-1)
        given = model.scores(model.decoder(tokens, our_states[index], bias)[inside]).log_softmax(-1)
        return functional.kl_div(given, wanted, reduction="batchmean", log_target=True)

    @torch.no_grad()
    def all(self):
        states = self.encode()
        self.decode(*states)
        self.train_vectors(*states)
        some = range(0, len(self.batches), max(1, len(self.batches) // 50))
        self.log(part="decoder", divergence=sum(float(self.divergence(self.model, index, *states)) for index in some) / len(some))
        tensors = {name: value.numpy() for name, value in self.others.items()} | self.tensors
        for name, value in self.model.state_dict().items():
            if name not in self.quantization and not (name == ENCODER_POSITIONS and is_sinusoidal(value)):
                tensors[name] = value.numpy().astype(np.float16)
        configuration = self.model.configuration | {"quantization": self.quantization}
        output = self.arguments.output
        write_safetensors(output, tensors, {"sotto": json.dumps(configuration, separators=(",", ":"))})
        print(f"{output}: {output.stat().st_size / 1e6:.2f} MB")


def take(shards, minutes):
    """The first batches of a corpus."""
    batches, seconds = [], 0.0
    for index in range(len(shards)):
        for batch in shards.shard(0, index):
            batches.append(batch)
            seconds += sum(batch[1]) / 50
            if seconds >= minutes * 60:
                return batches
    raise SystemExit(f"the corpus has {seconds / 60:.0f} minutes of speech: run tools/train/synthesize.py, or take fewer --minutes")


def distance(wanted, given, masks):
    """Squared, relative to what is wanted."""
    lost = sum(float((x - y)[mask].square().sum()) for x, y, mask in zip(wanted, given, masks))
    return lost / sum(float(x[mask].square().sum()) for x, mask in zip(wanted, masks))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path, help="folder that synthesize.py has filled")
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--model", required=True, help="float model file of an attention model")
    parser.add_argument("--tokenizer", required=True, type=pathlib.Path, help="tokenizer.json beside the model's weights")
    parser.add_argument("--recipe", required=True, type=pathlib.Path)
    parser.add_argument("--sotto", default="sotto", help="the program")
    parser.add_argument("--minutes", type=float, default=150, help="of speech for the decoder")
    parser.add_argument("--encoder-minutes", type=float, default=40, help="and of it for the encoder")
    parser.add_argument("--steps", type=int, default=300, help="of training the decoder's norms and biases at the end")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    Run(arguments).all()


if __name__ == "__main__":
    main()
