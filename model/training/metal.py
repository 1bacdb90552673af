"""Prostheses of knees, painted onto films: metal hides the bones that tell a knee, and many knees of an archive have it."""
from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator


def with_prosthesis(grey: np.ndarray, category: str, joint: tuple[float, float], front: str, rng: Rng) -> np.ndarray:
    """An upright `knee_ap` or `knee_lateral` with a total knee prosthesis. `front` is the side of the kneecap on a lateral film, `L` or `R`."""
    h, w = grey.shape
    unit = rng.uniform(0.15, 0.23) * min(h, w)  # half the width of the joint
    x, y = np.array(joint) * (w, h) + rng.normal(0, 0.08, 2) * unit
    metal = np.zeros((h, w), np.float32)
    tilt = 0.0  # of the leg, backwards

    def shape(*points: tuple[float, float]) -> None:
        cos, sin = np.cos(tilt), np.sin(tilt)
        cv2.fillPoly(metal, [np.rint([(x + unit * (a * cos - b * sin), y + unit * (a * sin + b * cos)) for a, b in points]).astype(np.int32)], 1.0)

    gap, thick, keel = rng.uniform(0.12, 0.45), rng.uniform(0.1, 0.2), rng.uniform(0.15, 0.3)
    long, stem = rng.uniform(0.6, 1.6), rng.random() < 0.25
    if category == "knee_ap":
        top, notch = rng.uniform(0.9, 1.5), rng.uniform(0.1, 0.4)
        shape((-0.95, 0), (-1, -0.6), (-0.6, -top), (0.6, -top), (1, -0.6), (0.95, 0), (notch, 0), (notch, -0.5), (-notch, -0.5), (-notch, 0))
        for way in (-1, 1):
            cv2.ellipse(metal, (int(x + way * 0.55 * unit), int(y - 0.1 * unit)), (int(0.42 * unit), int(0.3 * unit)), 0, 0, 360, 1.0, -1)
        wide = 1.05
    else:
        ahead = 1 if front == "R" else -1
        cv2.ellipse(metal, (int(x), int(y - 0.5 * unit)), (int(0.8 * unit), int(0.8 * unit)), 0, *sorted((90 - ahead * 140, 90 + ahead * 105)), 1.0, max(2, int(unit * rng.uniform(0.15, 0.4))))
        if rng.random() < 0.5:
            shape((-0.8, -0.5), (0.8, -0.5), (0.6, 0.15), (-0.6, 0.15))
        wide = 0.85
        gap += 0.3
    if stem and rng.random() < 0.6:
        shape((-keel, -0.8), (keel, -0.8), (0.6 * keel, -3), (-0.6 * keel, -3))
    if category == "knee_lateral":
        tilt = ahead * np.deg2rad(rng.uniform(5, 50))
    shape((-wide, gap), (wide, gap), (wide, gap + thick), (-wide, gap + thick))
    shape((-keel, gap), (keel, gap), (0.6 * keel, gap + long * (2.2 if stem else 1)), (-0.6 * keel, gap + long * (2.2 if stem else 1)))
    metal = (cv2.GaussianBlur(metal, (0, 0), max(0.5, 0.1 * unit)) > 0.5).astype(np.float32)  # round corners
    metal = cv2.GaussianBlur(metal, (0, 0), max(0.5, 0.02 * unit))
    v = grey.astype(np.float32) * rng.uniform(0.4, 1.0)  # the window that shows the metal leaves the bones darker
    return np.rint(v + (rng.uniform(215, 255) - v).clip(0) * metal).astype(np.uint8)
