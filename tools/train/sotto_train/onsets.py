"""What a CTC model says begins in each row, and the ways to lay a text over rows in which at most one piece is said.

In arrays of scores class 0 is the blank, class i + 1 piece i.
"""

import torch
from torch.nn import functional

CERTAIN = 0.999  # probability of a blank from which on a row is left out, as the engine does
LOWEST = 1e-6  # probability of an onset, at least: a decoder has to be able to raise it
IMPOSSIBLE = -1e30


def onsets(scores):
    """CTC log-probabilities [..., T, V + 1] of successive rows to those of what begins in each."""
    now = scores.exp()
    before = functional.pad(now, (0, 0, 1, 0))[..., :-1, :]
    result = now * (1 - before)
    result[..., 0] = now[..., 0] + (now * before)[..., 1:].sum(-1)
    return result.clamp_min(LOWEST).log()


def keep_rows(begins, lengths, needed=None):
    """Which rows [B, T] are not certain to be blank; of each utterance at least `needed` [B]."""
    inside = torch.arange(begins.shape[1])[None] < lengths[:, None]
    blank = begins[..., 0].masked_fill(~inside, torch.inf)
    kept = blank < torch.log(torch.tensor(CERTAIN))
    if needed is not None:
        ranks = blank.argsort(dim=1, stable=True).argsort(dim=1)
        kept |= ranks < needed[:, None]
    return kept & inside


def compact(kept, *values):
    """Kept rows of each value [B, T, ...] at the front, cut to the longest; and how many there are of each."""
    counts = kept.sum(dim=1)
    order = (~kept).to(torch.uint8).argsort(dim=1, stable=True)[:, : max(1, int(counts.max()))]
    rows = torch.arange(len(kept))[:, None]
    return counts, *(value[rows, order] for value in values)


def forward_sums(blank, label):
    """Log-probabilities alpha [B, T + 1, U + 1] that after t rows u pieces were said.

    blank [B, T, U + 1]: of no piece in row t after u of them; label [B, T, U]: of the next piece there.
    """
    batch, rows, width = blank.shape
    alpha = blank.new_full((batch, rows + 1, width), IMPOSSIBLE)
    alpha[:, 0, 0] = 0
    for t in range(rows):
        stays = alpha[:, t] + blank[:, t]
        stays[:, 1:] = torch.logaddexp(stays[:, 1:], alpha[:, t, :-1] + label[:, t])
        alpha[:, t + 1] = stays
    return alpha


def backward_sums(blank, label, counts):
    """Log-probabilities beta [B, T + 1, U + 1] of the rest of the text in the rest of the rows; counts [B] of pieces."""
    batch, rows, width = blank.shape
    beta = blank.new_full((batch, rows + 1, width), IMPOSSIBLE)
    beta[torch.arange(batch), rows, counts] = 0
    for t in range(rows - 1, -1, -1):
        stays = beta[:, t + 1] + blank[:, t]
        stays[:, :-1] = torch.logaddexp(stays[:, :-1], beta[:, t + 1, 1:] + label[:, t])
        beta[:, t] = stays
    return beta


def close(blank, label, rows):
    """Past an utterance's own rows [B] nothing is said, and that costs nothing."""
    past = torch.arange(blank.shape[1])[None] >= rows[:, None]
    return blank.masked_fill(past[:, :, None], 0), label.masked_fill(past[:, :, None], IMPOSSIBLE)


@torch.no_grad()
def likely_nodes(blank, label, rows, counts, least):
    """Where the ways to lay each text over its rows come by with a probability of `least` at least: indices (b, t, u) of places at row t
    with u pieces said, how probable it is to come by, and that piece u is said there. `blank`, `label`: as `close` gives them."""
    alpha, beta = forward_sums(blank, label), backward_sums(blank, label, counts)
    total = beta[:, :1, :1]
    visits = (alpha[:, :-1] + beta[:, :-1] - total).exp()
    said = functional.pad((alpha[:, :-1, :-1] + label + beta[:, 1:, 1:] - total).exp(), (0, 1))
    past = torch.arange(blank.shape[1])[None] >= rows[:, None]
    nodes = (visits.masked_fill(past[:, :, None], -1) >= least).nonzero(as_tuple=True)
    return nodes, visits[nodes], said[nodes]
