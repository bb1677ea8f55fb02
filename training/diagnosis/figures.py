"""Figures of a classifier with their uncertainty, and the calibration of its scores."""
import numpy as np


def auc(y, score):
    """Area under the ROC curve by ranks; ties count half."""
    y, score = np.asarray(y).astype(bool), np.asarray(score, dtype=np.float64)
    values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    rank = ((last - counts + 1 + last) / 2)[inverse]
    n_pos, n_neg = y.sum(), (~y).sum()
    return (rank[y].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg)


def ece(y, p, bins=10):
    """Expected calibration error of P(y = 1): bins of equal width, weighted by their share."""
    y, p = np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64)
    which = np.minimum((p * bins).astype(int), bins - 1)
    total = 0.0
    for b in range(bins):
        at = which == b
        if at.any():
            total += at.mean() * abs(y[at].mean() - p[at].mean())
    return total


def ece_of_perfect(p, rounds=500, seed=20261123):
    """The calibration error that probabilities which are exactly right would show, on average, for this many rows."""
    rng = np.random.default_rng(seed)
    return float(np.mean([ece(rng.random(len(p)) < p, p) for _ in range(rounds)]))


def accuracy(y, p, threshold):
    return float(((np.asarray(p) >= threshold) == np.asarray(y).astype(bool)).mean())


def sensitivity(y, p, threshold):
    y = np.asarray(y).astype(bool)
    return float((np.asarray(p)[y] >= threshold).mean())


def specificity(y, p, threshold):
    y = np.asarray(y).astype(bool)
    return float((np.asarray(p)[~y] < threshold).mean())


def interval(figure, *columns, rounds=2000, seed=20261123):
    """95 % percentile bootstrap over rows of a figure of one or more columns."""
    rng = np.random.default_rng(seed)
    columns = [np.asarray(c) for c in columns]
    n, values = len(columns[0]), []
    while len(values) < rounds:
        at = rng.integers(0, n, n)
        value = figure(*[c[at] for c in columns])
        if np.isfinite(value):
            values.append(value)
    return tuple(float(v) for v in np.percentile(values, [2.5, 97.5]))


def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(np.asarray(x, dtype=np.float64), -60, 60)))


def platt(y, logit, steps=100):
    """(a, b) with P = sigmoid(a * logit + b), by Newton's method on Platt's smoothed targets.

    Source: Platt J, Probabilistic outputs for support vector machines, 1999; Lin, Lin, Weng, 2007.
    """
    y, x = np.asarray(y, dtype=np.float64), np.asarray(logit, dtype=np.float64)
    n_pos, n_neg = y.sum(), len(y) - y.sum()
    target = np.where(y > 0, (n_pos + 1) / (n_pos + 2), 1 / (n_neg + 2))
    columns = np.stack([x, np.ones_like(x)], axis=1)
    w = np.array([1.0, 0.0])
    for _ in range(steps):
        p = sigmoid(columns @ w)
        gradient = columns.T @ (p - target)
        hessian = (columns * (p * (1 - p))[:, None]).T @ columns + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-10:
            break
    return float(w[0]), float(w[1])


def best_threshold(y, p):
    """The probability at which sensitivity + specificity is highest (Youden); midway between two rows."""
    values = np.unique(p)
    cuts = (values[1:] + values[:-1]) / 2
    return float(max(cuts, key=lambda t: sensitivity(y, p, t) + specificity(y, p, t)))
