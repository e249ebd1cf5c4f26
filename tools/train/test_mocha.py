#!/usr/bin/env python3
"""Tests of the training of monotonic chunkwise attention, in a few seconds.

    .venv/bin/python tools/train/test_mocha.py
"""

import itertools
import pathlib
import sys
import unittest

import torch
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import stream_mocha  # noqa: E402
import stream_rnnt  # noqa: E402
from export import mocha_matrices, mocha_tensors  # noqa: E402
from sotto_train.mocha import MoChA, expected_stops, greedy, mocha_loss  # noqa: E402
from sotto_train.onsets import onsets  # noqa: E402
from test_transducer import DecoderRuns  # noqa: E402


def enumerated_stops(odds):
    """Probabilities [T, U] of a stop in row t for piece u: the sum over all ways to stop or not, row by row."""
    rows, count = odds.shape
    result = torch.zeros(rows, count, dtype=odds.dtype)
    for ways in itertools.product((False, True), repeat=rows):
        probability, said, stops = 1.0, 0, []
        for row, stop in enumerate(ways):
            if said == count:
                break  # what comes after the last piece is no matter, once for each way that begins so
            p = torch.sigmoid(odds[row, said])
            probability = probability * (p if stop else 1 - p)
            if stop:
                stops.append((row, said))
                said += 1
        else:
            row = rows
        if any(ways[row:]):
            continue
        for stop in stops:
            result[stop] = result[stop] + probability
    return result


class MoChATests(unittest.TestCase):
    def test_expected_stops_are_those_of_all_ways(self):
        torch.manual_seed(6)
        odds = 2 * torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
        ours = expected_stops(odds).exp()
        theirs = torch.stack([enumerated_stops(own) for own in odds])
        torch.testing.assert_close(ours, theirs)
        self.assertTrue(torch.autograd.gradcheck(lambda x: expected_stops(x).clamp_min(-50), odds.detach().requires_grad_()))

    def test_expected_stops_of_long_texts_are_finite(self):
        odds = torch.full((1, 2000, 400), -8.0, requires_grad=True)
        stops = expected_stops(odds)
        self.assertTrue(bool((stops[:, 400:].exp().sum(1) <= 1 + 1e-4).all()) and bool(stops[:, 400:].isfinite().all()))
        stops[:, 400:].sum().backward()
        self.assertTrue(bool(odds.grad.isfinite().all()))

    def model(self):
        torch.manual_seed(7)
        model = MoChA(5, 4, 3, 6, 7, 5, 3, 0.0)
        for parameter in (model.output.weight, model.places, model.direction, model.offset):
            torch.nn.init.normal_(parameter)
        return model

    def test_loss_by_its_definition(self):
        """All rows count, nothing is left out: piece by piece, row by row."""
        model = self.model()
        rows, counts, pieces = torch.randn(2, 6, 4), torch.tensor([3, 2]), torch.tensor([[1, 2, 2], [4, 1, 1]])
        begins = onsets(torch.randn(2, 6, 6).log_softmax(-1))
        kept = torch.arange(6)[None] < torch.tensor([[6], [4]])
        ours = mocha_loss(model, rows, kept, begins, pieces, counts, guide=0.0, least=0)
        for index, (length, count) in enumerate(((6, 3), (4, 2))):
            outputs = model.predictions(functional.pad(pieces, (1, 0)))[0][index]
            nats = 0
            odds = torch.stack([
                model.stops(model.stop_hears(rows[index, :length]), model.stop_recalls(outputs[u]), begins[index, :length])
                for u in range(count)
            ], dim=1)  # fmt: skip
            stops = expected_stops(odds[None])[0].softmax(0)
            for u in range(count):
                context, begun = 0, 0
                for t in range(length):
                    first = max(0, t - 2)
                    energies = model.keys(rows[index, first : t + 1]) @ model.queries(outputs[u]) / 5**0.5
                    weights = (energies + model.places[first - t - 1 :]).softmax(0)
                    context = context + stops[t, u] * (weights @ model.hears(rows[index, first : t + 1]))
                    begun = begun + stops[t, u] * begins[index, t, 1:].softmax(0)
                scores = model.scores(context, model.recalls(outputs[u])) + begun.log()
                nats = nats - scores.log_softmax(0)[pieces[index, u] - 1]
            torch.testing.assert_close(ours[index], nats)

    def test_the_guide_is_least_where_stops_follow_ctc(self):
        model = self.model()
        torch.nn.init.zeros_(model.direction)
        classes = torch.tensor([[0, 3, 0, 0, 2, 0]])
        begins = torch.full((1, 6, 6), 1e-4).scatter(2, classes[..., None], 0.9995).log()
        kept, rows = torch.ones(1, 6, dtype=torch.bool), torch.randn(1, 6, 4)

        def loss(offset, pieces):
            model.offset.data.fill_(offset)
            pieces = torch.tensor([pieces])
            counts = torch.tensor([pieces.shape[1]])
            return [mocha_loss(model, rows, kept, begins, pieces, counts, guide).item() for guide in (0.0, 1.0)]

        plain, guided = loss(0.0, [3, 2])
        self.assertLess(guided - plain, 0.05)
        for offset in (-12.0, 12.0):
            plain, guided = loss(offset, [3, 2])
            self.assertGreater(guided - plain, 1)

    def test_without_weights_it_says_what_ctc_does(self):
        model = MoChA(5, 4, 3, 6, 7, 5, 3, 0.0)
        classes = torch.tensor([[0, 3, 3, 0, 2, 1], [4, 4, 0, 4, 5, 5]])
        scores = torch.full((2, 6, 6), 0.01).scatter(2, classes[..., None], 0.95).log()
        rows = torch.randn(2, 6, 4)
        self.assertEqual(greedy(model, rows, torch.ones(2, 6, dtype=torch.bool), onsets(scores)), [[3, 2, 1], [4, 4, 5]])


class MoChARunTests(DecoderRuns):
    def test_learns_resumes_and_is_exported_as_trained(self):
        own = dict(energy=8, window=4, guide=1.0)
        self.learns_resumes_and_is_exported(
            stream_mocha.Run, mocha_matrices(), mocha_tensors, falls_to=0.95, **own
        )
        # What a transducer learnt from text alone tells the same.
        text = dict(text=self.folder / "text", text_steps=3, epochs=0)
        other = self.decoder_run(stream_rnnt.Run, "other", **text)
        taken = self.decoder_run(
            stream_mocha.Run, "taken", language=self.folder / "other" / "checkpoint.pt", **text, **own
        )
        classes = torch.tensor([[0, 3, 1, 2]])
        torch.testing.assert_close(taken.model.eval().language(classes), other.model.eval().language(classes))


if __name__ == "__main__":
    unittest.main()
