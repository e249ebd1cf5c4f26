"""The transducer on a CTC model: what it has heard and what it has said decide together what is said next.

A monotonic RNN-T (Graves, arXiv 1211.3711; Tripathi et al., arXiv 2011.01576): in each row one piece is said, or none (class 0, the
blank). On frozen rows h [T, rows] of a CTC model's last LSTM layer, 25 a second:

    onsets   o(k) = p(k) (1 - q(k)) for a piece k, where p and q are the CTC posteriors of this row and the one before;
             o(blank) = 1 - the sum of the others. It is CTC's probability that piece k *begins* here.
    joiner   log-softmax(log o + output(tanh(W_e h + W_p g + b))), g from the predictor, an LSTM over the pieces said so far

With an output of zeros it is CTC without the repetitions: training begins there. Rows whose blank is certain are left out.
"""

import torch
from torch import nn
from torch.nn import functional

from .onsets import backward_sums, close, forward_sums, likely_nodes


class Transducer(nn.Module):
    def __init__(self, pieces, rows, embedding=128, predictor=320, inner=320, dropout=0.1):
        """`rows`: width of the rows that it hears; `predictor`, `inner`: of the predictor's LSTM and of the joiner."""
        super().__init__()
        self.embedding = nn.Embedding(pieces + 1, embedding)  # class 0, which is never said, stands for the start
        self.predictor = nn.LSTM(embedding, predictor, batch_first=True)
        self.hears = nn.Linear(rows, inner)
        self.recalls = nn.Linear(predictor, inner, bias=False)
        self.output = nn.Linear(inner, pieces + 1)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def language(self, classes):
        """Scores of pieces after classes [B, L] where nothing is heard, [B, L, V]."""
        return self.output(self.dropout(torch.tanh(self.hears.bias + self.predictions(classes)[0])))[..., 1:]

    @torch.no_grad()
    def begin_from_language(self, share, nats):
        """Keeps a share of what `language` learnt, `nats` a piece: no piece is to become less likely beside the blank than it was,
        on the whole."""
        self.output.weight *= share
        self.output.bias *= share
        self.output.bias[0] = -share * nats
        self.output.weight[0] = 0

    def predictions(self, classes, state=None):
        """Classes [B, L] to what the joiner takes of them, [B, L, inner], and the predictor's state."""
        outputs, state = self.predictor(self.dropout(self.embedding(classes)), state)
        return self.recalls(self.dropout(outputs)), state

    def join(self, heard, recalled, begins):
        """heard [N, inner], recalled [N, inner], log-probabilities of onsets [N, V + 1]: log-probabilities of what comes."""
        return functional.log_softmax(begins + self.output(self.dropout(torch.tanh(heard + recalled))), dim=-1)


class TransducerLoss(torch.autograd.Function):
    """-log of the sum over all ways to lay each text over its rows, [B]; the gradient is exact (Graves, equation 20)."""

    @staticmethod
    def forward(context, blank, label, counts):
        alpha, beta = forward_sums(blank, label), backward_sums(blank, label, counts)
        total = beta[:, 0, 0]
        context.save_for_backward(blank, label, alpha, beta, total)
        return -total

    @staticmethod
    def backward(context, upstream):
        blank, label, alpha, beta, total = context.saved_tensors
        through = alpha[:, :-1] - total[:, None, None]
        scale = -upstream[:, None, None]
        by_blank = scale * (through + blank + beta[:, 1:]).exp()
        by_label = scale * (through[:, :, :-1] + label + beta[:, 1:, 1:]).exp()
        return by_blank, by_label, None


def transducer_loss(model, heard, begins, rows, pieces, counts, least=0.002):
    """-log p(text) of each utterance, [B].

    The joiner is computed where the onsets alone, aligned with the text, come by with a probability of `least` at least
    (as in pruned RNN-T, Kuang et al., arXiv 2206.13236); elsewhere the onsets stand for it, so that all ways count.

    heard [B, T, inner]; begins [B, T, V + 1]; rows [B]; pieces [B, U] (classes, filled up with anything); counts [B].
    """
    batch, length, _ = begins.shape
    texts = functional.pad(pieces, (1, 0))
    recalled, _ = model.predictions(texts)  # [B, U + 1, inner]
    blank = begins[:, :, :1].expand(-1, -1, texts.shape[1])
    label = begins.gather(2, pieces[:, None].expand(-1, length, -1))
    blank, label = close(blank, label, rows)
    nodes = likely_nodes(blank, label, rows, counts, least)[0]
    b, t, u = nodes
    scores = model.join(heard[b, t], recalled[b, u], begins[b, t])
    blank = blank.index_put(nodes, scores[:, 0])
    goes_on = u < counts[b]
    b, t, u = b[goes_on], t[goes_on], u[goes_on]
    label = label.index_put((b, t, u), scores[goes_on].gather(1, pieces[b, u][:, None])[:, 0])
    return TransducerLoss.apply(blank, label, counts)


@torch.no_grad()
def greedy(model, heard, begins, rows):
    """The likeliest class of each row after those before, of utterances side by side: lists of classes said."""
    batch = len(rows)
    texts = [[] for _ in range(batch)]
    recalled, state = model.predictions(torch.zeros(batch, 1, dtype=torch.long))
    for t in range(begins.shape[1]):
        best = model.join(heard[:, t], recalled[:, 0], begins[:, t]).argmax(-1)
        said = ((best > 0) & (t < rows)).nonzero()[:, 0]
        if not len(said):
            continue
        for index in said.tolist():
            texts[index].append(int(best[index]))
        new, states = model.predictions(best[said, None], tuple(part[:, said].contiguous() for part in state))
        recalled[said] = new
        for part, changed in zip(state, states):
            part[:, said] = changed
    return texts
