"""Monotonic chunkwise attention (MoChA: Chiu and Raffel, arXiv 1712.05382) on a CTC model.

On frozen rows h [T, rows] of a CTC model's last LSTM layer, 25 a second. For each piece the decoder goes on from the row after its
last stop, and stops in row t with the probability p; there it looks back over a window of rows and says which piece it is:

    stop       p = sigmoid(v·tanh(W_h h + W_s s + b) + r + log((1 - o(blank)) / o(blank)))
    attention  softmax over the window's rows of q(s)·k(h) / sqrt(D) + one number for each place in it; c the mean of W_c h
    piece      softmax(log o(piece) + output(tanh(c + W_y s)))

s is the decoder: an LSTM over the pieces said so far, which does not see what was attended to, so that all of a text is
computed at once. o are CTC's onsets in row t (onsets.py): with an output, a v and an r of zeros, it stops and says what CTC does.
At most one piece is said in a row, as with CTC: where nothing begins for CTC, nothing can be said, and there are no loops.

Trained on the expected alignment (`expected_stops`), which attention and onsets are averaged with, and guided by CTC's own
alignment of the text (as in Inaguma et al., arXiv 2005.04712), which also keeps it from stopping late.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from .onsets import IMPOSSIBLE, close, likely_nodes

LEAST = 1e-6  # of a probability before its logarithm is taken


class MoChA(nn.Module):
    def __init__(self, pieces, rows, embedding=128, predictor=320, inner=320, energy=128, window=8, dropout=0.1):
        """`rows`: width of the rows that it hears; `predictor`, `inner`: of the LSTM and of the layer before the output; `energy`: of
        the layers that stops and attention are decided in; `window`: rows that it looks back over, the one of the stop included."""
        super().__init__()
        self.embedding = nn.Embedding(pieces + 1, embedding)  # class 0, which is never said, stands for the start
        self.predictor = nn.LSTM(embedding, predictor, batch_first=True)
        self.stop_hears = nn.Linear(rows, energy)
        self.stop_recalls = nn.Linear(predictor, energy, bias=False)
        # Without the scale that the paper divides by: a single number at a rate of its own would be slow to begin.
        self.direction = nn.Parameter(torch.zeros(energy))
        self.offset = nn.Parameter(torch.zeros(()))
        self.keys = nn.Linear(rows, energy, bias=False)
        self.queries = nn.Linear(predictor, energy)
        self.places = nn.Parameter(torch.zeros(window))
        self.hears = nn.Linear(rows, inner)
        self.recalls = nn.Linear(predictor, inner, bias=False)
        self.output = nn.Linear(inner, pieces)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    @property
    def window(self):
        return len(self.places)

    def predictions(self, classes, state=None):
        """Classes [B, L] to the decoder's outputs [B, L, predictor], and its state."""
        outputs, state = self.predictor(self.dropout(self.embedding(classes)), state)
        return self.dropout(outputs), state

    def language(self, classes):
        """Scores of pieces after classes [B, L] where nothing is heard, [B, L, V]."""
        return self.scores(self.hears.bias, self.recalls(self.predictions(classes)[0]))

    @torch.no_grad()
    def begin_from_language(self, share, nats):
        """Keeps a share of what `language` learnt. Pieces compete with one another alone: `nats` do not matter."""
        self.output.weight *= share
        self.output.bias *= share

    def stops(self, heard, recalled, begins):
        """Log-odds [N] of a stop: heard [N, energy] by `stop_hears`, recalled [N, energy], log-probabilities of onsets [N, V + 1]."""
        return torch.tanh(heard + recalled) @ self.direction + self.offset + log_odds(begins)

    def attend(self, keys, values, queries, inside):
        """keys [N, window, energy], values [N, window, inner], queries [N, energy], which rows there are [N, window]: [N, inner]."""
        energies = (keys @ queries[:, :, None])[:, :, 0] / math.sqrt(keys.shape[-1]) + self.places
        weights = energies.masked_fill(~inside, IMPOSSIBLE).softmax(-1)
        return (weights[:, None] @ values)[:, 0]

    def scores(self, context, recalled):
        """Scores of pieces [..., V], to which the onsets' are added."""
        return self.output(self.dropout(torch.tanh(context + recalled)))


def log_odds(begins):
    """Log-odds of that anything begins, of log-probabilities of onsets [..., V + 1]."""
    return torch.log((1 - begins[..., 0].exp()).clamp_min(LEAST)) - begins[..., 0]


def expected_stops(odds):
    """Log-probabilities [B, T, U] that the decoder stops in row t for piece u: Chiu and Raffel's recursion row by row, in the
    logarithm, so that nothing is divided by and nothing vanishes.

    odds [B, T, U]: log-odds of a stop in row t where u pieces have been said before it; one piece in a row at most.
    """
    stop, go_on = functional.logsigmoid(odds), functional.logsigmoid(-odds)
    waits = odds.new_full((odds.shape[0], odds.shape[2]), IMPOSSIBLE)
    waits[:, 0] = 0  # log-probability of having said u pieces before row t
    result = []
    for t in range(odds.shape[1]):
        said = waits + stop[:, t]
        result.append(said)
        waits = torch.logaddexp(waits + go_on[:, t], functional.pad(said, (1, 0), value=IMPOSSIBLE)[:, :-1])
    return torch.stack(result, dim=1)


def windows(indices, window):
    """Rows [..., window] of the windows that end in rows `indices` [...], and which of them there are."""
    rows = indices[..., None] + torch.arange(1 - window, 1)
    return rows.clamp_min(0), rows >= 0


def mocha_loss(model, rows, kept, begins, pieces, counts, guide=1.0, least=0.002):
    """Nats of each utterance, [B]: -log p(piece) of all pieces at the expected stops, and `guide` times the cross-entropy of the stops
    with CTC's alignment of the text.

    Stops and attention are computed where that alignment comes by with a probability of `least` at least; elsewhere CTC's
    onsets stand for the stops.

    rows [B, T, width] and which of them count [B, T]; begins [B, T, V + 1]; pieces [B, U] (classes, filled up with anything);
    counts [B].
    """
    batch, length, _ = rows.shape
    lengths = kept.sum(dim=1)
    # The rows that count, at the front; their places among all.
    places = (~kept).to(torch.uint8).argsort(dim=1, stable=True)[:, : max(1, int(lengths.max()))]
    begins = begins[torch.arange(batch)[:, None], places]
    outputs, _ = model.predictions(functional.pad(pieces, (1, 0)))  # [B, U + 1, predictor]
    blank = begins[:, :, :1].expand(-1, -1, outputs.shape[1])
    label = begins.gather(2, pieces[:, None].expand(-1, begins.shape[1], -1))
    nodes, visits, said = likely_nodes(*close(blank, label, lengths), lengths, counts, least)
    b, t, u = nodes
    at = places[b, t]
    # Stops.
    stop_heard = model.stop_hears(rows)[b, at]
    odds = model.stops(stop_heard, model.stop_recalls(outputs)[b, u], begins[b, t])
    past = torch.arange(begins.shape[1])[None] >= lengths[:, None]
    prior = log_odds(begins).masked_fill(past, IMPOSSIBLE)[:, :, None].expand_as(blank)
    stops = expected_stops(prior.index_put(nodes, odds))
    guided = -(said * functional.logsigmoid(odds) + (visits - said).clamp_min(0) * functional.logsigmoid(-odds))
    result = guide * guided.new_zeros(batch).index_add(0, b, guided)
    # Pieces, at the stops that are expected given that each is said.
    goes_on = u < counts[b]
    b, t, u, at = b[goes_on], t[goes_on], u[goes_on], at[goes_on]
    cell = b * pieces.shape[1] + u
    weights = stops[b, t, u]
    most = weights.new_full((batch * pieces.shape[1],), IMPOSSIBLE).scatter_reduce(0, cell, weights.detach(), "amax")
    weights = (weights - most[cell]).exp()
    weights = weights / weights.new_zeros(len(most)).index_add(0, cell, weights)[cell]
    inside, exists = windows(at, model.window)
    context = model.attend(
        model.keys(rows)[b[:, None], inside], model.hears(rows)[b[:, None], inside], model.queries(outputs)[b, u], exists
    )
    expected = context.new_zeros(len(most), context.shape[1]).index_add(0, cell, weights[:, None] * context)
    begun = begins[b, t, 1:].exp()
    begun = begun / begun.sum(dim=-1, keepdim=True)
    begun = begun.new_zeros(len(most), begun.shape[1]).index_add(0, cell, weights[:, None] * begun)
    known = (torch.arange(pieces.shape[1])[None] < counts[:, None]).flatten()
    recalled = model.recalls(outputs[:, :-1]).flatten(0, 1)[known]
    scores = model.scores(expected[known], recalled) + begun[known].clamp_min(LEAST).log()
    nats = functional.cross_entropy(scores, pieces.flatten()[known] - 1, reduction="none")
    return result.index_add(0, torch.arange(batch).repeat_interleave(pieces.shape[1])[known], nats)


@torch.no_grad()
def greedy(model, rows, kept, begins):
    """The likeliest piece wherever a stop is likelier than none, of utterances side by side: lists of classes said.

    rows [B, T, width] and which of them count [B, T]; begins [B, T, V + 1].
    """
    batch = len(rows)
    texts = [[] for _ in range(batch)]
    outputs, state = model.predictions(torch.zeros(batch, 1, dtype=torch.long))
    outputs = outputs[:, 0]
    stop_heard, keys, values = model.stop_hears(rows), model.keys(rows), model.hears(rows)
    for t in range(rows.shape[1]):
        odds = model.stops(stop_heard[:, t], model.stop_recalls(outputs), begins[:, t])
        said = ((odds > 0) & kept[:, t]).nonzero()[:, 0]
        if not len(said):
            continue
        inside, exists = windows(torch.full((len(said),), t), model.window)
        context = model.attend(keys[said[:, None], inside], values[said[:, None], inside], model.queries(outputs[said]), exists)
        best = (model.scores(context, model.recalls(outputs[said])) + begins[said, t, 1:]).argmax(-1) + 1
        for index, piece in zip(said.tolist(), best.tolist()):
            texts[index].append(piece)
        new, states = model.predictions(best[:, None], tuple(part[:, said].contiguous() for part in state))
        outputs[said] = new[:, 0]
        for part, changed in zip(state, states):
            part[:, said] = changed
    return texts
