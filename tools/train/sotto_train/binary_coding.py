"""Weights in binary coding while a network is trained: W ≈ Σ αₚ Bₚ, Bₚ in {-1, +1}, one αₚ for each row and plane.

The forward pass sees the coded weights, gradients go straight through to the floats behind them (Courbariaux et al.,
arXiv 1511.00363), codes follow the floats at every step, and scales are fitted anew every so many steps (alternating
least squares, Xu et al., arXiv 1802.00150). Scales are rounded to float16, as they are stored: what is exported is what
was trained.
"""

import fnmatch
import json

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


class CodedWeights:
    """Parameters of a module that take their coded values within a `with` block; after it they have their floats again,
    and the gradients of the coded values."""

    def __init__(self, module, planes):
        """`planes`: {name of a parameter: planes}."""
        self.parameters = {name: p for name, p in module.named_parameters() if name in planes}
        self.planes = planes
        self.scales, self.floats = {}, {}

    def fit(self, rounds=12):
        with torch.no_grad():
            for name, p in self.parameters.items():
                self.scales[name] = fit(p.flatten(1), self.planes[name], self.scales.get(name), rounds)

    def __enter__(self):
        with torch.no_grad():
            for name, p in self.parameters.items():
                self.floats[name], rows = p.data, p.data.flatten(1)
                p.data = decode(encode(rows, self.scales[name]), self.scales[name]).view_as(p)
        return self

    def __exit__(self, *_):
        for name, p in self.parameters.items():
            p.data = self.floats.pop(name)

    def error(self):
        """Relative error of all coded weights together."""
        with torch.no_grad():
            parts = [(p.flatten(1), self.scales[name]) for name, p in self.parameters.items()]
            lost = sum(float((w - decode(encode(w, s), s)).square().sum()) for w, s in parts)
            return (lost / sum(float(w.square().sum()) for w, _ in parts)) ** 0.5


def read_recipe(path):
    """The rules of a recipe of `sotto quantize`, as far as they are trained here: patterns and bits, a scale a row."""
    rules = json.loads(path.read_text())
    for rule in rules:
        if rule.get("group", "row") != "row" or not 1 <= rule["bits"] <= 8 and rule["bits"] != 16:
            raise SystemExit(f"{path}: rule {rule['pattern']}: only whole rows, and 1 to 8 bits (or 16), are trained")
    return rules


def planes_of(rules, name):
    """Planes of the tensor that a model file calls `name`; None where it stays in floats."""
    for rule in rules:
        if fnmatch.fnmatchcase(name, rule["pattern"]):
            return rule["bits"] if rule["bits"] != 16 else None
    return None
