#!/usr/bin/env python3
"""Trains a transducer (RNN-T) on the frozen encoder and recurrent layers of a CTC model; stops and goes on at any time.

    python tools/train/stream_rnnt.py --base CTC_RUN/checkpoint.pt --vocabulary PIECES.model --development MANIFEST \\
        [--text TEXT --text-steps 1500] [--epochs 4] [--decay 600 --recipe RECIPE.json] PREPARED RUN

What the base hears (rows of its last LSTM layer, in chunks of 320, 640 and 1280 ms) is computed once for each shard, to
RUN/heard; training reads that, with noise. Predictor and joiner begin with CTC's own scores (sotto_train/transducer.py) and
learn with --epochs at a constant rate, then --decay steps with a rate that falls to nothing; with --recipe these by weights in
binary coding, from the average on. With --text the predictor first learns by itself what pieces follow one another. RUN/log.jsonl has one line an epoch with error rates on the development set, of greedy search and no
language model; RUN/checkpoint.pt is what the command goes on from, where it exists. With --epochs 0 it holds what was learnt from
text, and may be copied to begin runs on any base.
"""

from export import transducer_matrices
from sotto_train.decoder_run import DecoderRun, main, parser
from sotto_train.onsets import compact
from sotto_train.transducer import Transducer, greedy, transducer_loss


class Run(DecoderRun):
    family = "rnnt"
    matrices = transducer_matrices()

    def make_model(self, pieces, rows):
        own = self.arguments
        return Transducer(pieces, rows, own.embedding, own.predictor, own.inner, own.dropout)

    def loss_of(self, rows, kept, begins, pieces, counts):
        lengths, rows, begins = compact(kept, rows, begins)
        return transducer_loss(self.model, self.model.hears(rows), begins, lengths, pieces, counts)

    def greedy(self, model, rows, kept, begins):
        lengths, rows, begins = compact(kept, rows, begins)
        return greedy(model, model.hears(rows), begins, lengths)


if __name__ == "__main__":
    main(Run, parser(__doc__.splitlines()[0]))
