#!/usr/bin/env python3
"""Tests of match_layers.py on a model of a few thousand weights, with the program that is built.

    swift build -c release && .venv/bin/python tools/train/test_matching.py [.build/release/sotto]
"""

import argparse
import contextlib
import copy
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import torch

import match_layers
import sensitivity
from quantize_aware import divergence, take_codes
from sotto_train.whisper import load_whisper
from sotto_train.whisper_data import Shards, Tokens
from test_training import write_attention_model, write_speech, write_tokenizer

SOTTO = str(pathlib.Path(__file__).resolve().parents[2] / ".build/release/sotto")


class MatchingTests(unittest.TestCase):
    def setUp(self):
        torch.set_num_threads(1)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)
        self.float = self.folder / "float.safetensors"
        write_attention_model(self.float)
        write_speech(self.folder)
        write_tokenizer(self.folder / "tokenizer.json")
        (self.folder / "counts.txt").write_text("".join(f"{300 - row}\n" for row in range(300)))
        embedding = {
            "pattern": "decoder.embedding.weight", "bits": 3, "center_columns": True, "scale_columns": True,
            "bits_by_frequency": [{"rows": 50, "bits": 6}, {"rows": None, "bits": 3}], "counts": "counts.txt",
        }  # fmt: skip
        rules = [embedding, {"pattern": "*conv?.weight", "bits": 6}, {"pattern": "decoder.positions", "bits": 6}]
        rules.append({"pattern": "*layers*.weight", "bits": 2})
        (self.folder / "recipe.json").write_text(json.dumps(rules))

    def run_for(self, name, minutes=0.04, encoder_minutes=0.03, steps=20):
        output = self.folder / f"{name}.safetensors"
        arguments = argparse.Namespace(
            corpus=self.folder, run=self.folder / name, output=output, model=self.float, tokenizer=self.folder / "tokenizer.json",
            recipe=self.folder / "recipe.json", sotto=SOTTO, minutes=minutes, encoder_minutes=encoder_minutes, threads=1, steps=steps,
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()):
            match_layers.Run(arguments).all()
        return output

    def divergence(self, path):
        """(KL a token, decoder's and encoder's distance) of a coded file from the float model."""
        teacher, _ = load_whisper(self.float)
        model = copy.deepcopy(teacher)
        take_codes(model, path)
        tokens = Tokens(self.folder / "tokenizer.json", teacher.configuration["vocabulary"])
        (batch,) = Shards(self.folder, tokens, 40).shard(0, 0)
        with torch.no_grad():
            return [float(part) for part in divergence(model, teacher, batch, "float32", "cpu")]

    def test_matched_codes_are_nearer(self):
        plain = self.folder / "plain.safetensors"
        command = [SOTTO, "quantize", "--quiet", "--recipe", self.folder / "recipe.json", self.float, plain]
        subprocess.run(command, check=True)
        matched = self.run_for("matched")
        self.assertLessEqual(matched.stat().st_size, plain.stat().st_size + 200)
        for ours, theirs, what in zip(self.divergence(matched), self.divergence(plain), ("divergence", "decoder", "encoder")):
            self.assertLess(ours, 0.8 * theirs, what)

    def test_training_vectors_lowers_the_divergence(self):
        untrained, trained = (self.divergence(self.run_for(f"{steps}", steps=steps))[0] for steps in (0, 60))
        self.assertLess(trained, 0.95 * untrained)
        log = (self.folder / "60" / "log.jsonl").read_text()
        self.assertIn('"step": 60', log)

    def test_rows_are_restored_as_by_the_program(self):
        rule = json.loads((self.folder / "recipe.json").read_text())[0]
        teacher, _ = load_whisper(self.float)
        models, codings = [], []
        for restoration in (0, sensitivity.RESTORATION):
            (self.folder / "rule.json").write_text(json.dumps([rule | {"restoration": restoration}]))
            output = self.folder / "restored.safetensors"
            subprocess.run([SOTTO, "quantize", "--quiet", "--recipe", self.folder / "rule.json", self.float, output], check=True)
            models.append(copy.deepcopy(teacher))
            codings.append(take_codes(models[-1], output)[sensitivity.EMBEDDING])
        rows, plain, wanted = (model.decoder.embedding.weight.detach() for model in (teacher, *models))
        found = sensitivity.restored(rows, plain, codings[0])
        self.assertGreater(float((plain - wanted).abs().max()), 0.01 * float(wanted.abs().max()))
        self.assertLess(float((found - wanted).abs().max()), 0.002 * float(wanted.abs().max()))

    def test_goes_on_to_the_same_file(self):
        whole = self.run_for("run").read_bytes()
        steps = sorted((self.folder / "run").glob("*.pt"))
        self.assertGreater(len(steps), 20)
        for step in steps[len(steps) // 2 :]:
            step.unlink()
        kept = steps[0].stat().st_mtime_ns
        self.assertEqual(self.run_for("run").read_bytes(), whole)
        self.assertEqual(steps[0].stat().st_mtime_ns, kept)

    def test_bad_input_is_named(self):
        with self.assertRaisesRegex(SystemExit, "minutes of speech: run tools/train/synthesize.py"):
            self.run_for("run", minutes=5)
        (self.folder / "run" / "000-encoder.conv1.weight.pt").write_bytes(b"PK nonsense")
        with self.assertRaisesRegex(SystemExit, "000-encoder.conv1.weight.pt is damaged: remove it"):
            self.run_for("run")


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        SOTTO = sys.argv.pop(1)
    unittest.main()
