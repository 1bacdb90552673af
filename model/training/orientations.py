"""Films in their four orientations, and the moments of the network's last feature maps that the head of upright.py reads."""
from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
import torch

from data import HERE, Item, read_grey, read_joints, resize_like_tf1, to_input
from look import another_look
from network import MobileNet
from pages import exported, photographed
from parts import joint_crop
from train import as_tensor

CROPS = 4  # altered versions of a film with a joint; others have one


def read_truth(path: Path = HERE / "upright.csv") -> tuple[dict[str, int], set[str]]:
    """Clockwise quarter turns that bring a film upright, where it is not, and the films that lie in no direction."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["id"]: int(row["turned"]) // 90 for row in rows if row["turned"] != "-"}, {row["id"] for row in rows if row["turned"] == "-"}


@dataclass(frozen=True)
class Views:
    """Each film turned by its truth, then counter-clockwise by 0 to 3 quarters."""

    x: np.ndarray  # [n, 3 * channels]
    film: np.ndarray  # [n]
    view: np.ndarray  # [n]; the clockwise quarter turns that bring it upright


def turned(picture: np.ndarray, quarters: int) -> np.ndarray:
    """Counter-clockwise."""
    return np.ascontiguousarray(np.rot90(picture, quarters))


@torch.no_grad()
def moments(net: MobileNet, inputs: np.ndarray) -> np.ndarray:
    """[n, 224, 224] -> mean, moment over rows, moment over columns of each channel: [n, 3 * channels]."""
    maps = net.stem(as_tensor(inputs))
    for depthwise, pointwise in zip(net.depthwise, net.pointwise):
        maps = pointwise(depthwise(maps))
    rows, columns = (torch.linspace(-1, 1, size) for size in maps.shape[2:])
    parts = [maps.mean((2, 3)), (maps * rows[:, None]).mean((2, 3)), (maps * columns).mean((2, 3))]
    return torch.cat(parts, 1).numpy()


def plain(item: Item, _: list[Item]) -> list[list[np.ndarray]]:
    """The film in its four orientations."""
    grey = read_grey(item.path)
    return [[turned(grey, k) for k in range(4)]]


def altered(item: Item, items: list[Item]) -> list[list[np.ndarray]]:
    """The film as it may come from elsewhere: a crop around its joint, other greys, inverted, on a page, photographed."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:8], "little"))
    whole, at = read_grey(item.path), read_joints().get(item.id)
    versions = []
    for _ in range(1 if at is None else CROPS):
        grey = whole if at is None else joint_crop(whole, at, rng)
        if rng.random() < 0.4:
            grey = another_look(grey, read_grey(items[int(rng.integers(len(items)))].path), rng)
        if rng.random() < 0.2:
            grey = 255 - grey
        views = [turned(grey, k) for k in range(4)]
        if rng.random() < 0.3:
            page = exported if rng.random() < 0.5 else photographed
            views = [page(view, rng) for view in views]  # what is written there stays upright
        versions.append(views)
    return versions


def views_of(net: MobileNet, items: list[Item], truth: dict[str, int], work: Path, name: str, made: Callable[[Item, list[Item]], list[list[np.ndarray]]] = plain) -> Views:
    """Read from WORK where they were computed before: one inference for each view takes a while."""
    weights = b"".join(value.numpy().tobytes() for value in net.state_dict().values())
    kept = work / f"upright-{hashlib.sha256(weights).hexdigest()[:16]}-{name}-{made.__name__}.npz"
    if not kept.exists():
        parts, keys = [], []
        for n, item in enumerate(items):
            for views in made(item, items):
                parts.append(moments(net, np.stack([to_input(resize_like_tf1(view)) for view in views])).astype(np.float16))
                keys += [(n, k) for k in range(4)]
        np.savez(kept, x=np.concatenate(parts), keys=keys, ids=[item.id for item in items])
    stored = np.load(kept)
    if [str(i) for i in stored["ids"]] != [item.id for item in items]:
        raise SystemExit(f"{kept} belongs to other pictures. Delete it.")
    film, view = stored["keys"].T
    quarters = np.array([truth.get(item.id, 0) for item in items])[film]
    return Views(stored["x"].astype(np.float32), film, (view + quarters) % 4)


def joined(one: Views, other: Views, films: int) -> Views:
    """Of two lists of films; the first one has `films`."""
    return Views(np.concatenate([one.x, other.x]), np.concatenate([one.film, other.film + films]), np.concatenate([one.view, other.view]))
