"""The folds' networks on their own held-out pictures, each picture made harder in one known way.

    python model/training/stress.py --manifest manifest.csv --work WORK

Prints a table; writes WORK/stress.json. Needs the folds of build.py in WORK, dealt with the same seed.
"""
from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from data import folds, read_classes, read_grey, read_manifest, resize_like_tf1, to_input
from measure import Thresholds, outcome, softmax
from network import MobileNet
from train import DECUBITUS, as_tensor

Rng = np.random.Generator


def _large_and_grainy(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """Enlarged sixfold with noise in every pixel, as a full-size rendering is read at single points."""
    large = cv2.resize(grey, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return np.clip(large + rng.standard_normal(large.shape, np.float32) * 12, 0, 255).astype(np.uint8)


def _small(grey: np.ndarray, _: Rng) -> np.ndarray:
    factor = 120 / max(grey.shape)
    return cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def _bordered(grey: np.ndarray, _: Rng) -> np.ndarray:
    side = int(max(grey.shape) * 1.25)
    down, right = side - grey.shape[0], side - grey.shape[1]
    return cv2.copyMakeBorder(grey, down // 2, down - down // 2, right // 2, right - right // 2, cv2.BORDER_CONSTANT, value=0)


HARDER: dict[str, Callable[[np.ndarray, Rng], np.ndarray]] = {
    "as it is": lambda grey, _: grey,
    "inverted": lambda grey, _: 255 - grey,
    "dark (a quarter of the grey)": lambda grey, _: (grey // 4).astype(np.uint8),
    "gamma 2": lambda grey, _: (255 * (grey / 255.0) ** 2).astype(np.uint8),
    "gamma 1/2": lambda grey, _: (255 * (grey / 255.0) ** 0.5).astype(np.uint8),
    "enlarged, noise at every pixel": _large_and_grainy,
    "small (120 pixels)": _small,
    "in a black square": _bordered,
    "mirrored": lambda grey, _: np.ascontiguousarray(grey[:, ::-1]),
    "upside down": lambda grey, _: np.ascontiguousarray(np.rot90(grey, 2)),
    "quarter turn": lambda grey, _: np.ascontiguousarray(np.rot90(grey)),
}


@torch.no_grad()
def scores_of(net: MobileNet, pictures: list[np.ndarray]) -> np.ndarray:
    """uint8 [h, w] each -> [n, classes]."""
    result = []
    for first in range(0, len(pictures), 32):
        grey = np.stack([to_input(resize_like_tf1(p)) for p in pictures[first:first + 32]])
        result.append(net(as_tensor(grey)).numpy())
    return np.concatenate(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    classes = read_classes()
    items = read_manifest(args.manifest, classes)
    labels = np.array([item.label for item in items])
    report = json.loads((args.work / "report.json").read_text())
    rule, other = Thresholds(**report["rule"]), classes.index("other")
    fold = folds(items, len(report["folds"]), report["seed"])
    p = {name: np.zeros((len(items), len(classes))) for name in HARDER}
    for k, temperature in enumerate(report["foldTemperatures"]):
        net = MobileNet(len(classes))
        net.load_state_dict(torch.load(args.work / f"fold{k}.pt", weights_only=True))
        net.eval()
        inside = np.flatnonzero(fold == k)
        for name, harder in HARDER.items():
            pictures = [harder(read_grey(items[i].path), np.random.default_rng(i)) for i in inside]
            p[name][inside] = softmax(scores_of(net, pictures), temperature)
    present = [c for c in range(len(classes)) if c not in (other, classes.index(DECUBITUS))]
    found = {}
    for name, scores in p.items():
        right = scores.argmax(1) == labels
        found[name] = {
            "accuracy30": float(right[labels != other].mean()), "balanced30": float(np.mean([right[labels == c].mean() for c in present])),
            **outcome(scores, labels, rule, other),
        }
        row = found[name]
        print(f"| {name} | {row['accuracy30']:.1%} | {row['balanced30']:.1%} | {row['labelled']:.1%} | {row['right']:.1%} | {row['caught']:.1%} |")
    (args.work / "stress.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
