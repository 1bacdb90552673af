"""Synthetic pictures that belong to no category: test patterns, empty plates, plates with several exposures.
The training uses them as `other`. No measurement uses them."""
from __future__ import annotations

import cv2
import numpy as np

from data import SIDE

Rng = np.random.Generator


def mosaic(pictures: list[np.ndarray], rng: Rng) -> np.ndarray:
    """Two or four different exposures on one plate: uint8 [h, w] each -> uint8 [448, 448]."""
    size = 2 * SIDE
    plate = np.full((size, size), int(rng.choice([0, 20, 255])), np.uint8)
    if len(pictures) >= 4:
        cells = [(0, 0, SIDE, SIDE), (SIDE, 0, SIDE, SIDE), (0, SIDE, SIDE, SIDE), (SIDE, SIDE, SIDE, SIDE)]
    else:
        cells = [(0, 0, SIDE, size), (SIDE, 0, SIDE, size)]
        if rng.random() < 0.4:
            cells = [(y, x, h, w) for x, y, w, h in cells]
    for picture, (x, y, w, h) in zip(pictures, cells):
        factor = min(w / picture.shape[1], h / picture.shape[0]) * rng.uniform(0.8, 1.0)
        wide, high = max(1, int(picture.shape[1] * factor)), max(1, int(picture.shape[0] * factor))
        small = cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA)
        x0, y0 = x + (w - wide) // 2, y + (h - high) // 2
        plate[y0:y0 + high, x0:x0 + wide] = small
    return plate


def _wedge(v: np.ndarray, rng: Rng) -> None:
    steps = int(rng.integers(2, 24))
    band = np.floor(np.linspace(0, steps - 1e-3, v.shape[1])) * (255 / max(1, steps - 1))
    top = int(rng.uniform(0, 0.8) * v.shape[0])
    v[top:top + int(rng.uniform(0.1, 1) * v.shape[0])] = band.astype(np.float32)


def _bars(v: np.ndarray, rng: Rng) -> None:
    size = v.shape[0]
    y, x = np.mgrid[:size, :size].astype(np.float32)
    period, angle = rng.uniform(3, 80), rng.uniform(0, np.pi)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    if rng.random() < 0.4:
        wave *= np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / period)
    wave = np.sign(wave) if rng.random() < 0.6 else wave
    x0, y0, x1, y1 = (int(c) for c in rng.integers(0, size, 4))
    part = (slice(min(y0, y1), max(y0, y1) + 1), slice(min(x0, x1), max(x0, x1) + 1)) if rng.random() < 0.6 else (slice(None), slice(None))
    v[part] = (128 + rng.uniform(30, 127) * wave)[part]


def _shapes(v: np.ndarray, rng: Rng) -> None:
    size = v.shape[0]
    for _ in range(int(rng.integers(1, 12))):
        ink, line = float(rng.uniform(0, 255)), int(rng.choice([-1, 1, 2, 5]))
        a, b = tuple(int(c) for c in rng.integers(0, size, 2)), tuple(int(c) for c in rng.integers(0, size, 2))
        kind = rng.integers(0, 3)
        if kind == 0:
            cv2.circle(v, a, int(rng.integers(4, size // 2)), ink, line)
        elif kind == 1:
            cv2.rectangle(v, a, b, ink, line)
        else:
            cv2.line(v, a, b, ink, max(1, line))


def _text(v: np.ndarray, rng: Rng) -> None:
    letters = np.array(list("ABCDEFGHIKLMNOPRSTUVWXYZabcdefghiklmnoprstuvwxyz0123456789   .:/-"))
    ink, line = float(rng.choice([0, 255])), int(rng.integers(12, 40))
    for y in range(line, v.shape[0], line):
        cv2.putText(v, "".join(rng.choice(letters, int(rng.integers(5, 40)))), (int(rng.integers(0, 40)), y), cv2.FONT_HERSHEY_SIMPLEX, line / 40, ink, 1)


def _grid(v: np.ndarray, rng: Rng) -> None:
    step, ink = int(rng.integers(8, 90)), float(rng.choice([0, 255, rng.uniform(0, 255)]))
    v[::step] = ink
    v[:, ::step] = ink


def pattern(rng: Rng) -> np.ndarray:
    """A technical picture: wedges, bars, grids, shapes, text, noise, or an empty plate: uint8 [448, 448]."""
    size = 2 * SIDE
    v = np.full((size, size), rng.uniform(0, 255), np.float32)
    if rng.random() < 0.4:
        slope = np.linspace(-1, 1, size, dtype=np.float32) * np.float32(rng.uniform(0, 128))
        v += slope[:, None] if rng.random() < 0.5 else slope
    for draw in rng.permutation(np.array([_wedge, _bars, _shapes, _text, _grid], object))[: int(rng.integers(0, 4))]:
        draw(v, rng)
    if rng.random() < 0.3:
        v = cv2.GaussianBlur(v, (0, 0), rng.uniform(1, 30))
    v += rng.standard_normal(v.shape, np.float32) * np.float32(rng.gamma(1, 12))
    return np.clip(v, 0, 255).astype(np.uint8)
