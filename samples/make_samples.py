"""Makes the demonstration pictures of this folder. None of them shows a single patient.

    python samples/make_samples.py --manifest manifest.csv

The composites are means of chest radiographs of the COVID-19 Image Repository (CC BY 3.0, see README.md), one per
patient, after an affine registration to a running mean. The test pattern is drawn.
Needs numpy and opencv-python-headless as in model/training/requirements.txt.
"""
from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
SOURCE = "hannover"
WORK = (288, 336)  # height, width for the registration
EDGE = 10  # cut off at the end, because the frames of the single films are there
FIRST = 50  # patients in the first composite; the others are in the second


def one_per_patient(manifest: Path) -> list[Path]:
    """The first picture of each patient, in the manifest's order."""
    chosen: dict[str, Path] = {}
    with manifest.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["source"] == SOURCE:
                chosen.setdefault(row["patient"], manifest.parent / row["file"])
    return list(chosen.values())


def normalised(path: Path) -> np.ndarray:
    """One picture at working size, its local contrast evened out: float32 [h, w], 0..1."""
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise SystemExit(f"cannot read {path}")
    grey = cv2.resize(grey, WORK[::-1], interpolation=cv2.INTER_AREA)
    return cv2.createCLAHE(2.0, (3, 3)).apply(grey).astype(np.float32) / 255


def registered(picture: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The picture moved onto the mean by an affine map: float32 [h, w]."""
    matrix = np.eye(2, 3, dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 80, 1e-5)
    try:
        _, matrix = cv2.findTransformECC(mean, picture, matrix, cv2.MOTION_AFFINE, stop, None, 9)
    except cv2.error:  # it did not converge: use the picture without registration
        pass
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, WORK[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def composite(paths: list[Path], rounds: int = 4) -> np.ndarray:
    """The trimmed mean of all pictures after registration: float32 [h - 2 EDGE, w - 2 EDGE], 0..1."""
    pictures = [normalised(path) for path in paths]
    mean = np.mean(pictures, 0)
    for _ in range(rounds):
        moved = np.sort([registered(picture, mean) for picture in pictures], axis=0)
        ends = len(moved) // 5  # side letters, cables and edges have the extreme values at their points
        mean = moved[ends:len(moved) - ends].mean(0).astype(np.float32)
    return mean[EDGE:-EDGE, EDGE:-EDGE]


def as_film(mean: np.ndarray, width: int, gamma: float, crispness: float) -> np.ndarray:
    """Enlarged, sharpened, windowed: uint8 [h, width]."""
    height = round(width * mean.shape[0] / mean.shape[1])
    v = cv2.resize(mean, (width, height), interpolation=cv2.INTER_CUBIC)
    for sigma in (width / 25, width / 90):
        v = v + crispness * (v - cv2.GaussianBlur(v, (0, 0), sigma))
    low, high = np.quantile(v, (0.005, 0.995))
    return np.rint(np.clip((v - low) / (high - low), 0, 1) ** gamma * 255).astype(np.uint8)


def part(picture: np.ndarray, cut: tuple[float, float, float, float], width: int) -> np.ndarray:
    """A part of a picture (left, top, width, height, as fractions), reduced: uint8 [h, width]."""
    rows, columns = picture.shape
    left, top, across, down = (round(f * n) for f, n in zip(cut, (columns, rows, columns, rows)))
    v = picture[top:top + down, left:left + across]
    return cv2.resize(v, (width, round(width * down / across)), interpolation=cv2.INTER_AREA)


def test_pattern(side: int = 1024) -> np.ndarray:
    """A technical picture: grey steps, line pairs, a grid, circles, corner marks: uint8 [side, side]."""
    v = np.full((side, side), 118, np.uint8)
    v[::64], v[:, ::64] = 150, 150
    for step in range(16):  # sixteen greys from black to white
        v[80:180, 64 + step * 56:64 + (step + 1) * 56] = step * 17
    x = 96
    for period in (2, 4, 6, 8, 12, 16, 24, 32):  # line pairs, vertical and horizontal
        bars = (np.arange(96) // (period // 2)) % 2 * 255
        v[230:326, x:x + 96], v[350:446, x:x + 96] = bars[None, :], bars[:, None]
        x += 106
    centre = (side // 2, 690)
    for radius in (60, 120, 180, 230):
        cv2.circle(v, centre, radius, 235, 2, cv2.LINE_AA)
    cv2.line(v, (centre[0] - 250, centre[1]), (centre[0] + 250, centre[1]), 235, 2)
    cv2.line(v, (centre[0], centre[1] - 250), (centre[0], centre[1] + 250), 235, 2)
    for left, outer, inner in ((80, 0, 13), (side - 240, 255, 242)):  # 5 % in black, 95 % in white
        v[610:770, left:left + 160] = outer
        v[660:720, left + 50:left + 110] = inner
    for y in (8, side - 40):
        for x in (8, side - 40):
            cv2.rectangle(v, (x, y), (x + 32, y + 32), 255, 3)
    cv2.putText(v, "TEST PATTERN", (side // 2 - 150, side - 36), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 255, 2, cv2.LINE_AA)
    return v


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE)
    args = parser.parse_args()
    paths = one_per_patient(args.manifest)
    pictures = {
        "chest_composite.png": as_film(composite(paths[:FIRST]), 1000, 1.15, 0.5),
        "chest_composite_2.png": as_film(composite(paths[FIRST:]), 720, 0.85, 0.35),
        "test_pattern.png": test_pattern(),
    }
    pictures["chest_part.png"] = part(pictures["chest_composite.png"], (0.25, 0.5, 0.5, 0.5), 320)
    pictures["chest_part_2.png"] = part(pictures["chest_composite_2.png"], (0.5, 0.0, 0.5, 1.0), 300)
    for name, picture in pictures.items():
        cv2.imwrite(str(args.out / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print(name, picture.shape, (args.out / name).stat().st_size)


if __name__ == "__main__":
    main()
