"""The manifest, the pictures, the patient-grouped folds: everything about the data, nothing about the network.

The manifest is a CSV with at least the columns id, file, label, source, patient; `file` is relative to
the manifest. Pictures are read in place and never copied.
"""
from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

SIDE = 224
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Item:
    """One picture of the manifest; `label` is the index of its line in classes.txt."""

    id: str
    path: Path
    label: int
    source: str
    patient: str


def read_classes(path: Path = HERE.parent / "classes.txt") -> list[str]:
    """The category names, in the order of the network's outputs."""
    return path.read_text().split()


def read_manifest(path: Path, classes: list[str], corrections: Path = HERE / "corrections.csv") -> list[Item]:
    """The manifest's pictures, with the corrected labels; the label `drop` leaves a picture out."""
    mended: dict[str, str] = {}
    if corrections.exists():
        with corrections.open(newline="") as file:
            mended = {row["id"]: row["label"] for row in csv.DictReader(file)}
    items: list[Item] = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            label = mended.get(row["id"], row["label"])
            if label == "drop":
                continue
            items.append(Item(row["id"], path.parent / row["file"], classes.index(label), row["source"], row["patient"]))
    return items


def read_joints(path: Path = HERE / "joints.csv") -> dict[str, tuple[float, float]]:
    """Where the joint lies in a film that shows one joint, as shares of width and height."""
    with path.open(newline="") as file:
        return {row["id"]: (float(row["x"]), float(row["y"])) for row in csv.DictReader(file)}


def read_fronts(path: Path = HERE / "joints.csv") -> dict[str, str]:
    """Of upright lateral knees: the side of the film on which the kneecap lies, `L` or `R`."""
    with path.open(newline="") as file:
        return {row["id"]: row["front"] for row in csv.DictReader(file) if row["front"]}


def read_grey(path: Path) -> np.ndarray:
    """One picture as uint8 [height, width]."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"cannot read {path}")
    return picture


def resize_like_tf1(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """TensorFlow 1's resize_bilinear (align_corners and half_pixel_centers false): [h, w] uint8 -> [side, side] float32.

    This is what NNCPR's label_image.py feeds its network. Tap i reads at i * (in / out) in float32, without
    antialiasing; the neighbour beyond the last row or column is that row or column itself.
    """

    def taps(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = np.arange(side, dtype=np.float32) * (np.float32(size) / np.float32(side))
        low = np.floor(at).astype(np.int64)
        return low, np.minimum(low + 1, size - 1), at - low.astype(np.float32)

    (top, bottom, fy), (left, right, fx) = taps(picture.shape[0]), taps(picture.shape[1])
    grey = picture.astype(np.float32)
    upper = grey[top][:, left] + (grey[top][:, right] - grey[top][:, left]) * fx
    lower = grey[bottom][:, left] + (grey[bottom][:, right] - grey[bottom][:, left]) * fx
    return upper + (lower - upper) * fy[:, None]


def to_input(grey: np.ndarray) -> np.ndarray:
    """[..., 224, 224] grey 0..255 -> the network's float32 scale, (v - 128) / 128."""
    return (grey.astype(np.float32) - 128.0) / 128.0


def folds(items: list[Item], count: int, seed: int) -> np.ndarray:
    """A fold number per picture, no patient in two folds, each category spread evenly: int64 [n].

    Patients are dealt out greedily, those with the rarest category first, each to the fold that has
    fewest of that category (then fewest pictures).
    """
    frequency = Counter(item.label for item in items)
    patients: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        patients[item.patient].append(index)
    order = sorted(patients)
    random.Random(seed).shuffle(order)
    rarest = {p: min((items[i].label for i in patients[p]), key=lambda k: (frequency[k], k)) for p in order}
    order.sort(key=lambda p: (frequency[rarest[p]], -len(patients[p])))
    per_class: list[Counter[int]] = [Counter() for _ in range(count)]
    total = [0] * count
    result = np.zeros(len(items), np.int64)
    for patient in order:
        fold = min(range(count), key=lambda f: (per_class[f][rarest[patient]], total[f]))
        for index in patients[patient]:
            result[index] = fold
            per_class[fold][items[index].label] += 1
            total[fold] += 1
    return result
