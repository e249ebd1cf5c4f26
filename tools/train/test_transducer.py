#!/usr/bin/env python3
"""Tests of the transducer's training, in a few seconds.

    .venv/bin/python tools/train/test_transducer.py
"""

import argparse
import itertools
import json
import pathlib
import sys
import unittest

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from model_file import fingerprint, write_safetensors  # noqa: E402
import stream_rnnt  # noqa: E402
from export import transducer_matrices, transducer_tensors  # noqa: E402
from sotto_train.onsets import close, compact, keep_rows, onsets  # noqa: E402
from sotto_train.transducer import Transducer, TransducerLoss, transducer_loss  # noqa: E402
from test_training import HEADS, TinyRuns  # noqa: E402


def summed_ways(blank, label, rows, count):
    """Log of the sum over all ways to say `count` pieces in `rows` rows, one by one."""
    ways = []
    for said in itertools.combinations(range(rows), count):
        place, score = 0, blank.new_zeros(())
        for row in range(rows):
            score = score + (label[row, place] if row in said else blank[row, place])
            place += row in said
        ways.append(score)
    return torch.stack(ways).logsumexp(0)


class TransducerTests(unittest.TestCase):
    def test_loss_and_gradient_are_those_of_all_ways(self):
        torch.manual_seed(6)
        blank = torch.randn(3, 6, 4, dtype=torch.float64, requires_grad=True)
        label = torch.randn(3, 6, 3, dtype=torch.float64, requires_grad=True)
        rows, counts = torch.tensor([6, 4, 5]), torch.tensor([3, 2, 0])
        ours = TransducerLoss.apply(*close(blank, label, rows), counts)
        theirs = -torch.stack([summed_ways(blank[i], label[i], int(rows[i]), int(counts[i])) for i in range(3)])
        torch.testing.assert_close(ours, theirs)
        weights = torch.tensor([1.0, 2.0, -0.5])
        ours, theirs = (torch.autograd.grad((loss * weights).sum(), (blank, label)) for loss in (ours, theirs))
        for one, other in zip(ours, theirs):
            torch.testing.assert_close(one, other)

    def test_pruning_changes_little_and_padding_nothing(self):
        torch.manual_seed(7)
        model = Transducer(5, 4, 3, 6, 7, 0.0)
        torch.nn.init.normal_(model.output.weight)
        heard, begins = torch.randn(2, 6, 7), torch.randn(2, 6, 6).log_softmax(-1)
        rows, counts, pieces = torch.tensor([6, 4]), torch.tensor([3, 2]), torch.tensor([[1, 2, 2], [4, 1, 1]])
        whole = transducer_loss(model, heard, begins, rows, pieces, counts, least=0)
        recalled, _ = model.predictions(torch.nn.functional.pad(pieces, (1, 0)))
        scores = model.join(heard[:, :, None], recalled[:, None], begins[:, :, None])
        for index in range(2):
            label = torch.stack([scores[index, :, place, pieces[index, place]] for place in range(3)], dim=1)
            expected = -summed_ways(scores[index, :, :, 0], label, int(rows[index]), int(counts[index]))
            torch.testing.assert_close(whole[index], expected)
        pruned = transducer_loss(model, heard, begins, rows, pieces, counts)
        torch.testing.assert_close(pruned, whole, rtol=0.02, atol=0)

    def test_onsets_are_probabilities_of_beginnings(self):
        """Of two rows by enumeration: classes of rows are independent for CTC."""
        p = torch.randn(2, 4).softmax(-1)
        begins = onsets(p.log()).exp()
        torch.testing.assert_close(begins[0], p[0])
        for piece in range(1, 4):
            expected = sum(p[0, before] * p[1, piece] for before in range(4) if before != piece)
            torch.testing.assert_close(begins[1, piece], expected)
        torch.testing.assert_close(begins.sum(-1), torch.ones(2))

    def test_certain_blanks_are_left_out(self):
        blank = torch.tensor([[0.9999, 0.5, 0.9999, 0.2, 0.1]]).log()
        begins = torch.stack([blank, torch.zeros_like(blank)], dim=-1)
        kept = keep_rows(begins, torch.tensor([4]))
        self.assertEqual(kept.tolist(), [[False, True, False, True, False]])
        counts, rows = compact(kept, torch.arange(5)[None])
        self.assertEqual((counts.tolist(), rows.tolist()), ([2], [[1, 3]]))
        self.assertEqual(keep_rows(begins, torch.tensor([4]), torch.tensor([3])).sum().item(), 3)


class DecoderRuns(TinyRuns):
    """On a base that was trained for seconds."""

    def decoder_run(self, run, name, **changes):
        arguments = dict(
            prepared=self.folder / "prepared", run=self.folder / name, base=self.folder / "base" / "checkpoint.pt",
            vocabulary=str(self.folder / "pieces.model"), development=self.folder / "dev.jsonl", shards=None, heard=None,
            text=None, language=None, decoder=None, text_steps=0, epochs=2, decay=0, recipe=None, batch=6, embedding=8, predictor=16, inner=16, dropout=0.1,
            rows_dropout=0.1, noise=0.1, rate=1e-2, warm_up=2, precision="float32", seed=1, heads=HEADS,
        )  # fmt: skip
        arguments = argparse.Namespace(**(arguments | changes))
        arguments.run.mkdir(exist_ok=True)
        run = run(arguments)
        run.train()
        return run

    def learns_resumes_and_is_exported(self, run, matrices, tensors_of, falls_to=0.9, **changes):
        """At once, and in three parts."""
        self.run_for("base", head_epochs=6, epochs=1)
        recipe = self.folder / "recipe.json"
        recipe.write_text('[{"pattern": "*output.weight", "bits": 16}, {"pattern": "*.weight", "bits": 4}]')
        text = self.folder / "text"
        text.write_text("the cat sat\n" * 3)
        changes |= dict(text=text, text_steps=5)
        whole = self.decoder_run(run, "whole", epochs=4, decay=20, recipe=recipe, **changes)
        losses = [entry["loss"] for entry in self.log("whole")][1:]
        self.assertLess(losses[-1], falls_to * losses[0])
        self.decoder_run(run, "parts", epochs=1, **changes)
        self.decoder_run(run, "parts", epochs=4, **changes)
        parts = self.decoder_run(run, "parts", epochs=4, decay=20, recipe=recipe, **changes)
        for name, value in whole.model.state_dict().items():
            self.assertTrue(torch.equal(value, parts.model.state_dict()[name]), name)
        with whole.coding:
            trained = {name: p.detach().clone() for name, p in whole.model.named_parameters()}
        tensors, codings = tensors_of(whole.model.state_dict(), whole.coding.codings)
        self.assertEqual(len(codings), len(matrices) - 1)
        for name, parameter in matrices:
            if name in codings:
                bits = np.unpackbits(tensors[f"{name}.bits"], axis=-1, bitorder="little", count=codings[name]["inputs"])
                scale = tensors[f"{name}.scale"].astype(np.float32)[:, 0].T[:, :, None]
                value = ((2.0 * bits - 1) * scale).sum(axis=0)
                np.testing.assert_allclose(value, trained[parameter].numpy(), rtol=1e-6, atol=1e-7, err_msg=name)
        # And read again, by a run that begins with them.
        path, state = self.folder / "own.safetensors", whole.model.state_dict()
        write_safetensors(path, tensors, {"sotto": json.dumps({"family": run.family, "quantization": codings})})
        again = self.decoder_run(run, "again", epochs=0, decoder=path, **(changes | dict(text=None, text_steps=0)))
        for name, value in again.model.named_parameters():
            if not name.startswith("predictor.bias"):
                torch.testing.assert_close(value, trained[name], rtol=1e-3, atol=1e-3, msg=name)


class TransducerRunTests(DecoderRuns):
    def test_learns_resumes_and_is_exported_as_trained(self):
        self.learns_resumes_and_is_exported(stream_rnnt.Run, transducer_matrices(), transducer_tensors)

    def test_fingerprint(self):
        """By its definition, one number after the other."""
        path = self.folder / "some.safetensors"
        write_safetensors(path, {"a": np.arange(5, dtype=np.uint8), "b": np.ones(3, np.float32)}, {})
        data = path.read_bytes()
        data = data[8 + int.from_bytes(data[:8], "little") :]
        value = len(data)
        for start in range(0, len(data), 8):
            value = (value * 0x9E3779B97F4A7C15 + int.from_bytes(data[start : start + 8], "little")) % 2**64
        self.assertEqual(fingerprint(path), f"{value ^ value >> 32:016x}")


if __name__ == "__main__":
    unittest.main()
