"""Writes model files: safetensors with the configuration that Sources/SottoModels/ModelConfiguration.swift decodes."""

import json
import os
import struct

import numpy as np

SAFETENSORS_TYPES = {"float16": "F16", "float32": "F32", "uint8": "U8", "uint16": "U16", "uint32": "U32"}
ALIGNMENT = 64


def write_safetensors(path, tensors, metadata):
    """Writes the container: length of the header, header (JSON), then the tensors without gaps.

    The data begin at a multiple of 64 bytes. Tensors whose size is a multiple of 64 come first, then larger
    elements before smaller ones: every weight is aligned to 64 bytes, and everything to its element's size. The
    file appears whole or not at all.
    """
    names = sorted(tensors, key=lambda name: (tensors[name].nbytes % ALIGNMENT != 0, -tensors[name].itemsize, name))
    header, offset = {"__metadata__": metadata}, 0
    for name in names:
        value = tensors[name]
        header[name] = {
            "dtype": SAFETENSORS_TYPES[value.dtype.name],
            "shape": list(value.shape),
            "data_offsets": [offset, offset + value.nbytes],
        }
        offset += value.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for name in names:
                value = tensors[name]
                file.write(np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<")).tobytes())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


# Of the fingerprint: any odd number with its bits well mixed.
MULTIPLIER = 0x9E3779B97F4A7C15


def fingerprint(path):
    """Tells tensor data apart: all bytes after the header, as 64-bit numbers (little-endian, filled up with zeros), are
    coefficients of a polynomial of `MULTIPLIER` modulo 2^64, behind the count of the bytes. 16 hexadecimal digits."""
    with open(path, "rb") as file:
        file.seek(struct.unpack("<Q", file.read(8))[0], os.SEEK_CUR)
        data = file.read()
    words = np.frombuffer(data + bytes(-len(data) % 8), dtype="<u8").astype(np.uint64)
    powers = np.full(len(words) + 1, MULTIPLIER, dtype=np.uint64)
    powers[0] = 1
    powers = np.cumprod(powers, dtype=np.uint64)[::-1]  # of the count, then of each word
    value = int((np.append(np.uint64(len(data)), words) * powers).sum(dtype=np.uint64))
    return f"{value ^ value >> 32:016x}"
