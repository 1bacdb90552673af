"""Which way up a radiograph is: fits model/upright.json, and measures it. See README.md.

    python model/training/upright.py --manifest DATA/manifest.csv --work WORK --out model

Orientation needs no labels: a known-upright film, turned, is a labelled one. The head is linear in three numbers of each
channel of the network's last feature maps: the mean, and the first moments over rows and over columns.
"""
from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import cv2
import numpy as np
import torch

from build import UNSEEN
from data import HERE, Item, folds, read_classes, read_grey, read_joints, read_manifest, resize_like_tf1, to_input
from look import another_look
from measure import wilson
from network import MobileNet
from pages import exported, photographed
from parts import joint_crop
from train import as_tensor, load

# Categories without a canonical "up", or with too few films to tell.
UNTOLD = {
    "other", "abdomen_left_lateral_decubitus", "elbow_lateral", "finger_ap", "finger_lateral", "patella_axial",
    "oblique_view_of_Lauenstein", "cervical_spine_ap",
}
CROPS = 4  # altered versions of a film with a joint; others have one
MOST_FALSE_ALARMS = 0.003  # on the films that fit the head; the goal is 0.5 % on others
LEAST_RIGHT = 0.995
GRID = [round(t, 3) for t in (*np.arange(0.5, 0.95, 0.05), 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)]


def read_truth(path: Path = HERE / "upright.csv") -> dict[str, int]:
    """Clockwise quarter turns that bring a film of the manifest upright, where it is not."""
    with path.open(newline="") as file:
        return {row["id"]: int(row["turned"]) // 90 for row in csv.DictReader(file)}


@dataclass(frozen=True)
class Views:
    """Each film of the manifest turned by its truth, then counter-clockwise by 0 to 3 quarters."""

    x: np.ndarray  # [n, 3 * channels]
    film: np.ndarray  # [n]
    view: np.ndarray  # [n]; the clockwise quarter turns that bring it upright


def turned(picture: np.ndarray, quarters: int) -> np.ndarray:
    """Counter-clockwise."""
    return np.ascontiguousarray(np.rot90(picture, quarters))


@torch.no_grad()
def moments(net: MobileNet, inputs: np.ndarray) -> np.ndarray:
    """[n, 224, 224] -> mean, moment over rows, moment over columns of each channel: [n, 3 * channels]."""
    maps = net.stem(as_tensor(inputs))
    for depthwise, pointwise in zip(net.depthwise, net.pointwise):
        maps = pointwise(depthwise(maps))
    rows, columns = (torch.linspace(-1, 1, size) for size in maps.shape[2:])
    parts = [maps.mean((2, 3)), (maps * rows[:, None]).mean((2, 3)), (maps * columns).mean((2, 3))]
    return torch.cat(parts, 1).numpy()


def plain(item: Item, _: list[Item]) -> list[list[np.ndarray]]:
    """The film in its four orientations."""
    grey = read_grey(item.path)
    return [[turned(grey, k) for k in range(4)]]


def altered(item: Item, items: list[Item]) -> list[list[np.ndarray]]:
    """The film as it may come from elsewhere: a crop around its joint, other greys, inverted, on a page, photographed."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:8], "little"))
    whole, at = read_grey(item.path), read_joints().get(item.id)
    versions = []
    for _ in range(1 if at is None else CROPS):
        grey = whole if at is None else joint_crop(whole, at, rng)
        if rng.random() < 0.4:
            grey = another_look(grey, read_grey(items[int(rng.integers(len(items)))].path), rng)
        if rng.random() < 0.2:
            grey = 255 - grey
        views = [turned(grey, k) for k in range(4)]
        if rng.random() < 0.3:
            page = exported if rng.random() < 0.5 else photographed
            views = [page(view, rng) for view in views]  # what is written there stays upright
        versions.append(views)
    return versions


def views_of(net: MobileNet, items: list[Item], truth: dict[str, int], work: Path, made: Callable[[Item, list[Item]], list[list[np.ndarray]]] = plain) -> Views:
    """Read from WORK where they were computed before: one inference for each view takes a while."""
    weights = b"".join(value.numpy().tobytes() for value in net.state_dict().values())
    kept = work / f"upright-{hashlib.sha256(weights).hexdigest()[:16]}-{made.__name__}.npz"
    if not kept.exists():
        parts, keys = [], []
        for n, item in enumerate(items):
            for views in made(item, items):
                parts.append(moments(net, np.stack([to_input(resize_like_tf1(view)) for view in views])).astype(np.float16))
                keys += [(n, k) for k in range(4)]
        np.savez(kept, x=np.concatenate(parts), keys=keys, ids=[item.id for item in items])
    stored = np.load(kept)
    if [str(i) for i in stored["ids"]] != [item.id for item in items]:
        raise SystemExit(f"{kept} belongs to other pictures. Delete it.")
    film, view = stored["keys"].T
    quarters = np.array([truth.get(item.id, 0) for item in items])[film]
    return Views(stored["x"].astype(np.float32), film, (view + quarters) % 4)


def is_named(net: MobileNet, x: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Whether the network's best category is one of which orientation is told. The first numbers are what its last layer takes."""
    weights, bias = (value.detach().numpy() for value in (net.head.weight, net.head.bias))
    return told[(x[:, : weights.shape[1]] @ weights.T + bias).argmax(1)]


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
        """-1: cannot tell. `confirmed`: what is said to be turned is upright, and named, once it is turned back."""
        best, score = p.argmax(1), p.max(1)
        return np.where(np.where(best == 0, named & (score >= self.upright), confirmed & (score >= self.turned)), best, -1)


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
    return (p[back].argmax(1) == 0) & (p[back].max(1) >= least) & named[back]


def choose(p: np.ndarray, named: np.ndarray, views: Views, rows: np.ndarray) -> Rule:
    """The least thresholds that keep to the limits."""
    truth = views.view[rows]
    for upright in GRID:
        said = named & (p.argmax(1) == 0) & (p.max(1) >= upright)
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
    net: MobileNet, head: Head, told: np.ndarray, items: list[Item], truth: dict[str, int], views: Views, rows: np.ndarray, p: np.ndarray, least: float,
) -> np.ndarray:
    """As the service does it: the prepared input is turned back, and passes the network once more."""
    confirmed = np.zeros(len(rows), bool)
    best = p.argmax(1)
    for n in np.flatnonzero(best > 0):
        item = items[views.film[rows[n]]]
        shown = turned(read_grey(item.path), int(views.view[rows[n]] - truth.get(item.id, 0)) % 4)
        back = turned(to_input(resize_like_tf1(shown)), -int(best[n]))
        x = moments(net, back[None])
        confirmed[n] = head(x)[0].argmax() == 0 and head(x).max() >= least and is_named(net, x, told)[0]
    return confirmed


def table(report: dict) -> str:
    """The tables of docs/orientation.md, as Markdown."""
    confusion = ["| must be turned by | said 0° | 90° | 180° | 270° | cannot tell |", "|---|---|---|---|---|---|"]
    confusion += [f"| {90 * turn}° | {' | '.join(map(str, row))} |" for turn, row in enumerate(report["confusion"])]
    lines = ["| pictures | upright films | told | right of the told | false alarms | turned ones that are found |", "|---|---|---|---|---|---|"]
    for name, f in {"all": report["all"], **report["sources"], **report["categories"]}.items():
        lines.append(f"| {name} | {f['upright']} | {100 * f['told']:.1f} | {100 * f['right']:.1f} | {f['falseAlarms']} | {100 * f['turnedFound']:.1f} |")
    return "\n".join([*confusion, "", *lines])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of build.py")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="folder with plainview.pb, for upright.json")
    parser.add_argument("--measured", type=Path, help="default: WORK/measured.pt")
    parser.add_argument("--final", type=Path, help="the weights of OUT/plainview.pb; default: WORK/final.pt")
    parser.add_argument("--seed", type=int, default=1, help="that of build.py")
    return parser.parse_args()


def main() -> None:
    args = parse()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    classes = read_classes()
    items = read_manifest(args.manifest, classes)
    truth = read_truth()
    told = np.array([name not in UNTOLD for name in classes])
    is_told = told[[item.label for item in items]]
    fold = folds(items, 4, args.seed)
    held = np.array([item.source in UNSEEN or f == 0 for item, f in zip(items, fold)])

    net = load(args.measured or args.work / "measured.pt", classes).eval()
    views = views_of(net, items, truth, args.work)
    learn = np.flatnonzero(is_told[views.film] & ~held[views.film])
    test = np.flatnonzero(held[views.film] & (is_told[views.film] | (views.view == 0)))
    named = is_named(net, views.x, told)
    made = views_of(net, items, truth, args.work, altered)
    rule = choose(crossed(views, made, is_told & ~held, fold), named[learn], views, learn)
    head = fitted(views, made, is_told & ~held)
    p = head(views.x[test])
    confirmed = second_pass(net, head, told, items, truth, views, test, p, rule.upright)
    answer, right = rule.answer(p, named[test], confirmed), views.view[test]
    inside = is_told[views.film[test]]
    strange = answer[~inside]
    p, answer, right, test = p[inside], answer[inside], right[inside], test[inside]
    label = np.array([items[f].label for f in views.film[test]])
    source = np.array([items[f].source for f in views.film[test]])

    wrong = [n for n in np.flatnonzero((answer >= 0) & (answer != right))]
    report = {
        "rule": rule.__dict__,
        "all": figures(answer, right),
        "untold": {"n": len(strange), "saidUpright": int((strange == 0).sum()), "saidTurned": int((strange > 0).sum())},
        "confusion": [[int(((right == t) & (answer == a)).sum()) for a in (0, 1, 2, 3, -1)] for t in range(4)],
        "onePass": figures(rule.answer(p, named[test], np.ones(len(p), bool)), right), "forced": float((p.argmax(1) == right).mean()),
        "sources": {name: figures(answer[source == name], right[source == name]) for name in sorted(set(source))},
        "categories": {classes[k]: figures(answer[label == k], right[label == k]) for k in sorted(set(label))},
        "failures": [{"id": items[views.film[test[n]]].id, "category": classes[label[n]], "shown": int(right[n]) * 90, "said": int(answer[n]) * 90, "score": float(p[n].max())} for n in wrong],
    }
    (args.work / "upright-report.json").write_text(json.dumps(report, indent=1))

    final = load(args.final or args.work / "final.pt", classes).eval()
    graph = args.out / "plainview.pb"
    if final.stem.conv.weight.detach().numpy().transpose(2, 3, 1, 0).tobytes() not in graph.read_bytes():
        raise SystemExit(f"{graph} has other weights than the network that the head is fitted to")
    views = views_of(final, items, truth, args.work)
    made = views_of(final, items, truth, args.work, altered)
    features = subprocess.run(["npx", "tsx", "scripts/features-hash.ts", graph], cwd=HERE.parents[1], check=True, capture_output=True, text=True)
    (args.out / "upright.json").write_text(json.dumps({
        "features": features.stdout.strip(), "categories": [name for name, one in zip(classes, told) if one], "thresholds": rule.__dict__,
        **stored(fitted(views, made, is_told)),
    }, indent=1) + "\n")
    print(table(report))


def stored(head: Head) -> dict[str, str]:
    """Little-endian float32, base64; the weights [inputs, outputs]."""
    return {name: base64.b64encode(value.astype("<f4").tobytes()).decode() for name, value in head.__dict__.items()}


if __name__ == "__main__":
    main()
