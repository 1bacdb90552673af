"""What another machine's processing, another film or another scanner does to the greys of a radiograph: uint8 [h, w] -> uint8 [h, w].

The training shows every category in many looks, so that the look of one hospital is no evidence for a category.
"""
from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator


def _bytes(v: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(v), 0, 255).astype(np.uint8)


def equalised(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """Local contrast: CLAHE over few or many tiles."""
    tiles = int(rng.integers(2, 13))
    return cv2.createCLAHE(float(np.exp(rng.uniform(np.log(1.0), np.log(8.0)))), (tiles, tiles)).apply(grey)


def multiscale(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """Bands of detail strengthened or weakened each for itself, as the processing of detectors does."""
    rest, result = grey.astype(np.float32), np.zeros(grey.shape, np.float32)
    for sigma in (1.0, 3.0, 9.0, 27.0):
        soft = cv2.GaussianBlur(rest, (0, 0), sigma * float(np.exp(rng.normal(0, 0.2))))
        result += (rest - soft) * np.float32(np.exp(rng.normal(0.3, 0.6)))
        rest = soft
    middle = rest.mean()
    return _bytes(result + middle + (rest - middle) * np.float32(rng.uniform(0.3, 1.1)))


def matched(grey: np.ndarray, model: np.ndarray) -> np.ndarray:
    """The greys redistributed as those of another film."""
    have = np.bincount(grey.ravel(), minlength=256).cumsum() / grey.size
    want = np.bincount(model.ravel(), minlength=256).cumsum() / model.size
    return np.interp(have, want, np.arange(256)).astype(np.uint8)[grey]


def blended(grey: np.ndarray, model: np.ndarray, rng: Rng) -> np.ndarray:
    """The low spatial frequencies get the amplitudes of another film and keep their phases (Yang and Soatto 2020, FDA)."""
    h, w = grey.shape
    model = cv2.resize(model, (w, h), interpolation=cv2.INTER_AREA)
    ours, theirs = np.fft.rfft2(grey.astype(np.float32)), np.fft.rfft2(model.astype(np.float32))
    band = max(1, int(rng.uniform(0.004, 0.03) * min(h, w)))
    amplitude = np.abs(ours)
    share = rng.uniform(0.3, 1.0)
    for rows in (slice(0, band + 1), slice(h - band, h)):
        part = (rows, slice(0, band + 1))
        amplitude[part] = (1 - share) * amplitude[part] + share * np.abs(theirs[part])
    return _bytes(np.fft.irfft2(amplitude * np.exp(1j * np.angle(ours)), (h, w)))


def convolved(grey: np.ndarray, rng: Rng) -> np.ndarray:
    """A random small filter, mixed with the picture (Xu et al. 2021, RandConv): another texture, the same shapes."""
    size = int(rng.choice([3, 5, 7]))
    kernel = rng.normal(0, 1 / size, (size, size)).astype(np.float32)
    v = cv2.filter2D(grey.astype(np.float32), -1, kernel)
    low, high = np.percentile(v[::4, ::4], (1, 99))
    share = rng.uniform(0.2, 0.8)
    return _bytes(share * grey + (1 - share) * 255 * (v - low) / max(1.0, high - low))


def another_look(grey: np.ndarray, model: np.ndarray, rng: Rng) -> np.ndarray:
    """One of the above; `model` is any other film."""
    draw = rng.random()
    if draw < 0.25:
        return equalised(grey, rng)
    if draw < 0.5:
        return multiscale(grey, rng)
    if draw < 0.7:
        return matched(grey, model)
    return blended(grey, model, rng) if draw < 0.85 else convolved(grey, rng)
