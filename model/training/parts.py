"""Pictures made by cutting and pasting known films: a joint cut out of its film, and hard examples of `other`:
long films, both sides on one plate, parts that are not the view. No measurement uses them."""
from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator
Joint = tuple[float, float]  # as shares of width and height

# Films of these categories, one below the other, make a long film. It belongs to no category.
COLUMNS = (
    ("cervical_spine_ap", "thoracic_spine_ap", "lumbar_spine_ap"),
    ("cervical_spine_lateral", "thoracic_spine_lateral", "lumbar_spine_lateral"),
    ("thoracic_spine_ap", "lumbar_spine_ap", "pelvis_ap"),
    ("chest_pa_ap", "abdomen_ap"),
    ("chest_lateral", "lumbar_spine_lateral"),
    ("pelvis_ap", "knee_ap", "ankle_ap"),
    ("pelvis_ap", "knee_ap"),
    ("knee_ap", "ankle_ap"),
    ("knee_lateral", "ankle_lateral"),
    ("shoulder_ap", "elbow_ap"),
    ("elbow_ap", "wrist_ap"),
    ("elbow_lateral", "wrist_lateral"),
)
# Of the bones above and below a joint: which are a mere shaft as far as the film goes.
SHAFTS = {
    "knee_ap": slice(0, 2), "knee_lateral": slice(0, 2), "elbow_ap": slice(0, 2), "elbow_lateral": slice(0, 0),
    "ankle_ap": slice(0, 1), "ankle_lateral": slice(0, 1), "wrist_ap": slice(1, 2), "wrist_lateral": slice(1, 2),
}
# Both sides on one plate keep the category here: the manifest has such plates.
BOTH_SIDES = ("knee_ap", "hand_ap", "foot_ap", "foot_oblique", "patella_axial")


def joint_crop(grey: np.ndarray, joint: Joint, rng: Rng) -> np.ndarray:
    """A square around the joint, as data sets of knees show it. It keeps the category."""
    h, w = grey.shape
    side = int(np.exp(rng.uniform(np.log(0.34), np.log(0.95))) * min(h, w))
    middle = np.array(joint) * (w, h) + rng.normal(0, 0.06, 2) * side
    x, y = (np.clip(middle - side / 2, 0, (w - side, h - side))).astype(int)
    return grey[y:y + side, x:x + side]


def column(films: list[np.ndarray], rng: Rng) -> np.ndarray:
    """Films one below the other with soft seams."""
    wide = 224
    rows: list[np.ndarray] = []
    for film in films:
        h, w = film.shape
        film = film[int(rng.uniform(0, 0.08) * h):int(rng.uniform(0.92, 1) * h), int(rng.uniform(0, 0.06) * w):int(rng.uniform(0.94, 1) * w)]
        rows.append(cv2.resize(film, (wide, max(32, int(film.shape[0] * wide / film.shape[1]))), interpolation=cv2.INTER_AREA).astype(np.float32))
    result = rows[0]
    for row in rows[1:]:
        seam = int(rng.uniform(0, 0.25) * min(len(result), len(row)))
        fade = np.linspace(0, 1, seam, dtype=np.float32)[:, None]
        mixed = result[len(result) - seam:] * (1 - fade) + row[:seam] * fade
        result = np.concatenate([result[:len(result) - seam], mixed, row[seam:]])
    return result.astype(np.uint8)


def pair(one: np.ndarray, two: np.ndarray, rng: Rng) -> np.ndarray:
    """A film beside one of the other side of the body."""
    two = np.fliplr(two) if rng.random() < 0.8 else two
    high = max(one.shape[0], two.shape[0])
    both = [cv2.resize(film, (max(1, int(film.shape[1] * high / film.shape[0])), high), interpolation=cv2.INTER_LINEAR) for film in (one, two)]
    gap = np.full((high, int(rng.choice([0, 0, 2, rng.integers(3, 30)]))), int(rng.choice([0, 20, 255])), np.uint8)
    return np.concatenate([both[0], gap, both[1]], 1)


def part(grey: np.ndarray, category: str, joint: Joint | None, rng: Rng) -> np.ndarray | None:
    """A piece of the film in which the view cannot be seen: a shaft beside a joint, one hip, one lung, toes, teeth.
    None if the category has no such piece."""
    h, w = grey.shape

    def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
        return grey[int(max(0, top) * h):int(min(1, bottom) * h), int(max(0, left) * w):int(min(1, right) * w)]

    if joint is not None:
        away, half = rng.uniform(0.14, 0.2), rng.uniform(0.2, 0.5)
        shafts = [(0.0, joint[1] - away), (joint[1] + away, 1.0)][SHAFTS[category]]
        top, bottom = max(shafts, key=lambda span: span[1] - span[0], default=(0.0, 0.0))
        return box(joint[0] - half, top, joint[0] + half, bottom) if bottom - top > 0.2 else None
    if category == "pelvis_ap":
        edge = rng.uniform(0.4, 0.52)
        return box(0, rng.uniform(0, 0.4), edge, 1) if rng.random() < 0.5 else box(1 - edge, rng.uniform(0, 0.4), 1, 1)
    if category == "chest_pa_ap":
        if rng.random() < 0.4:
            return box(0, 0, 1, rng.uniform(0.25, 0.4))
        edge, top = rng.uniform(0.35, 0.5), rng.uniform(0, 0.4)
        return box(0, top, edge, 1) if rng.random() < 0.5 else box(1 - edge, top, 1, 1)
    if category == "abdomen_ap":
        x, y = rng.choice([rng.uniform(0, 0.12), rng.uniform(0.43, 0.55)]), rng.uniform(0, 0.5)  # the middle would be a lumbar spine
        return box(x, y, x + 0.45, y + 0.5)
    if category == "panoramic_radiograph":
        wide, x = rng.uniform(0.12, 0.35), rng.uniform(0.1, 0.6)
        return box(x, 0.25, x + wide, rng.uniform(0.65, 0.9))
    return None


def jigsaw(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """The film's tiles in another order: its textures without its shape."""
    count = int(rng.integers(3, 6))
    h, w = (size // count for size in grey.shape)
    tiles = [grey[y * h:(y + 1) * h, x * w:(x + 1) * w] for y in range(count) for x in range(count)]
    order = rng.permutation(len(tiles))
    return np.block([[tiles[order[y * count + x]] for x in range(count)] for y in range(count)])
