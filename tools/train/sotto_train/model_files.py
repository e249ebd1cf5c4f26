"""Model files of the engine as the beginning of another training: what their codes stand for, as floats."""

import json

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from export import LAYER_NAMES, matrices, mocha_matrices, mocha_vectors, transducer_matrices, transducer_vectors
from .binary_coding import RowCoding, decode
from .model import POSITIONS, Encoder, StreamCTC


class ModelFile:
    """Tensors of a file by their names in docs/model-file.md."""

    def __init__(self, path, family):
        self.path = path
        try:
            with safe_open(path, "np") as file:
                self.configuration = json.loads(file.metadata()["sotto"])
                self.tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise SystemExit(f"{path} is not a model file: {error!r}")
        if self.configuration.get("family") != family:
            raise SystemExit(f"{path} is of the family {self.configuration.get('family')}, not {family}")

    def tensor(self, name):
        return torch.from_numpy(self.tensors[name].astype(np.float32))

    def floats(self, name):
        """A vector, or a matrix [R, C]: of codes, what they stand for."""
        return self.tensor(name) if name in self.tensors else self.coded(name)[1]

    def coded(self, name):
        """(RowCoding, [R, C] that its codes stand for) of a coded matrix, a scale a row and plane."""
        coding = self.configuration["quantization"].get(name)
        if coding is None or coding["group"] != coding["inputs"]:
            raise SystemExit(f"{self.path} has no {name}, or not with a scale a row")
        count, rows, parts, scales = len(coding["planes"]), [None], [], []
        if f"{name}.rows" in self.tensors:
            order = torch.from_numpy(self.tensors[f"{name}.rows"].astype(np.int64))
            rows = order.split(coding["rows"])
        for stem in [name] if count == 1 else [f"{name}.{index}" for index in range(count)]:
            bits = np.unpackbits(self.tensors[f"{stem}.bits"], axis=-1, bitorder="little", count=coding["inputs"])
            codes = sum(plane.astype(np.uint8) << place for place, plane in enumerate(bits))
            scales.append(self.tensor(f"{stem}.scale")[:, 0])
            parts.append(decode(torch.from_numpy(codes), scales[-1]))
        own = RowCoding(list(zip(rows, coding["planes"])))
        own.scales, value = scales, torch.cat(parts)
        if count > 1:
            value[order] = value.clone()
        columns = {"scale": torch.ones(coding["inputs"]), "offset": torch.zeros(coding["inputs"])}
        stored = {part: self.tensor(f"{name}.column_{part}") for part in columns if f"{name}.column_{part}" in self.tensors}
        if stored:
            columns |= stored
            own.column_scale, own.column_offset = columns["scale"], columns["offset"]
            value = value * own.column_scale + own.column_offset
        return own, value

    def fill(self, state, found):
        """Matrices into the state of a module: (name in the file, name of the parameter, its rows)."""
        for name, parameter, rows in found:
            value, own = self.floats(name), state[parameter]
            if own.dim() == 3:  # a convolution, whose columns follow its frames
                value = value.view(own.shape[0], own.shape[2], own.shape[1]).permute(0, 2, 1)
            own[rows] = value


def sinusoids(count, width):
    """Whisper's positions [count, width]: sines, then cosines, of wavelengths from 2 π to 20,000 π."""
    scales = torch.exp(-torch.arange(width // 2) * (np.log(10_000) / (width // 2 - 1)))
    angles = torch.arange(count)[:, None] * scales[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


# Of each family of decoders: its matrices, and its vectors as (name in the file, name of the parameter).
DECODERS = {"rnnt": (transducer_matrices, transducer_vectors), "mocha": (mocha_matrices, mocha_vectors)}


@torch.no_grad()
def read_decoder(path, family, model):
    """The weights of a model file into a decoder of the same shape."""
    file, state = ModelFile(path, family), model.state_dict()
    matrices_of, vectors_of = DECODERS[family]
    try:
        file.fill(state, ((name, parameter, slice(None)) for name, parameter in matrices_of()))
        for name, parameter in vectors_of():
            state[parameter].copy_(file.floats(name).view_as(state[parameter]))
    except RuntimeError as error:
        raise SystemExit(f"{path} has a decoder of another shape: {error}")
    state["predictor.bias_ih_l0"].copy_(file.floats("predictor.bias"))
    state["predictor.bias_hh_l0"].zero_()


@torch.no_grad()
def read_ctc(path, dropout=0.0):
    """The StreamCTC of a model file."""
    file = ModelFile(path, "ctc")
    shape, recurrent = file.configuration["encoder"], file.configuration["recurrent"]
    bands = file.configuration["features"]["melBands"]
    encoder = Encoder(bands, shape["width"], shape["heads"], shape["feedForward"], shape["layers"])
    encoder.positions.copy_(sinusoids(POSITIONS, shape["width"]))
    model = StreamCTC(encoder, file.configuration["vocabulary"]["size"], recurrent["width"], recurrent["layers"], dropout)
    state = model.state_dict()
    file.fill(state, matrices(state))
    for name in ("conv1.bias", "conv2.bias", "norm.weight", "norm.bias"):
        state[f"encoder.{name}"].copy_(file.floats(f"encoder.{name}"))
    state["output.bias"].copy_(file.floats("output.bias"))
    for index in range(shape["layers"]):
        layer = f"encoder.layers.{index}"
        for ours, theirs in LAYER_NAMES.items():
            for part in ("weight", "bias") if ours.endswith("norm") else ("bias",):
                state[f"{layer}.{ours}.{part}"].copy_(file.floats(f"{layer}.{theirs}.{part}"))
        query, value = (file.floats(f"{layer}.self_attention.{part}.bias") for part in ("query", "value"))
        state[f"{layer}.qkv.bias"].copy_(torch.cat([query, torch.zeros_like(query), value]))
    for index in range(recurrent["layers"]):
        state[f"lstm.bias_ih_l{index}"].copy_(file.floats(f"recurrent.{index}.bias"))
        state[f"lstm.bias_hh_l{index}"].zero_()
    return model
