"""Markers of sides, drawn onto films as makers of machines and lead letters draw them, and what looks like them but is none."""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS = "RLDE"  # right and left in English and German; right and left in Portuguese, and D in all Romance languages
WORDS = ["RIGHT", "LEFT", "RE", "LI", "RECHTS", "LINKS", "Right", "Left", "DX", "DIR", "ESQ", "DER", "RT", "LT", "Re", "Li"]
OTHERS = "ABCFGHIJKMNOPQSTUVWXYZ0123456789BPKIFCOH"  # the ones that are most alike more often
UPRIGHT = 20  # degrees; what is turned further is no marker, since a turned D is a mirrored one
SCALE = 4  # letters are drawn so much larger, and then shrunk


@dataclass
class Drawn:
    """What was drawn: the mark's opacity, its brightness, and where the letter is."""

    ink: np.ndarray  # [h, w] 0..1
    box: np.ndarray  # [h, w] 0..1, behind the ink
    letter: tuple[float, float, float, float] | None  # left, top, right, bottom of the letter that tells the side


@lru_cache(maxsize=4096)
def font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def fonts(folders: list[Path]) -> list[str]:
    return sorted(str(path) for folder in folders for path in folder.rglob("*.ttf") if "Math" not in path.name)


def written(text: str, path: str, size: int, outline: bool, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int]]:
    """The text as ink, cut to its extents, and the columns of its first letter."""
    face = font(path, size)
    left, top, right, bottom = face.getbbox(text)
    first = face.getbbox(text[0])
    image = Image.new("L", (right - left + 8, bottom - top + 8), 0)
    draw = ImageDraw.Draw(image)
    if outline:
        draw.text((4 - left, 4 - top), text, font=face, fill=0, stroke_width=max(1, size // 14), stroke_fill=255)
    else:
        draw.text((4 - left, 4 - top), text, font=face, fill=255, stroke_width=int(rng.choice([0, 0, 0, 1, 2])) * size // 40, stroke_fill=255)
    return np.asarray(image, np.float32) / 255, (4 + first[0] - left, 4 + first[2] - left)


def marker(text: str, height: float, faces: list[str], rng: np.random.Generator) -> Drawn:
    """A text whose letters are `height` pixels high, with what is around it: a plate, a ring, a bar, initials."""
    size = max(12, int(height * SCALE / 0.72))
    ink, (begin, end) = written(text, faces[int(rng.integers(len(faces)))], size, rng.random() < 0.1, rng)
    h, w = ink.shape
    pad = int(h * rng.uniform(0.15, 0.7))
    below = int(h * rng.uniform(0.5, 1.6)) if rng.random() < 0.3 else 0
    canvas = np.zeros((h + 2 * pad + below, w + 2 * pad), np.float32)
    canvas[pad : pad + h, pad : pad + w] = ink
    box = np.zeros_like(canvas)
    H, W = canvas.shape
    shape = rng.random()
    if shape < 0.5:
        box[:] = 1
        if rng.random() < 0.25:
            cv2.rectangle(canvas, (0, 0), (W - 1, H - 1), 1, max(1, size // 25))
    elif shape < 0.62:
        side = max(H, W)
        grown = np.zeros((side, side), np.float32)
        dy, dx = (side - H) // 2, (side - W) // 2
        grown[dy : dy + H, dx : dx + W] = canvas
        canvas, pad_y, pad_x = grown, pad + dy, pad + dx
        cv2.circle(canvas, (side // 2, side // 2), side // 2 - max(2, size // 20), 1, max(1, int(size * rng.uniform(0.03, 0.1))))
        box = np.zeros_like(canvas)
        if rng.random() < 0.5:
            cv2.circle(box, (side // 2, side // 2), side // 2, 1, -1)
        return Drawn(canvas, box, (pad_x + begin, pad_y, pad_x + end, pad_y + h))
    if below > 0:
        under = rng.random()
        if under < 0.5:
            small, _ = written("".join(rng.choice(list(OTHERS + LETTERS), int(rng.integers(1, 4)))), faces[int(rng.integers(len(faces)))], max(10, int(size * rng.uniform(0.3, 0.6))), False, rng)
            small = small[:below, :W]
            x = (W - small.shape[1]) // 2
            canvas[H - below : H - below + small.shape[0], x : x + small.shape[1]] = np.maximum(canvas[H - below : H - below + small.shape[0], x : x + small.shape[1]], small)
        elif under < 0.75:
            cv2.circle(canvas, (W // 2, H - below // 2), max(2, below // 3), 1, max(1, size // 20))
        else:
            cv2.rectangle(canvas, (W // 4, H - below + 2), (3 * W // 4, H - 2), 1, -1 if rng.random() < 0.5 else max(1, size // 20))
    if rng.random() < 0.1:  # a bar beside the letter, as makers show the side of the detector
        x = W - max(1, pad // 2) - 1
        cv2.line(canvas, (x, pad), (x, pad + h), 1, max(1, size // 16))
    return Drawn(canvas, box, (pad + begin, pad, pad + end, pad + h))


def warped(drawn: Drawn, angle: float, scale: float, mirrored: bool) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float, float]]:
    """Turned, mirrored and shrunk to the pixels of the film: ink, box, letter."""
    h, w = drawn.ink.shape
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), angle, 1)
    if mirrored:
        turn = turn @ np.array([[-1, 0, w], [0, 1, 0], [0, 0, 1]], np.float64)
    corners = np.array([[0, 0, 1], [w, 0, 1], [0, h, 1], [w, h, 1]], np.float64) @ turn.T
    low, high = corners.min(0), corners.max(0)
    turn[:, 2] -= low
    size = tuple(int(np.ceil(v)) + 1 for v in high - low)
    layers = [cv2.warpAffine(layer, turn, size, flags=cv2.INTER_LINEAR) for layer in (drawn.ink, drawn.box)]
    target = (max(2, round(size[0] * scale)), max(2, round(size[1] * scale)))
    ink, box = (cv2.resize(layer, target, interpolation=cv2.INTER_AREA) for layer in layers)
    left, top, right, bottom = drawn.letter or (0, 0, w, h)
    points = (np.array([[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]], np.float64) @ turn.T) * scale
    return ink, box, (*points.min(0), *points.max(0))


def laid(film: np.ndarray, ink: np.ndarray, box: np.ndarray, x: int, y: int, rng: np.random.Generator) -> None:
    """Draws into `film` [h, w] float 0..255. What is beyond the edge is cut off."""
    h, w = ink.shape
    x0, y0, x1, y1 = max(0, x), max(0, y), min(film.shape[1], x + w), min(film.shape[0], y + h)
    if x1 <= x0 or y1 <= y0:
        return
    part = film[y0:y1, x0:x1]
    ink, box = ink[y0 - y : y1 - y, x0 - x : x1 - x], box[y0 - y : y1 - y, x0 - x : x1 - x]
    around = float(part.mean())
    look = rng.random()
    if look < 0.75:  # a bright letter
        bright = rng.uniform(max(around + 45, 90), 256) if around < 200 else 255.0
        behind = rng.uniform(0, max(20.0, bright - 55)) if rng.random() < 0.55 else around + (bright - around) * rng.uniform(0.1, 0.6)
    else:
        bright = rng.uniform(0, max(10.0, around - 50)) if around > 60 else rng.uniform(0, 20)
        behind = rng.uniform(min(bright + 60, 250.0), 256)
    opacity = rng.uniform(0.25, 1) if rng.random() < 0.5 else 1.0
    if abs(behind - bright) < 50:
        opacity *= 0.2
    strength = rng.uniform(0.6, 1)
    part[:] = part + (behind - part) * box * opacity
    part[:] = part + (bright - part) * ink * strength


def clutter(film: np.ndarray, faces: list[str], rng: np.random.Generator) -> None:
    """What is no marker: other letters, texts, turned and mirrored markers, arrows, jewellery, screws, wires, edges."""
    h, w = film.shape
    kind = rng.random()
    x, y = int(rng.integers(-10, w)), int(rng.integers(-10, h))
    height = float(np.exp(rng.uniform(np.log(6), np.log(34))))
    angle = rng.uniform(-UPRIGHT, UPRIGHT)
    if kind < 0.28:
        text, mirrored = str(rng.choice(list(OTHERS))), rng.random() < 0.2
    elif kind < 0.52:  # a marker that cannot be read with certainty
        text, mirrored = str(rng.choice(list(LETTERS))), True
        if rng.random() < 0.6:
            mirrored = rng.random() < 0.5
            angle = float(rng.choice([90, 180, 270])) + rng.uniform(-25, 25)
        if mirrored and abs(angle) > UPRIGHT and text in "DE" and abs(abs(angle) - 180) < 45:
            mirrored = False  # a D that is mirrored and upside down is a D
    elif kind < 0.8:  # text, which also begins with these letters
        letters = list("ABCDEFGHIJKLMNOPRSTUVWZ0123456789" + 3 * LETTERS)
        text = "".join(rng.choice(letters, int(rng.integers(2, 12))))
        text = str(rng.choice([text, text.lower(), text.capitalize(), "LAT", "ERECT", "PORTABLE", "LAO", "RAO", "DR", "LPO", "ED", "EL", "Bettaufnahme", "liegend", "DP", "AP", "PA", "LE", "RL", "LR", "ED", "DE"]))
        if text in WORDS:
            return
        height, mirrored = min(height, 14.0), rng.random() < 0.1
    else:
        shade = float(rng.uniform(0, 255))
        points = rng.integers(-12, 13, (int(rng.integers(2, 5)), 2)) + (x, y)
        thick = int(rng.integers(1, 4))
        which = int(rng.integers(7))
        if which == 0:
            cv2.polylines(film, [points.astype(np.int32)], False, shade, thick, cv2.LINE_AA)
        elif which == 1:
            cv2.circle(film, (x, y), int(rng.integers(2, 12)), shade, int(rng.choice([-1, 1, 2])), cv2.LINE_AA)
        elif which == 2:
            cv2.rectangle(film, (x, y), (x + int(rng.integers(3, 24)), y + int(rng.integers(3, 24))), shade, int(rng.choice([-1, 1])))
        elif which == 3:
            cv2.arrowedLine(film, (x, y), (x + int(rng.integers(-20, 21)), y + int(rng.integers(-20, 21))), shade, thick, cv2.LINE_AA, 0, 0.4)
        elif which == 4:
            ruler(film, x, y, shade, rng)
        elif which == 5:  # two lines that meet, as a frame or two rulers do
            right, down = (int(v) for v in rng.integers(5, 40, 2) * rng.choice([-1, 1], 2))
            cv2.polylines(film, [np.array([(x, y + down), (x, y), (x + right, y)], np.int32)], False, shade, thick, cv2.LINE_AA)
        else:  # edges of a collimator, which make an L with each other
            film[max(0, y) :, : max(0, x)] = shade if rng.random() < 0.5 else film[max(0, y) :, : max(0, x)] * 0.3
        return
    ink, box, _ = warped(marker(text, height, faces, rng), angle, 1 / SCALE, mirrored)
    laid(film, ink, box, x, y, rng)


def ruler(film: np.ndarray, x: int, y: int, shade: float, rng: np.random.Generator) -> None:
    """A scale: marks at equal distances along a line, or gaps in a bar. A few of them look like an E."""
    step, marks = int(rng.integers(2, 9)), int(rng.integers(3, 16))
    length, along = int(rng.integers(2, 9)), bool(rng.random() < 0.6)
    thick, bar, gap = int(rng.integers(1, 3)), bool(rng.random() < 0.4), float(rng.uniform(0, 60))
    end = step * (marks - 1)

    def line(a: tuple[int, int], b: tuple[int, int], level: float, width: int) -> None:
        (a0, a1), (b0, b1) = a, b
        cv2.line(film, (x + a0, y + a1) if along else (x + a1, y + a0), (x + b0, y + b1) if along else (x + b1, y + b0), level, width)

    if bar:
        line((0, 0), (0, end), shade, length)
    elif rng.random() < 0.7:
        line((0, 0), (0, end), shade, thick)
    for n in range(marks):
        line((0, n * step), (length, n * step), gap if bar else shade, 1 if bar else thick)


def true_marker(film: np.ndarray, faces: list[str], rng: np.random.Generator) -> tuple[int, tuple[float, float, float, float]] | None:
    """Draws one that can be read. @returns its letter's index in LETTERS, and where it is; None where it does not fit"""
    h, w = film.shape
    which = int(rng.integers(len(LETTERS)))
    text = LETTERS[which]
    if rng.random() < 0.15:
        text = str(rng.choice([word for word in WORDS if word[0].upper() == LETTERS[which]]))
    height = float(np.exp(rng.uniform(np.log(6.5), np.log(34))))
    ink, box, (left, top, right, bottom) = warped(marker(text, height, faces, rng), float(np.clip(rng.normal(0, 6), -UPRIGHT, UPRIGHT)), 1 / SCALE, False)
    if ink.shape[0] + 2 >= h or ink.shape[1] + 2 >= w:
        return None
    x, y = int(rng.integers(0, w - ink.shape[1])), int(rng.integers(0, h - ink.shape[0]))
    laid(film, ink, box, x, y, rng)
    return which, (x + left, y + top, x + right, y + bottom)
