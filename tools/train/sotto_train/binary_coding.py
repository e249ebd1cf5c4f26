"""Weights in binary coding while a network is trained: W ≈ Σ αₚ Bₚ, Bₚ in {-1, +1}, one αₚ for each row and plane.

The forward pass sees the coded weights, gradients go straight through to the floats behind them (Courbariaux et al.,
arXiv 1511.00363), codes follow the floats at every step, and scales are fitted anew every so many steps (alternating
least squares, Xu et al., arXiv 1802.00150). Scales are rounded to float16, as they are stored: what is exported is what
was trained.
"""

import fnmatch
import json

import numpy as np
import torch

RIDGE = 1e-4  # of the number of inputs: planes may become nearly dependent
CHUNK = 1 << 22  # weights that are looked at together


def sign_patterns(planes):
    """[2^planes, planes] of -1 and +1: bit p of the row's number is the sign of plane p."""
    numbers = torch.arange(1 << planes)[:, None]
    return ((numbers >> torch.arange(planes)) & 1).float() * 2 - 1


def encode(weights, scales):
    """weights [R, C] and scales [R, P] to the number of the nearest sign pattern of each weight, [R, C] uint8."""
    patterns = sign_patterns(scales.shape[1]).to(weights.device)
    levels, order = (scales @ patterns.T).sort(dim=1)
    between = (levels[:, 1:] + levels[:, :-1]) / 2
    return order.gather(1, torch.searchsorted(between, weights.contiguous())).to(torch.uint8)


def decode(codes, scales):
    """What codes [R, C] and scales [R, P] stand for, [R, C]."""
    levels = scales @ sign_patterns(scales.shape[1]).T.to(scales.device)
    return levels.gather(1, codes.long())


def least_squares(weights, codes, planes):
    """The scales [R, P] that fit best to codes, as float16 holds them, none below 0."""
    signs = sign_patterns(planes).to(weights.device)[codes.long()]  # [R, C, P]
    gram = signs.transpose(1, 2) @ signs
    gram += RIDGE * weights.shape[1] * torch.eye(planes, device=weights.device)
    target = (signs.transpose(1, 2) @ weights[:, :, None])[:, :, 0]
    return torch.linalg.solve(gram, target).abs().half().float()


def fit(weights, planes, scales=None, rounds=12):
    """Scales for weights [R, C], [R, planes]: from `scales` on or from greedy ones, alternating with the codes."""
    results = []
    for first in range(0, len(weights), max(1, CHUNK // weights.shape[1])):
        part = weights[first : first + max(1, CHUNK // weights.shape[1])]
        if scales is None:
            rest, own = part, []
            for _ in range(planes):
                own.append(rest.abs().mean(dim=1, keepdim=True))
                rest = rest - own[-1] * torch.where(rest < 0, -1.0, 1.0)
            own = torch.cat(own, dim=1)
        else:
            own = scales[first : first + len(part)]
        for _ in range(rounds):
            own = least_squares(part, encode(part, own), planes)
        results.append(own)
    return torch.cat(results)


class RowCoding:
    """The coding of one matrix: classes of rows with planes of their own, and what all rows have in common taken out before
    (docs/model-file.md): column_scale · Σ αₚ Bₚ + column_offset."""

    def __init__(self, classes, column_scale=None, column_offset=None):
        """`classes`: (indices of rows, or None for all of them; planes)."""
        self.classes = classes
        self.column_scale, self.column_offset = column_scale, column_offset
        self.scales = [None] * len(classes)

    @classmethod
    def of_columns(cls, weight, classes):
        """One that takes out the columns' means and evens out their spread, both as float16 holds them."""
        offset = weight.mean(dim=0).half().float()
        scale = (weight - offset).square().mean(dim=0).sqrt().clamp_min(1e-4).half().float()
        return cls(classes, scale, offset)

    def parts(self, weight):
        """The rows of each class, without what they have in common."""
        if self.column_scale is not None:
            weight = (weight - self.column_offset) / self.column_scale
        return [weight if rows is None else weight[rows] for rows, _ in self.classes]

    def fit(self, weight, rounds=12):
        parts = zip(self.parts(weight), self.scales, self.classes)
        self.scales = [fit(part, planes, scales, rounds) for part, scales, (_, planes) in parts]

    def codes(self, weight):
        return [encode(part, scales) for part, scales in zip(self.parts(weight), self.scales)]

    def coded(self, weight):
        """What the codes of a weight [R, C] stand for."""
        return self.decoded(self.codes(weight), torch.empty_like(weight))

    def decoded(self, codes, result):
        """What codes, one matrix for each class, stand for, written to `result` [R, C]."""
        for (rows, _), codes, scales in zip(self.classes, codes, self.scales):
            result[slice(None) if rows is None else rows] = decode(codes, scales)
        if self.column_scale is not None:
            result = result * self.column_scale + self.column_offset
        return result

    def of_rows(self, rows):
        """The coding of a slice of the rows, where there is one class."""
        part = RowCoding(self.classes, self.column_scale, self.column_offset)
        part.scales = [self.scales[0][rows]]
        return part

    def tensors(self, name, weight):
        """NAME.bits and so on of a weight [R, C], and the configuration's word on them, as docs/model-file.md has them."""
        tensors, codes = {}, self.codes(weight)
        for index, (scales, own) in enumerate(zip(self.scales, codes)):
            stem = name if len(codes) == 1 else f"{name}.{index}"
            bits = np.stack([(own.numpy() >> plane) & 1 for plane in range(scales.shape[1])])
            tensors[f"{stem}.bits"] = np.packbits(bits, axis=-1, bitorder="little")
            tensors[f"{stem}.scale"] = scales[:, None].numpy().astype(np.float16)
        if len(codes) > 1:
            order = torch.cat([rows for rows, _ in self.classes]).numpy()
            tensors[f"{name}.rows"] = order.astype(np.uint16 if len(order) <= 1 << 16 else np.uint32)
        if self.column_scale is not None:
            tensors[f"{name}.column_scale"] = self.column_scale.numpy().astype(np.float16)
            tensors[f"{name}.column_offset"] = self.column_offset.numpy().astype(np.float16)
        return tensors, {
            "planes": [planes for _, planes in self.classes], "rows": [len(own) for own in codes],
            "inputs": weight.shape[1], "group": weight.shape[1], "calibrated": False,
            "relativeError": float((weight - self.coded(weight)).norm() / weight.norm()),
        }  # fmt: skip

    def state(self):
        return {
            "rows": [rows for rows, _ in self.classes], "planes": [planes for _, planes in self.classes],
            "scales": self.scales, "column_scale": self.column_scale, "column_offset": self.column_offset,
        }  # fmt: skip

    @classmethod
    def of_state(cls, state, device="cpu"):
        move = lambda value: None if value is None else value.to(device)
        classes = list(zip(map(move, state["rows"]), state["planes"]))
        coding = cls(classes, move(state["column_scale"]), move(state["column_offset"]))
        coding.scales = [move(scales) for scales in state["scales"]]
        return coding


class CodedWeights:
    """Parameters of a module that take their coded values within a `with` block; after it they have their floats again,
    and the gradients of the coded values."""

    # Matrices of more weights than this are coded anew at every fourth step only.
    LARGE, SELDOM = 1 << 23, 4

    def __init__(self, module, codings):
        """`codings`: {name of a parameter: RowCoding}, fitted or not."""
        self.parameters = {name: p for name, p in module.named_parameters() if name in codings}
        self.codings = codings
        self.floats, self.kept, self.entered, self.settled = {}, {}, 0, set()

    def fit(self, rounds=12):
        with torch.no_grad():
            for name, p in self.parameters.items():
                if name not in self.settled:
                    self.codings[name].fit(p.flatten(1), rounds)
        self.kept = {}

    def settle(self):
        """Parameters that are not trained take the values of their codes for good."""
        for name, p in self.parameters.items():
            if not p.requires_grad:
                p.data = self.coded(name)
                self.settled.add(name)

    def coded(self, name):
        p = self.parameters[name]
        with torch.no_grad():
            return self.codings[name].coded(p.flatten(1)).view_as(p)

    def __enter__(self):
        if self.entered % self.SELDOM == 0:
            self.kept = {}
        self.entered += 1
        for name, p in self.parameters.items():
            if name in self.settled:
                continue
            coded = self.kept.get(name)
            if coded is None:
                coded = self.coded(name)
            if p.numel() > self.LARGE:
                self.kept[name] = coded
            self.floats[name], p.data = p.data, coded
        return self

    def __exit__(self, *_):
        for name, floats in self.floats.items():
            self.parameters[name].data = floats
        self.floats = {}

    def error(self):
        """Relative error of all coded weights together."""
        lost = sum(float((p.detach() - self.coded(name)).square().sum()) for name, p in self.parameters.items())
        return (lost / sum(float(p.detach().square().sum()) for p in self.parameters.values())) ** 0.5

    def state(self):
        return {name: coding.state() for name, coding in self.codings.items()}

    @classmethod
    def of_state(cls, module, state, device="cpu"):
        return cls(module, {name: RowCoding.of_state(own, device) for name, own in state.items()})


class CodedScales(CodedWeights):
    """Parameters whose codes stay as they are while their scales are trained: few numbers, which cannot learn much by heart."""

    def __init__(self, module, codings):
        super().__init__(module, codings)
        self.codes, self.trained = {}, {}
        for name, p in self.parameters.items():
            if p.requires_grad:
                self.codes[name] = codings[name].codes(p.detach().flatten(1))
                self.trained[name] = [torch.nn.Parameter(scales.clone()) for scales in codings[name].scales]

    def fit(self, rounds=12):
        """Scales are trained, not fitted."""

    @torch.no_grad()
    def __enter__(self):
        for name, trained in self.trained.items():
            p, coding = self.parameters[name], self.codings[name]
            coding.scales = [scales.abs().half().float() for scales in trained]
            p.data = coding.decoded(self.codes[name], torch.empty_like(p.data.flatten(1))).view_as(p)
        return self

    @torch.no_grad()
    def take_gradients(self):
        """From those of the weights to those of the scales."""
        for name, trained in self.trained.items():
            coding, gradient = self.codings[name], self.parameters[name].grad.flatten(1)
            self.parameters[name].grad = None
            if coding.column_scale is not None:
                gradient = gradient * coding.column_scale
            for (rows, planes), codes, scales in zip(coding.classes, self.codes[name], trained):
                own = gradient if rows is None else gradient[rows]
                total = own.sum(dim=1)
                above = [(own * ((codes >> plane) & 1)).sum(dim=1) for plane in range(planes)]
                scales.grad = torch.stack([2 * part - total for part in above], dim=1)

    def leaves(self):
        """What an optimizer moves."""
        return [scales for trained in self.trained.values() for scales in trained]


def read_recipe(path):
    """The rules of a recipe of `sotto quantize`, as far as they are trained here: patterns and bits, a scale a row."""
    rules = json.loads(path.read_text())
    for rule in rules:
        if rule.get("group", "row") != "row" or not 1 <= rule["bits"] <= 8 and rule["bits"] != 16:
            raise SystemExit(f"{path}: rule {rule['pattern']}: only whole rows, and 1 to 8 bits (or 16), are trained")
    return rules


def rule_of(rules, name):
    """The rule of the tensor that a model file calls `name`; None where it stays in floats."""
    for rule in rules:
        if fnmatch.fnmatchcase(name, rule["pattern"]):
            return rule if rule["bits"] != 16 else None
    return None
