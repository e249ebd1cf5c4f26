"""Reads the variables of a CTranslate2 `model.bin`, without CTranslate2.

The file: format version, specification name, revision, number of variables; for each its name, rank, shape, type and
bytes; then pairs of alias and target. All little-endian; strings carry their length in two bytes.
"""

import struct
from pathlib import Path

import numpy as np

CTRANSLATE2_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class ImportFailure(Exception):
    """A file that is not what the importer expects; the message names the file and the problem."""


class Reader:
    """Takes little-endian values from a CTranslate2 file in order, never past its end."""

    def __init__(self, path):
        self.path = path
        try:
            self.data = memoryview(Path(path).read_bytes())
        except OSError as error:
            raise ImportFailure(f"{path}: cannot read: {error.strerror}") from error
        self.offset = 0

    def take(self, count, what):
        if count > len(self.data) - self.offset:
            raise ImportFailure(
                f"{self.path}: cut short: {what} needs {count} bytes at offset {self.offset},"
                f" {len(self.data) - self.offset} are left"
            )
        part = self.data[self.offset : self.offset + count]
        self.offset += count
        return part

    def number(self, code, what):
        return struct.unpack("<" + code, self.take(struct.calcsize(code), what))[0]

    def string(self, what):
        """Length in two bytes, then the text with a closing NUL that the length counts."""
        raw = bytes(self.take(self.number("H", f"length of {what}"), what))
        if not raw.endswith(b"\0"):
            raise ImportFailure(f"{self.path}: {what} does not end in NUL: not a CTranslate2 model")
        try:
            return raw[:-1].decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportFailure(f"{self.path}: {what} is not UTF-8") from error


def read_ctranslate2(path):
    """Returns every variable of a Whisper `model.bin` by name; aliases share their array."""
    reader = Reader(path)
    version = reader.number("I", "format version")
    if version != 6:
        raise ImportFailure(f"{path}: CTranslate2 format version {version}; this importer reads version 6")
    specification = reader.string("specification name")
    if specification != "WhisperSpec":
        raise ImportFailure(f"{path}: holds a '{specification}', not a 'WhisperSpec'")
    reader.number("I", "revision")
    variables = {}
    for index in range(reader.number("I", "number of variables")):
        name = reader.string(f"name of variable {index}")
        rank = reader.number("B", f"rank of {name}")
        shape = [reader.number("I", f"shape of {name}") for _ in range(rank)]
        kind = reader.number("B", f"type of {name}")
        if kind not in CTRANSLATE2_TYPES:
            raise ImportFailure(f"{path}: {name} has the unknown type {kind}")
        values = np.frombuffer(reader.take(reader.number("I", f"size of {name}"), name), dtype=np.uint8)
        item = np.dtype(CTRANSLATE2_TYPES[kind])
        expected = item.itemsize
        for count in shape:
            expected *= count
        if values.size != expected:
            raise ImportFailure(f"{path}: {name} of shape {shape} has {values.size} bytes, not {expected}")
        variables[name] = values.view(item.newbyteorder("<")).reshape(shape)
    for index in range(reader.number("I", "number of aliases")):
        alias, target = reader.string(f"alias {index}"), reader.string(f"target of alias {index}")
        if target not in variables:
            raise ImportFailure(f"{path}: alias {alias} of the missing variable {target}")
        variables[alias] = variables[target]
    if reader.offset != len(reader.data):
        raise ImportFailure(f"{path}: {len(reader.data) - reader.offset} bytes follow the last alias")
    return variables
