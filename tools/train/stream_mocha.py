#!/usr/bin/env python3
"""Trains monotonic chunkwise attention (MoChA) on the frozen encoder and recurrent layers of a CTC model; stops and goes on at any time.

    python tools/train/stream_mocha.py --base CTC_RUN/checkpoint.pt --vocabulary PIECES.model --development MANIFEST \\
        [--text TEXT --text-steps 1500] [--epochs 4] [--decay 600 --recipe RECIPE.json] [--heard RUN2/heard] PREPARED RUN

All as in stream_rnnt.py, but for the model (sotto_train/mocha.py); --heard takes what the base heard from another run on it.
"""

from export import mocha_matrices
from sotto_train.decoder_run import DecoderRun, main, parser
from sotto_train.mocha import MoChA, greedy, mocha_loss


class Run(DecoderRun):
    family = "mocha"
    matrices = mocha_matrices()

    def make_model(self, pieces, rows):
        own = self.arguments
        return MoChA(pieces, rows, own.embedding, own.predictor, own.inner, own.energy, own.window, own.dropout)

    def loss_of(self, rows, kept, begins, pieces, counts):
        return mocha_loss(self.model, rows, kept, begins, pieces, counts, self.arguments.guide)

    def greedy(self, model, rows, kept, begins):
        return greedy(model, rows, kept, begins)


def options():
    own = parser(__doc__.splitlines()[0])
    own.add_argument("--energy", type=int, default=128, help="width within stops and attention")
    own.add_argument("--window", type=int, default=8, help="rows of 40 ms that it attends to")
    own.add_argument("--guide", type=float, default=1.0, help="weight of CTC's alignment as the target of the stops")
    return own


if __name__ == "__main__":
    main(Run, options())
