"""Held-out pictures as they may come from elsewhere, and how a network decides them.

    python model/training/elsewhere.py --manifest DATA/manifest.csv --network WORK/fold0.pt --fold 0

For measurement only. The training imports nothing from here. It makes such pictures too, but in other forms: other
distortions, fonts, arrows, margins, processing, and cuts at other places.
"""
from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from data import Item, folds, read_classes, read_grey, read_joints, read_manifest
from measure import Thresholds, softmax, summary
from train import DECUBITUS, load, score_pictures

Rng = np.random.Generator
FONTS = (cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
MOST = 20  # pictures of one category and kind


def _bytes(v: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(v), 0, 255).astype(np.uint8)


def photograph(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """A bent film before a light box with tubes, seen through a lens that distorts, with a window reflected in it."""
    h, w = grey.shape
    pad = int(rng.uniform(0.04, 0.22) * max(h, w))
    desk = cv2.GaussianBlur(rng.normal(90, 60, (h + 2 * pad, w + 2 * pad)).astype(np.float32), (0, 0), 2) if rng.random() < 0.5 else np.full((h + 2 * pad, w + 2 * pad), 245, np.float32)
    desk[pad:pad + h, pad:pad + w] = grey
    high, wide = desk.shape
    y, x = np.mgrid[-1:1:high * 1j, -1:1:wide * 1j].astype(np.float32)
    bend, barrel, lean = rng.uniform(-0.08, 0.08), rng.uniform(-0.06, 0.12), rng.uniform(-0.12, 0.12)
    r = x * x + y * y
    at_x, at_y = x * (1 - barrel * r) * (1 + lean * y) + bend * np.cos(1.5 * y), y * (1 - barrel * r) + bend * np.sin(1.2 * x)
    v = cv2.remap(desk, (at_x + 1) * (wide - 1) / 2, (at_y + 1) * (high - 1) / 2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    v = v * (0.8 + 0.15 * np.cos(x * np.pi * rng.uniform(2, 4))) * (1 - rng.uniform(0, 0.3) * np.abs(y))
    left, top = rng.uniform(0, 0.7) * wide, rng.uniform(0, 0.7) * high
    window = np.zeros_like(v)
    cv2.rectangle(window, (int(left), int(top)), (int(left + 0.3 * wide), int(top + 0.25 * high)), 1.0, -1)
    return _jpeg(_bytes(v * 0.9 + 60 * cv2.GaussianBlur(window, (0, 0), 6) + 10), 45)


def _jpeg(grey: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)


def page(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """A viewer's window or an article's figure: a list of small pictures, title, text, a solid arrow, a measured region."""
    h, w = grey.shape
    film, size, ink = grey.copy(), max(h, w) / 800, int(rng.choice([255, 0, 200]))
    font = int(rng.choice(FONTS))
    for line, text in enumerate(("Doe^Jane  F 1961", "2019-04-11 09:52:07", "DX  W 2048 L 1024", "kV 63 mAs 4.2")):
        cv2.putText(film, text, (6, int((line + 1) * 44 * size)), font, size, ink, 1, cv2.LINE_AA)
    cv2.putText(film, "Im: 1/2  Se: 3", (w // 2, h - 8), font, size, ink, 1, cv2.LINE_AA)
    tip, along = rng.uniform(0.25, 0.75, 2) * (w, h), rng.normal(0, 1, 2)
    along = along / np.linalg.norm(along) * 0.09 * max(h, w)
    cv2.fillConvexPoly(film, np.array([tip, tip + along + 0.4 * along[::-1] * (1, -1), tip + along - 0.4 * along[::-1] * (1, -1)]).astype(np.int32), ink)
    corner = (rng.uniform(0.1, 0.6, 2) * (w, h)).astype(int)
    cv2.rectangle(film, tuple(corner.tolist()), tuple((corner + 0.2 * min(h, w)).astype(int).tolist()), ink, 2)
    if rng.random() < 0.5:  # a viewer
        side, head = int(0.16 * w), int(0.07 * h)
        v = np.full((h + head, w + side), int(rng.choice([45, 200])), np.uint8)
        v[head:, side:] = film
        for k in range(4):
            small = cv2.resize(grey, (side - 6, side - 6), interpolation=cv2.INTER_AREA)
            top = head + 4 + k * side
            v[top:top + side - 6, 3:side - 3] = small[:max(0, len(v) - top)]
        for x in range(8, v.shape[1] - head, int(head * 1.4)):
            cv2.circle(v, (x + head // 2, head // 2), head // 3, int(rng.integers(256)), -1)
        return v
    margin = (rng.uniform(0.02, 0.28, 4) * max(h, w)).astype(int)
    v = cv2.copyMakeBorder(film, *margin.tolist(), cv2.BORDER_CONSTANT, value=255)
    for y in range(8, len(v), 14):  # lines of text beside the film
        if y < margin[0] - 8 or y > margin[0] + h + 10:
            cv2.putText(v, "lorem ipsum dolor sit amet consectetur adipiscing elit", (8, y), font, 0.35, 40, 1, cv2.LINE_AA)
    return v


def processed(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """Another maker's processing: the logarithm less its surroundings (retinex), or a histogram that is flat."""
    if rng.random() < 0.4:
        return cv2.equalizeHist(cv2.medianBlur(grey, 3))
    v = np.log1p(grey.astype(np.float32))
    v = v - rng.uniform(0.4, 0.8) * cv2.GaussianBlur(v, (0, 0), rng.uniform(0.08, 0.25) * max(v.shape))
    low, high = np.percentile(v, (2, 99))
    return _bytes(255 * np.clip((v - low) / max(1e-3, high - low), 0, 1) ** rng.uniform(0.8, 2.0))


def printed(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """An old film scanned from a book: steep curve, halftone dots, scratches; half of them inverted."""
    v = grey.astype(np.float32) / 255
    v = v ** rng.uniform(1.0, 1.8) / (v ** 1.4 + 0.5 ** 1.4)
    v = 255 * v / max(1e-3, float(v.max()))
    y, x = np.mgrid[:v.shape[0], :v.shape[1]].astype(np.float32)
    v = v + 22 * np.sin((x + y) * rng.uniform(1.2, 2.4)) * np.sin((x - y) * 1.9)
    for _ in range(int(rng.integers(0, 6))):
        a, b = (rng.uniform(0, 1, (2, 2)) * v.shape[::-1]).astype(int)
        cv2.line(v, tuple(a.tolist()), tuple(b.tolist()), 250.0, 1)
    result = _bytes(cv2.GaussianBlur(v, (0, 0), 0.8))
    return 255 - result if rng.random() < 0.5 else result


def inverted(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """White is black."""
    return 255 - grey


LOOKS: dict[str, Callable[[np.ndarray, Rng], np.ndarray]] = {
    "photographed": photograph, "on a page": page, "processed otherwise": processed, "printed": printed, "inverted": inverted,
}


def joint(grey: np.ndarray, middle: tuple[float, float], share: float) -> np.ndarray:
    """The square around a joint, at 224 pixels with a stretched contrast, as the OAI knees are published."""
    h, w = grey.shape
    side = int(share * min(h, w))
    x, y = (int(np.clip(m * size - side / 2, 0, size - side)) for m, size in zip(middle, (w, h)))
    crop = cv2.resize(grey[y:y + side, x:x + side], (224, 224), interpolation=cv2.INTER_CUBIC)
    return _bytes(255 * (crop.astype(np.float32) - crop.min()) / max(1, int(crop.max()) - int(crop.min())))


LONG = (
    ("cervical_spine_ap", "thoracic_spine_ap", "lumbar_spine_ap", "pelvis_ap"), ("thoracic_spine_lateral", "lumbar_spine_lateral"),
    ("cervical_spine_lateral", "thoracic_spine_lateral", "lumbar_spine_lateral"), ("pelvis_ap", "knee_ap", "ankle_ap"),
    ("knee_lateral", "ankle_lateral"), ("chest_pa_ap", "abdomen_ap"), ("elbow_ap", "wrist_ap"),
)
TWO_VIEWS = (("elbow_ap", "elbow_lateral"), ("wrist_ap", "wrist_lateral"), ("ankle_ap", "ankle_lateral"), ("knee_ap", "knee_lateral"),
             ("lumbar_spine_ap", "lumbar_spine_lateral"), ("cervical_spine_ap", "cervical_spine_lateral"), ("chest_pa_ap", "chest_lateral"), ("hand_ap", "hand_oblique"))
BOTH_SIDES = ("elbow_ap", "wrist_ap", "ankle_ap", "shoulder_ap", "elbow_lateral", "ankle_lateral", "knee_lateral", "wrist_lateral")


def joined(films: list[np.ndarray], across: bool) -> np.ndarray:
    """Films with hard seams, each stretched to the whole range."""
    size = 260
    rows = [film.T if across else film for film in films]
    rows = [cv2.resize(row, (size, int(size * row.shape[0] / row.shape[1])), interpolation=cv2.INTER_AREA) for row in rows]
    whole = np.concatenate([cv2.normalize(row, None, 0, 255, cv2.NORM_MINMAX) for row in rows])
    return np.ascontiguousarray(whole.T) if across else whole


def piece(grey: np.ndarray, category: str) -> np.ndarray | None:
    """A fixed part of a film that does not show its view."""
    h, w = grey.shape
    box = {"pelvis_ap": (0.55, 0.25, 1, 1), "chest_pa_ap": (0, 0.1, 0.42, 0.95), "abdomen_ap": (0.3, 0.55, 0.8, 1), "knee_ap": (0.15, 0.72, 0.85, 1),
           "knee_lateral": (0, 0, 1, 0.26), "ankle_ap": (0, 0, 1, 0.3), "panoramic_radiograph": (0.35, 0.3, 0.6, 0.85), "cervical_spine_lateral": (0, 0, 1, 0.3)}.get(category)
    return None if box is None else grey[int(box[1] * h):int(box[3] * h), int(box[0] * w):int(box[2] * w)]


def pictures_from(items: list[Item], classes: list[str], seed: int = 7) -> dict[str, list[tuple[np.ndarray, str]]]:
    """Per kind the pictures and their categories."""
    rng, joints = np.random.default_rng(seed), read_joints()
    films: dict[str, list[tuple[str, np.ndarray]]] = {}
    for index in rng.permutation(len(items)):
        mine = films.setdefault(classes[items[index].label], [])
        if len(mine) < (4 * MOST if classes[items[index].label] == "other" else MOST):
            mine.append((items[index].id, read_grey(items[index].path)))
    kinds = {name: [(change(film, rng), category) for category, all_ in sorted(films.items()) for _, film in all_] for name, change in LOOKS.items()}
    located = [(film, category, joints[key]) for category, all_ in sorted(films.items()) for key, film in all_ if key in joints]
    for share in (0.45, 0.6, 0.8):
        kinds[f"knee, {share:g} of the film"] = [(joint(film, at, share), c) for film, c, at in located if c == "knee_ap"]
        kinds[f"other joints, {share:g}"] = [(joint(film, at, share), c) for film, c, at in located if c != "knee_ap"]

    def any_of(category: str) -> np.ndarray:
        return films[category][int(rng.integers(len(films[category])))][1]

    def several(sets: tuple[tuple[str, ...], ...], across: bool) -> list[tuple[np.ndarray, str]]:
        return [(joined([any_of(c) for c in sets[k % len(sets)]], across), "other") for k in range(56) if all(c in films for c in sets[k % len(sets)])]

    kinds["long films"] = several(LONG, False)
    kinds["two views on one plate"] = several(TWO_VIEWS, True)
    kinds["both sides"] = [(np.hstack([film, np.fliplr(film)]), "other") for c in BOTH_SIDES for _, film in films.get(c, [])[:8]]
    cut = [piece(film, c) for c, all_ in sorted(films.items()) for _, film in all_[:8]]
    kinds["parts"] = [(film, "other") for film in cut if film is not None]
    kinds["as they are"] = [(film, c) for c, all_ in sorted(films.items()) for _, film in all_]
    return kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True, help="weights, .pt")
    parser.add_argument("--fold", type=int, default=0, help="the fold that the network never saw")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1, help="random seed of the folds")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--threshold", type=float, default=0.94)
    args = parser.parse_args()
    classes = read_classes()
    items = read_manifest(args.manifest, classes)
    asked = [item for item, fold in zip(items, folds(items, args.folds, args.seed)) if fold == args.fold]
    net, rule = load(args.network, classes), Thresholds(args.threshold, 0.0, min(0.5, args.threshold))
    for kind, made in pictures_from(asked, classes).items():
        labels = np.array([classes.index(category) for _, category in made])
        p = softmax(score_pictures(net, [picture for picture, _ in made]), args.temperature)
        print(json.dumps({"kind": kind, **summary(p, labels, rule, classes.index("other"), classes.index(DECUBITUS))}))


if __name__ == "__main__":
    main()
