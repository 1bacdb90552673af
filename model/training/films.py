"""Collects the films of `films.csv`, and writes their manifest: WORK/manifest.csv, which build.py takes as `--joined`.

    python model/training/films.py --clones CLONES --out WORK
    python model/training/films.py --list chests.csv --clones CLONES --out CHESTS   # for mirrored.py

CLONES/OWNER/NAME is a git clone of each repository of `repositories.csv`, or its `.git` folder. Nothing of them is in this repository.
"""
from __future__ import annotations

import argparse
import csv
import subprocess
from collections import Counter
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np

from data import HERE

LONG_SIDE = 512


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def grey(content: bytes) -> np.ndarray:
    """A picture, or the first frame of a DICOM file as a viewer shows it: [height, width] uint8."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    return of_dicom(content) if picture is None else picture


def of_dicom(content: bytes) -> np.ndarray:
    import pydicom  # few films need it
    from pydicom.pixels import apply_voi_lut

    film = pydicom.dcmread(BytesIO(content), force=True)
    if film.SamplesPerPixel == 3:
        return cv2.cvtColor(film.pixel_array, cv2.COLOR_RGB2GRAY)
    shown = apply_voi_lut(film.pixel_array, film).astype(np.float32)
    shown = shown[0] if shown.ndim == 3 else shown
    low, high = float(shown.min()), float(shown.max())
    shown = (shown - low) * (255 / max(1e-6, high - low))
    return (255 - shown if film.PhotometricInterpretation == "MONOCHROME1" else shown).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", default="films.csv")
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    commits = {row["repository"]: row["commit"] for row in rows("repositories.csv")}
    count: Counter[str] = Counter()
    manifest = []
    for row in rows(args.list):
        count[row["source"]] += 1
        command = ["git", "-C", str(args.clones / row["repository"]), "show", f"{commits[row['repository']]}:{row['path']}"]
        picture = grey(subprocess.run(command, check=True, capture_output=True).stdout)
        scale = min(1.0, LONG_SIDE / max(picture.shape))
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        file = Path(row["id"])
        (args.out / file).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(args.out / file), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
        manifest.append({"id": row["id"], "file": str(file), "label": row.get("label", "chest_pa_ap"), "source": row["source"], "patient": row["id"]})
    with (args.out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(manifest[0]))
        writer.writeheader()
        writer.writerows(manifest)
    print(dict(count))


if __name__ == "__main__":
    main()
