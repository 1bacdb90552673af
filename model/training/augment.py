"""Random augmentation: what can change a radiograph between the detector and the network.

The last step is one bilinear sampling without antialiasing at `side` x `side` points, which ignores the aspect ratio.
The network gets its input in the same way later (NNCPR's label_image.py, side 224).
"""
from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator

# Probability of each rotation: (none, 90, 180, 270 degrees). Limbs lie on a detector in any direction. A trunk is
# sometimes rotated with the cassette. The machine for panoramic pictures cannot rotate them.
TURNS_LIMB = (0.55, 0.15, 0.15, 0.15)
TURNS_TRUNK = (0.86, 0.05, 0.04, 0.05)
TURNS_HALF = (0.95, 0.0, 0.05, 0.0)
TURNS_NONE = (1.0, 0.0, 0.0, 0.0)
LIMBS = ("elbow", "finger", "foot", "hand", "wrist", "knee", "ankle", "patella", "shoulder", "other")


def turns_of(category: str) -> tuple[float, float, float, float]:
    """The rotations of a category. A rotated abdomen looks like a decubitus, so it is rotated only by 180 degrees."""
    if category == "panoramic_radiograph" or category.endswith("decubitus"):
        return TURNS_NONE
    if category == "abdomen_ap":
        return TURNS_HALF
    return TURNS_LIMB if category.startswith(LIMBS) else TURNS_TRUNK


def may_mirror(category: str) -> bool:
    """A mirrored left decubitus is a right one; every other category has both sides or does not care."""
    return not category.endswith("decubitus")


def _sharpness(grey: np.ndarray, rng: Rng, side: int) -> np.ndarray:
    """Softer, sharper, or from a much smaller picture."""
    draw = rng.random()
    if draw < 0.15:
        return cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.5, 1.8))
    if draw < 0.45:
        soft = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.6, 2.0))
        amount = rng.uniform(0.3, 2.5)
        return cv2.addWeighted(grey, 1 + amount, soft, -amount, 0)
    if draw < 0.57:
        factor = rng.uniform(0.3, 1.0) * side / max(grey.shape)
        if factor < 1:
            return cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return grey


def _sample(grey: np.ndarray, rng: Rng, category: str, side: int) -> np.ndarray:
    """Crop or widen, turn a little, shear, squash: [h, w] -> [side, side], in one sampling.

    `other` is hardly cropped: a whole trunk is `other`, and the chest within it is not.
    """
    h, w = grey.shape
    limb = category.startswith(LIMBS)
    span = rng.uniform(0.9 if category == "other" else 0.72, 1.02) if rng.random() < 0.6 else rng.uniform(1.0, 1.5)
    lost = rng.random() < 0.12  # a small film somewhere on a large dark plate
    if rng.random() < 0.15:
        span = 1.0
    elif lost:
        span = rng.uniform(1.4, 2.8)
    wide, high = w * span * np.exp(rng.normal(0, 0.07)), h * span * np.exp(rng.normal(0, 0.07))
    if rng.random() < 0.25:  # the film is at a random place on a plate or page of another shape
        shape = np.exp(rng.uniform(np.log(0.6), np.log(1.7)))
        wide, high = min(max(wide, high * shape), 2.4 * wide), min(max(high, wide / shape), 2.4 * high)
    slack_x, slack_y = abs(w - wide) / 2 + 0.03 * w, abs(h - high) / 2 + 0.03 * h
    cx, cy = w / 2 + rng.uniform(-slack_x, slack_x), h / 2 + rng.uniform(-slack_y, slack_y)
    angle = np.deg2rad(rng.normal(0, 12 if limb else 5) if rng.random() < 0.7 else 0.0)
    shear = rng.normal(0, 0.04)
    turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    matrix = np.zeros((2, 3))
    matrix[:, :2] = turn @ np.diag([wide / side, high / side])
    matrix[:, 2] = np.array([cx, cy]) - turn @ np.array([wide / 2, high / 2])
    fill = float(rng.integers(0, 40)) if lost else float(rng.choice(np.array([0, 0, 0, np.median(grey[0]), grey.min(), rng.integers(0, 256)], float)))
    nearest = rng.random() < 0.2  # a large sharp picture read at few points is close to this
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR)
    edge = cv2.BORDER_REPLICATE if rng.random() < 0.15 else cv2.BORDER_CONSTANT
    return cv2.warpAffine(grey, matrix, (side, side), flags=flags, borderMode=edge, borderValue=fill)


def _collimate(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """Covers the area outside a rectangle, which may be tilted, with one grey."""
    side = len(grey)
    left, top = rng.uniform(0, 0.16, 2) * side
    right, bottom = side - rng.uniform(0, 0.16, 2) * side
    centre = ((left + right) / 2, (top + bottom) / 2)
    box = cv2.boxPoints((centre, (right - left, bottom - top), float(rng.normal(0, 3) if rng.random() < 0.5 else 0)))
    mask = np.zeros_like(grey)
    cv2.fillConvexPoly(mask, box.astype(np.int32), 255)
    shade = int(rng.choice(np.array([0, 0, 255, rng.integers(0, 256)])))
    return np.where(mask > 0, grey, np.uint8(shade))


def _exposure(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """Window, gamma, dark and pale films, heel effect, inverted greys: uint8 -> float32 0..255."""
    v = grey.astype(np.float32) / 255
    if rng.random() < 0.5:  # another window
        low, high = rng.uniform(-0.15, 0.25), rng.uniform(0.7, 1.2)
        v = np.clip((v - low) / (high - low), 0, 1)
    if rng.random() < 0.15:  # steep S curve of a film
        steep, middle = rng.uniform(4, 9), rng.uniform(0.35, 0.65)
        v = 1 / (1 + np.exp(-steep * (v - middle)))
    if rng.random() < 0.6:
        v = v ** np.exp(rng.uniform(-0.8, 0.8))
    if rng.random() < 0.15:
        y, x = np.mgrid[-1:1:len(v) * 1j, -1:1:len(v) * 1j].astype(np.float32)
        v = np.clip(v * (1 + rng.uniform(-0.4, 0.4) * x + rng.uniform(-0.4, 0.4) * y), 0, 1)
    draw = rng.random()
    if draw < 0.24:  # dark: windowed for something brighter on the film, a marker or metal
        v = v ** rng.uniform(0.8, 1.6)
        v = v * min(1.0, rng.uniform(0.08, 0.6) / max(0.01, float(np.percentile(v, 97))))
    elif draw < 0.34:  # pale, flat
        share = rng.uniform(0.3, 0.8)
        v = v * share + rng.uniform(0, 1 - share)
    if rng.random() < 0.18:
        v = 1 - v
    return v * 255


def _markers(v: np.ndarray, rng: Rng) -> np.ndarray:
    """Side letters, names and plates, burnt in."""
    side = len(v)
    for _ in range(int(rng.integers(1, 4))):
        text = str(rng.choice(["L", "R", "D", "E", "PA", "AP", "LAT", "1", "R LC", "12:41", "L SUPINE", "PORTABLE", "AXIAL"]))
        size, x, y = rng.uniform(0.25, 0.9) * side / 224, int(rng.uniform(0, 0.9) * side), int(rng.uniform(0.05, 1) * side)
        ink = float(rng.choice([255, 255, 235, 0, rng.uniform(0, 255)]))
        if rng.random() < 0.3:
            cv2.rectangle(v, (x - 2, y - int(18 * size) - 3), (x + int(14 * size) * len(text), y + 4), float(rng.uniform(0, 255)), -1)
        cv2.putText(v, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1 + int(size > 0.6), cv2.LINE_AA)
    return v


def _objects(v: np.ndarray, rng: Rng) -> np.ndarray:
    """Metal, cables, casts: a bright or dark line, plate or veil somewhere."""
    x0, y0, x1, y1 = (int(c) for c in rng.uniform(0, len(v), 4))
    if rng.random() < 0.5:
        cv2.line(v, (x0, y0), (x1, y1), float(rng.choice([255, 250, 20])), int(rng.integers(1, 7)), cv2.LINE_AA)
    else:
        half = rng.uniform(0.02, 0.12, 2) * len(v)
        cv2.ellipse(v, ((x0, y0), (float(half[0]), float(half[1])), float(rng.uniform(0, 180))), float(rng.uniform(0, 255)), -1)
    return v


def _noise(v: np.ndarray, rng: Rng) -> np.ndarray:
    """Quantum noise as single taps see it: stronger where fewer quanta arrive, or the same everywhere."""
    strength = rng.gamma(1.5, 4.0) * np.clip(np.percentile(v, 97) / 180, 0.1, 1.0)
    grain = rng.standard_normal(v.shape, np.float32) * np.float32(strength)
    if rng.random() < 0.5:
        grain *= np.sqrt(np.clip(v, 8, 255) / 128)
    return v + grain


def augment(grey: np.ndarray, category: str, rng: Rng, side: int, plain: float) -> np.ndarray:
    """One augmented picture: uint8 [h, w] -> uint8 [side, side]. A share `plain` of the pictures keeps its greys."""
    grey = np.rot90(grey, int(rng.choice(4, p=turns_of(category))))
    if may_mirror(category) and rng.random() < 0.5:
        grey = np.fliplr(grey)
    return altered(grey, category, rng, side, plain)


def altered(grey: np.ndarray, category: str, rng: Rng, side: int, plain: float) -> np.ndarray:
    """As `augment`, but neither turned nor mirrored."""
    if rng.random() < plain:
        return _sample(np.ascontiguousarray(grey), rng, category, side)
    grey = _sharpness(np.ascontiguousarray(grey), rng, side)
    grey = _sample(grey, rng, category, side)
    if rng.random() < 0.25:
        grey = _collimate(grey, rng)
    v = _exposure(grey, rng)
    if rng.random() < 0.3:
        v = _markers(v, rng)
    if rng.random() < 0.12:
        v = _objects(v, rng)
    if rng.random() < 0.5:
        v = _noise(v, rng)
    result = np.clip(np.rint(v), 0, 255).astype(np.uint8)
    if rng.random() < 0.08:
        result = _collimate(result, rng)
    if rng.random() < 0.2:
        _, packed = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        result = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    return result


def small_and_dark(grey: np.ndarray) -> np.ndarray:
    """A degraded copy for measurements, as in some archives: long side 128, a third as bright, clipped shadows."""
    factor = min(1.0, 128 / max(grey.shape))
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.rint(255 * 0.35 * (small.astype(np.float32) / 255) ** 1.5).astype(np.uint8)
