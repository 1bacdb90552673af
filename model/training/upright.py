"""Which way up a radiograph is: fits model/upright.json, and measures it. See README.md.

    python model/training/upright.py --manifest DATA/manifest.csv --joined FILMS/manifest.csv --work WORK --out model

Orientation needs no labels: a known-upright film, turned, is a labelled one. The head is linear in three numbers of each
channel of the network's last feature maps: the mean, and the first moments over rows and over columns.
"""
from __future__ import annotations

import argparse
import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from build import ADDED, LEFT_OUT, ONLY_MEASURED, UNSEEN
from data import HERE, Item, folds, read_classes, read_grey, read_manifest, resize_like_tf1, to_input
from measure import wilson
from network import MobileNet
from train import load
from orientations import Views, altered, joined, moments, plain, read_truth, turned, views_of

# Categories without a canonical "up", or with too few films to tell.
UNTOLD = {
    "other", "abdomen_left_lateral_decubitus", "elbow_lateral", "finger_ap", "finger_lateral", "patella_axial",
    "oblique_view_of_Lauenstein", "cervical_spine_ap",
}
MOST_FALSE_ALARMS = 0.003  # on the films that fit the head; the goal is 0.5 % on others
LEAST_RIGHT = 0.995
GRID = [round(t, 3) for t in (*np.arange(0.5, 0.95, 0.05), 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)]


def named_by(net: MobileNet, x: np.ndarray, told: np.ndarray) -> np.ndarray:
    """The network's best category; -1 where its orientation is not told. The first numbers are what its last layer takes."""
    weights, bias = (value.detach().numpy() for value in (net.head.weight, net.head.bias))
    best = (x[:, : weights.shape[1]] @ weights.T + bias).argmax(1)
    return np.where(told[best], best, -1)


@dataclass(frozen=True)
class Head:
    """A linear layer on the moments."""

    weights: np.ndarray  # [inputs, outputs]
    bias: np.ndarray  # [outputs]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        logits = x.astype(np.float64) @ self.weights + self.bias
        power = np.exp(logits - logits.max(1, keepdims=True))
        return power / power.sum(1, keepdims=True)


def fit(x: np.ndarray, y: np.ndarray, decay: float = 3e-3, steps: int = 250) -> Head:
    """Multinomial logistic regression on standardised numbers; the standardisation goes into the weights."""
    mean, spread = x.mean(0), x.std(0) + 1e-4
    inputs, targets = torch.tensor((x - mean) / spread), torch.tensor(y)
    weights = torch.zeros(x.shape[1], int(y.max()) + 1, requires_grad=True)
    bias = torch.zeros(int(y.max()) + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=steps, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(inputs @ weights + bias, targets) + decay * (weights * weights).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    scaled = weights.detach().numpy() / spread[:, None]
    return Head(scaled.astype(np.float32), (bias.detach().numpy() - mean @ scaled).astype(np.float32))


def fitted(views: Views, made: Views, films: np.ndarray) -> Head:
    """To the films for which `films` is true, and to their altered versions."""
    use = [(v.x[films[v.film]], v.view[films[v.film]]) for v in (views, made)]
    return fit(*(np.concatenate(both) for both in zip(*use)))


def crossed(views: Views, made: Views, films: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The scores of the unaltered films of each fold by a head that the other folds fit."""
    p = np.zeros((len(views.x), 4))
    for k in np.unique(fold[films]):
        asked = (films & (fold == k))[views.film]
        p[asked] = fitted(views, made, films & (fold != k))(views.x[asked])
    return p[films[views.film]]


@dataclass(frozen=True)
class Rule:
    """The service's: the least score for "upright", and the least for "turned" of the first pass."""

    upright: float
    turned: float

    def answer(self, p: np.ndarray, named: np.ndarray, confirmed: np.ndarray) -> np.ndarray:
        """-1: cannot tell. `confirmed`: what is said to be turned is upright, and still of its category, once it is turned back."""
        best, score = p.argmax(1), p.max(1)
        believed = np.where(best == 0, score >= self.upright, confirmed & (score >= self.turned))
        return np.where((named >= 0) & believed, best, -1)


def figures(answer: np.ndarray, truth: np.ndarray) -> dict:
    told, upright = answer >= 0, truth == 0
    alarms, right = int((answer[upright] > 0).sum()), int((answer == truth)[told].sum())
    return {
        "n": len(truth), "told": float(told.mean()), "right": right / max(1, int(told.sum())), "rightInterval": wilson(right, int(told.sum())),
        "upright": int(upright.sum()), "falseAlarms": alarms, "falseAlarmsInterval": wilson(alarms, int(upright.sum())),
        "turnedFound": float((answer == truth)[~upright].mean()) if (~upright).any() else None,
        "calledUpright": float((answer[~upright] == 0).mean()) if (~upright).any() else None,
    }


def confirmations(p: np.ndarray, named: np.ndarray, views: Views, rows: np.ndarray, least: float) -> np.ndarray:
    """The second pass as the other views of the film show it, which saves the inferences."""
    at = {(int(f), int(v)): n for n, (f, v) in enumerate(zip(views.film[rows], views.view[rows]))}
    best = p.argmax(1)
    back = np.array([at[(int(f), int((v - b) % 4))] for f, v, b in zip(views.film[rows], views.view[rows], best)])
    return (p[back].argmax(1) == 0) & (p[back].max(1) >= least) & (named[back] == named)


def choose(p: np.ndarray, named: np.ndarray, views: Views, rows: np.ndarray) -> Rule:
    """The least thresholds that keep to the limits."""
    truth = views.view[rows]
    for upright in GRID:
        said = (named >= 0) & (p.argmax(1) == 0) & (p.max(1) >= upright)
        if (truth[said] == 0).mean() >= LEAST_RIGHT:
            break
    confirmed = confirmations(p, named, views, rows, upright)
    for least in GRID:
        rule = Rule(upright, least)
        seen = figures(rule.answer(p, named, confirmed), truth)
        if seen["falseAlarms"] <= MOST_FALSE_ALARMS * seen["upright"] and seen["right"] >= LEAST_RIGHT:
            break
    return rule


def second_pass(
    net: MobileNet, head: Head, told: np.ndarray, items: list[Item], truth: dict[str, int], views: Views, rows: np.ndarray, p: np.ndarray, named: np.ndarray, least: float,
) -> np.ndarray:
    """As the service does it: the prepared input is turned back, and passes the network once more."""
    confirmed = np.zeros(len(rows), bool)
    best = p.argmax(1)
    for n in np.flatnonzero(best > 0):
        item = items[views.film[rows[n]]]
        shown = turned(read_grey(item.path), int(views.view[rows[n]] - truth.get(item.id, 0)) % 4)
        back = turned(to_input(resize_like_tf1(shown)), -int(best[n]))
        x = moments(net, back[None])
        confirmed[n] = head(x)[0].argmax() == 0 and head(x).max() >= least and named_by(net, x, told)[0] == named[n]
    return confirmed


def table(report: dict) -> str:
    """The tables of docs/orientation.md, as Markdown."""
    confusion = ["| must be turned by | said 0° | 90° | 180° | 270° | cannot tell |", "|---|---|---|---|---|---|"]
    confusion += [f"| {90 * turn}° | {' | '.join(map(str, row))} |" for turn, row in enumerate(report["confusion"])]
    lines = ["| pictures | upright films | told | right of the told | false alarms | turned ones that are found |", "|---|---|---|---|---|---|"]
    for name, f in {"all": report["all"], **report["groups"], **report["sources"], **report["categories"]}.items():
        lines.append(f"| {name} | {f['upright']} | {100 * f['told']:.1f} | {100 * f['right']:.1f} | {f['falseAlarms']} | {100 * f['turnedFound']:.1f} |")
    return "\n".join([*confusion, "", *lines])


@dataclass(frozen=True)
class Films:
    """The films of both manifests, without `other` of the second one, those that lie in no direction, and the sources that came with version 6:
    nobody has read which way up their films lie."""

    items: list[Item]
    home: np.ndarray  # [films]: those of the first manifest, which come first
    is_told: np.ndarray  # [films]
    fold: np.ndarray  # [films]: by patients at home, else by sources, so that thresholds are chosen where the head does not know the source
    truth: dict[str, int]


def read_films(args: argparse.Namespace, classes: list[str], told: np.ndarray) -> Films:
    truth, unclear = read_truth()
    home = read_manifest(args.manifest, classes)
    joined_ones = [item for item in read_manifest(args.joined, classes) if classes[item.label] != "other" and item.id not in unclear and item.source not in ADDED]
    sources = sorted({item.source for item in joined_ones})
    items = home + joined_ones
    return Films(
        items, np.arange(len(items)) < len(home), told[[item.label for item in items]],
        np.concatenate([folds(home, 4, args.seed), [sources.index(item.source) % 4 for item in joined_ones]]), truth,
    )


@dataclass(frozen=True)
class Fit:
    """A head, and what it says of the views of films that neither it nor its network knows."""

    rule: Rule
    head: Head
    film: np.ndarray
    shown: np.ndarray
    said: np.ndarray
    score: np.ndarray
    best: np.ndarray


def fit_and_ask(net: MobileNet, films: Films, told: np.ndarray, learn: np.ndarray, ask: np.ndarray, work: Path) -> Fit:
    items, home = films.items, int(films.home.sum())
    views, made = (
        joined(views_of(net, items[:home], films.truth, work, "home", how), views_of(net, items[home:], films.truth, work, "joined", how), home)
        for how in (plain, altered)
    )
    named = named_by(net, views.x, told)
    rows = np.flatnonzero((learn & films.is_told)[views.film])
    rule = choose(crossed(views, made, learn & films.is_told, films.fold), named[rows], views, rows)
    head = fitted(views, made, learn & films.is_told)
    rows = np.flatnonzero(ask[views.film] & (films.is_told[views.film] | (views.view == 0)))
    p = head(views.x[rows])
    said = rule.answer(p, named[rows], second_pass(net, head, told, items, films.truth, views, rows, p, named[rows], rule.upright))
    return Fit(rule, head, views.film[rows], views.view[rows], said, p.max(1), p.argmax(1))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--joined", type=Path, required=True, help="manifest.csv that films.py wrote from films.csv")
    parser.add_argument("--work", type=Path, required=True, help="folder of build.py")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="folder with plainview.pb, for upright.json")
    parser.add_argument("--seed", type=int, default=1, help="that of build.py")
    return parser.parse_args()


def main() -> None:
    args = parse()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    classes = read_classes()
    told = np.array([name not in UNTOLD for name in classes])
    films = read_films(args, classes, told)
    source = np.array([item.source for item in films.items])
    held = films.home & (np.isin(source, UNSEEN) | (films.fold == 0))
    never, first = np.isin(source, list(ONLY_MEASURED)), np.isin(source, list(LEFT_OUT))
    second = ~films.home & ~never & ~first
    group = np.select([held, first, second, never], ["home, and two sources", "half of the collections", "the other half", "four that nothing was trained on"], "")
    final = load(args.work / "final.pt", classes).eval()
    if final.stem.conv.weight.detach().numpy().transpose(2, 3, 1, 0).tobytes() not in (args.out / "plainview.pb").read_bytes():
        raise SystemExit("plainview.pb has other weights than the network that the head is fitted to")
    # Each network, the films that it has seen, and those of others: see build.py.
    fits = [
        fit_and_ask(net, films, told, learn, ask, args.work)
        for net, learn, ask in (
            (load(args.work / "measured.pt", classes).eval(), films.home & ~held | second, held | first),
            (load(args.work / "measured-2.pt", classes).eval(), films.home & ((films.fold != 0) | np.isin(source, UNSEEN)) | first, second),
            (final, ~never, never),
        )
    ]
    film, answer, right, score, best = (np.concatenate([getattr(one, name) for one in fits]) for name in ("film", "said", "shown", "score", "best"))
    inside = films.is_told[film]
    strange = answer[~inside]
    film, answer, right, score, best = (column[inside] for column in (film, answer, right, score, best))
    label = np.array([item.label for item in films.items])[film]

    def by(column: np.ndarray, names: list) -> dict:
        return {str(name): figures(answer[column == name], right[column == name]) for name in names}

    wrong = np.flatnonzero((answer >= 0) & (answer != right))
    rule, head = fits[-1].rule, fits[-1].head
    report = {
        "rules": [one.rule.__dict__ for one in fits],
        "all": figures(answer, right),
        "untold": {"n": len(strange), "saidUpright": int((strange == 0).sum()), "saidTurned": int((strange > 0).sum())},
        "confusion": [[int(((right == t) & (answer == a)).sum()) for a in (0, 1, 2, 3, -1)] for t in range(4)],
        "forced": float((best == right).mean()),
        "groups": by(group[film], [name for name in dict.fromkeys(group[film])]),
        "sources": by(source[film], sorted(set(source[film]))),
        "categories": {classes[int(k)]: f for k, f in by(label, sorted(set(label))).items()},
        "failures": [
            {"id": films.items[film[n]].id, "category": classes[label[n]], "shown": int(right[n]) * 90, "said": int(answer[n]) * 90, "score": float(score[n])}
            for n in wrong
        ],
    }
    (args.work / "upright-report.json").write_text(json.dumps(report, indent=1))
    features = subprocess.run(["npx", "tsx", "scripts/features-hash.ts", args.out / "plainview.pb"], cwd=HERE.parents[1], check=True, capture_output=True, text=True)
    (args.out / "upright.json").write_text(json.dumps({
        "features": features.stdout.strip(), "categories": [name for name, one in zip(classes, told) if one], "thresholds": rule.__dict__, **stored(head),
    }, indent=1) + "\n")
    print(table(report))


def stored(head: Head) -> dict[str, str]:
    """Little-endian float32, base64; the weights [inputs, outputs]."""
    return {name: base64.b64encode(value.astype("<f4").tobytes()).decode() for name, value in head.__dict__.items()}


if __name__ == "__main__":
    main()
