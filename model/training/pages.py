"""A radiograph as a photograph of a film or of a screen, or as an exported picture with a frame, text and arrows: uint8 -> uint8."""
from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)
LETTERS = np.array(list("ABCDEFGHIKLMNOPRSTUVWXYZabcdefghiklmnoprstuvwxyz0123456789   .:/-"))


def _words(rng: Rng, longest: int) -> str:
    return "".join(rng.choice(LETTERS, int(rng.integers(2, longest))))


def _annotate(v: np.ndarray, rng: Rng) -> None:
    """Lines of text in the corners, arrows, circles, measured lines, a ruler."""
    h, w = v.shape
    size = rng.uniform(0.25, 0.6) * max(h, w) / 384
    ink, font, step = float(rng.choice([255, 255, 230, 0])), int(rng.choice(FONTS)), max(6, int(34 * size))
    for corner in range(4):
        if rng.random() < 0.6:
            for line in range(int(rng.integers(1, 5))):
                text = _words(rng, 22)
                wide = cv2.getTextSize(text, font, size, 1)[0][0]
                x = 4 if corner % 2 == 0 else max(0, w - wide - 4)
                y = step * (line + 1) if corner < 2 else h - 4 - step * line
                cv2.putText(v, text, (x, y), font, size, ink, 1, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 4))):
        a, b = (rng.uniform(0.1, 0.9, 2) * (w, h)).astype(int), (rng.normal(0, 0.12, 2) * (w, h)).astype(int)
        start, end = tuple(a.tolist()), tuple((a + b).tolist())
        kind = rng.random()
        if kind < 0.5:
            cv2.arrowedLine(v, start, end, ink, int(rng.integers(1, 5)), cv2.LINE_AA, tipLength=rng.uniform(0.15, 0.5))
        elif kind < 0.75:
            cv2.line(v, start, end, ink, 1, cv2.LINE_AA)
            cv2.putText(v, f"{rng.uniform(2, 200):.1f} mm", end, font, size, ink, 1, cv2.LINE_AA)
        else:
            cv2.circle(v, start, int(rng.uniform(0.03, 0.2) * min(h, w)), ink, int(rng.integers(1, 4)), cv2.LINE_AA)
    if rng.random() < 0.3:
        x, step = (w - 6 if rng.random() < 0.5 else 6), max(3, h // int(rng.integers(10, 40)))
        cv2.line(v, (x, h // 8), (x, 7 * h // 8), ink, 1)
        for tick in range(h // 8, 7 * h // 8, step):
            cv2.line(v, (x - 4, tick), (x + 4, tick), ink, 1)


def exported(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """A screenshot or a figure: the film on a page with margins, frames, bars with buttons, text."""
    film = grey.copy()
    if rng.random() < 0.7:
        _annotate(film, rng)
    h, w = film.shape
    long = max(h, w)
    left, right, top, bottom = (int(m) for m in rng.gamma(0.8, 0.09, 4).clip(0, 0.45) * long)
    page = float(rng.choice([0, 0, 255, 240, rng.uniform(10, 120)]))
    v = cv2.copyMakeBorder(film, top, bottom, left, right, cv2.BORDER_CONSTANT, value=page)
    for _ in range(int(rng.integers(0, 3))):
        grow = int(rng.uniform(0, 0.02) * long)
        cv2.rectangle(v, (left - grow, top - grow), (left + w + grow, top + h + grow), float(rng.choice([0, 255, 128])), int(rng.integers(1, 5)))
    for edge in range(4):  # bars with buttons
        if rng.random() < 0.25:
            thick = int(rng.uniform(0.03, 0.1) * long)
            v = np.rot90(v, edge).copy()
            bar = v[:thick]
            bar[:] = rng.uniform(0, 255)
            for x in range(2, v.shape[1] - thick, max(4, int(thick * rng.uniform(1.0, 2.2)))):
                cv2.rectangle(bar, (x, 2), (x + int(0.7 * thick), thick - 3), float(rng.uniform(0, 255)), int(rng.choice([-1, 1])))
            v = np.rot90(v, -edge).copy()
    if rng.random() < 0.3:
        for line in range(int(rng.integers(1, 4))):
            place = (int(rng.uniform(0, 0.3) * v.shape[1]), v.shape[0] - 4 - 12 * line)
            cv2.putText(v, _words(rng, 40), place, int(rng.choice(FONTS)), 0.4, 255.0 if page < 128 else 0.0, 1, cv2.LINE_AA)
    return v


def photographed(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """A camera before a film on a light box, or before a screen: perspective, surroundings, uneven light, moire."""
    h, w = grey.shape
    margin = rng.uniform(0.0, 0.3) * max(h, w)
    wide, high = int(w + 2 * margin), int(h + 2 * margin)
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    shifted = corners + np.float32(margin) + rng.normal(0, 0.045, (4, 2)).astype(np.float32) * max(h, w)
    around = rng.choice([rng.uniform(0, 40), rng.uniform(60, 180), rng.uniform(215, 255)], p=[0.5, 0.2, 0.3])
    v = cv2.warpPerspective(grey, cv2.getPerspectiveTransform(corners, shifted.astype(np.float32)), (wide, high), borderMode=cv2.BORDER_CONSTANT, borderValue=float(around)).astype(np.float32)
    y, x = np.mgrid[-1:1:high * 1j, -1:1:wide * 1j].astype(np.float32)
    light = 1 - rng.uniform(0, 0.55) * ((x - rng.uniform(-0.5, 0.5)) ** 2 + (y - rng.uniform(-0.5, 0.5)) ** 2) / 2
    v = v * light
    if rng.random() < 0.4:  # a reflection
        spot = np.exp(-((x - rng.uniform(-1, 1)) ** 2 + (y - rng.uniform(-1, 1)) ** 2) / (2 * rng.uniform(0.05, 0.5) ** 2))
        v = v + spot * rng.uniform(20, 130)
    if rng.random() < 0.4:  # the screen's raster against the camera's
        period, angle = rng.uniform(2.2, 14), rng.uniform(0, np.pi)
        phase = (x * wide * np.cos(angle) + y * high * np.sin(angle)) * np.pi / period
        v = v * (1 + rng.uniform(0.03, 0.15) * np.sin(phase + rng.uniform(0, 4) * x * y))
    if rng.random() < 0.5:
        v = cv2.GaussianBlur(v, (0, 0), rng.uniform(0.4, 1.4))
    return np.clip(np.rint(rng.uniform(0, 40) + v * rng.uniform(0.6, 1.05)), 0, 255).astype(np.uint8)
