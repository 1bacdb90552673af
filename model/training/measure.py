"""The quality of a network's scores: calibration, decisions, accuracy, intervals."""
from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Thresholds:
    """The service's rule, see `decide`."""

    threshold: float
    margin: float
    unknownBelow: float


def softmax(scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """[n, classes] -> [n, classes]."""
    shifted = (scores - scores.max(1, keepdims=True)) / temperature
    power = np.exp(shifted.astype(np.float64))
    return power / power.sum(1, keepdims=True)


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of least negative log-likelihood (Guo et al. 2017), by golden section."""

    def loss(log_t: float) -> float:
        p = softmax(scores, math.exp(log_t))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(p, 1e-12)).mean())

    low, high, ratio = math.log(0.2), math.log(5.0), (math.sqrt(5) - 1) / 2
    while high - low > 1e-4:
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return math.exp((low + high) / 2)


def calibration_error(p: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error of the best score, equal-width bins."""
    return gap(p.max(1), p.argmax(1) == labels)


def calibration_noise(p: np.ndarray, draws: int = 1000) -> float:
    """The calibration error that a perfectly calibrated network would show by chance, with the same number of pictures
    and the same scores. With few pictures it is large."""
    best, rng = p.max(1), np.random.default_rng(0)
    return float(np.mean([gap(best, rng.random(len(best)) < best) for _ in range(draws)]))


def gap(best: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Mean difference between score and share of correct pictures, over bins of the best score, weighted by their pictures."""
    place = np.minimum((best * bins).astype(int), bins - 1)
    return float(sum(abs(best[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in np.unique(place)))


def reliability(p: np.ndarray, labels: np.ndarray, bins: int = 15) -> list[dict]:
    """Per non-empty bin of the best score: number of pictures, mean score, share of correct pictures with its interval."""
    best, right = p.max(1), p.argmax(1) == labels
    place, rows = np.minimum((best * bins).astype(int), bins - 1), []
    for b in np.unique(place):
        inside = place == b
        rows.append({"n": int(inside.sum()), "score": float(best[inside].mean()), "right": float(right[inside].mean()), "interval": wilson(int(right[inside].sum()), int(inside.sum()))})
    return rows


def wilson(right: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a proportion, 95 %."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = right / n, z * z
    middle, half = share + z2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return (middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)


def decide(p: np.ndarray, rule: Thresholds, other: int) -> np.ndarray:
    """The service's decision per picture: the category, -1 for needs_review, -2 for unknown_view: [n]."""
    order = np.sort(p, 1)
    best, gap, top = order[:, -1], order[:, -1] - order[:, -2], p.argmax(1)
    review = (best < rule.threshold) | (gap < rule.margin)
    return np.where(top == other, np.where(best >= rule.threshold, -2, -1), np.where(best < rule.unknownBelow, -2, np.where(review, -1, top)))


def outcome(p: np.ndarray, labels: np.ndarray, rule: Thresholds, other: int) -> dict[str, float]:
    """right: share of the labelled that is right, `other` pictures that got a category counted as wrong;
    right30: the same among the pictures of the 30; labelled: share of those that got a category;
    caught: share of `other` that got none; unknown30: share of the 30 called unknown_view."""
    decision = decide(p, rule, other)
    inside, labelled = labels != other, decision >= 0
    return {
        "right": float((decision == labels)[labelled].mean()) if labelled.any() else 1.0,
        "right30": float((decision == labels)[labelled & inside].mean()) if (labelled & inside).any() else 1.0,
        "labelled": float(labelled[inside].mean()) if inside.any() else 0.0,
        "caught": float((~labelled)[~inside].mean()) if (~inside).any() else 1.0,
        "unknown30": float((decision == -2)[inside].mean()) if inside.any() else 0.0,
    }


def choose(p: np.ndarray, labels: np.ndarray, other: int) -> Thresholds:
    """The rule with the largest margin to four goals: >= 99 % of the pictures of the 30 with a category are correct, >= 97 % of all
    with a category are, >= 88 % of the pictures of the 30 categories get a category, >= 90 % of `other` get none. A rule's margin is the smallest of
    its four, each as a share of the distance from the goal to 100 %. `unknownBelow` costs at most 0.1 % of the
    pictures of the 30 categories."""
    best_rule, best_value = Thresholds(0.5, 0.0, 0.2), -math.inf
    best = p.max(1)[(labels != other) & (p.argmax(1) != other)]
    floor = float(np.floor(min(0.5, np.quantile(best, 0.001)) * 100) / 100)
    for threshold in np.arange(0.30, 0.97, 0.02):
        for margin in (0.0, 0.1, 0.2, 0.3):
            rule = Thresholds(round(float(threshold), 2), margin, min(floor, round(float(threshold), 2)))
            seen = outcome(p, labels, rule, other)
            spare = [(seen["right30"] - 0.99) / 0.01, (seen["right"] - 0.97) / 0.03, (seen["caught"] - 0.90) / 0.10, (seen["labelled"] - 0.88) / 0.12]
            value = min(spare) + 0.1 * sum(spare)
            if value > best_value + 1e-9:
                best_rule, best_value = rule, value
    return best_rule


def per_class(p: np.ndarray, labels: np.ndarray, classes: list[str]) -> list[dict]:
    """Count, sensitivity with interval, specificity, PPV with interval, of each category, by its best score without thresholds."""
    top, rows = p.argmax(1), []
    for k, name in enumerate(classes):
        n, hit, said = int((labels == k).sum()), int(((top == k) & (labels == k)).sum()), int((top == k).sum())
        rows.append({
            "category": name, "n": n, "hit": hit, "said": said,
            "sensitivity": hit / n if n else None, "interval": wilson(hit, n),
            "specificity": 1 - (said - hit) / max(1, len(labels) - n),
            "ppv": hit / said if said else None, "ppvInterval": wilson(hit, said),
        })
    return rows


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve, by ranks (ties halved)."""
    order = scores.argsort(kind="stable")
    _, inverse, counts = np.unique(scores[order], return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    ranks = np.empty(len(scores))
    ranks[order] = ((2 * ends - counts + 1) / 2)[inverse]
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


def summary(p: np.ndarray, labels: np.ndarray, rule: Thresholds, other: int, lonely: int) -> dict:
    """The figures of one set of pictures; `lonely` is left out of the balanced accuracy (nothing to measure on).
    The forced ones take the best of the 30: `other` is no answer, as of a network that has no such class."""
    inside, n = labels != other, int((labels != other).sum())
    present = [k for k in np.unique(labels[inside]) if k != lonely]

    def accuracies(top: np.ndarray) -> tuple[int, float | None]:
        right = top == labels
        return int(right[inside].sum()), float(np.mean([right[labels == k].mean() for k in present])) if present else None

    hits, balanced = accuracies(p.argmax(1))
    forced_hits, forced_balanced = accuracies(np.where(np.arange(p.shape[1]) == other, -1.0, p).argmax(1))
    return {
        "n30": n, "nOther": int((~inside).sum()),
        "accuracy30": hits / max(1, n), "interval30": wilson(hits, n), "balanced30": balanced,
        "forced30": forced_hits / max(1, n), "forcedBalanced30": forced_balanced,
        "calibrationError": calibration_error(p, labels), "calibrationNoise": calibration_noise(p),
        "otherAuroc": auroc(p[:, other], ~inside) if inside.any() and (~inside).any() else None,
        "rule": asdict(rule), **outcome(p, labels, rule, other),
    }
