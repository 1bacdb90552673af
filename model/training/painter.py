"""The pictures that a training sees: a film of the manifest or one made from several, altered at random."""
from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

import parts
import synthetic
from augment import augment
from data import SIDE, Item, read_fronts, read_grey, read_joints
from flex import bent
from look import another_look
from metal import with_prosthesis
from pages import exported, photographed
from recipe import Recipe


class Painter:
    """Makes the training pictures of one batch, each from its own seed."""

    def __init__(self, items: list[Item], classes: list[str], recipe: Recipe, plain: float, seed: int) -> None:
        self.items, self.classes, self.recipe, self.plain, self.seed = items, classes, recipe, plain, seed
        self.pictures = [read_grey(item.path) for item in items]
        self.joints, self.fronts = read_joints(), read_fronts()
        self.members: dict[str, list[int]] = {}
        for index, item in enumerate(items):
            self.members.setdefault(classes[item.label], []).append(index)
        self.small: dict[tuple[int, int], np.ndarray] = {}

    def shrunk(self, index: int, side: int) -> np.ndarray:
        """The picture scaled by `side` / 224, so that the sampling points keep their distance in the picture."""
        if side == SIDE:
            return self.pictures[index]
        if (index, side) not in self.small:
            self.small[index, side] = cv2.resize(self.pictures[index], None, fx=side / SIDE, fy=side / SIDE, interpolation=cv2.INTER_AREA)
        return self.small[index, side]

    def one(self, index: int, epoch: int, place: int, side: int) -> np.ndarray:
        rng = np.random.default_rng((self.seed, epoch, place))
        category, picture = self.classes[self.items[index].label], self.shrunk(index, side)
        joint, front = self.joints.get(self.items[index].id), self.fronts.get(self.items[index].id, "")
        if joint is not None and (category == "knee_ap" or front) and rng.random() < self.recipe.metal:
            picture = with_prosthesis(picture, category, joint, front, rng)
        if category == "other" and rng.random() < self.recipe.made_up:
            picture = self._made_up(rng)
        elif joint is not None and front and rng.random() < self.recipe.bent:
            picture = bent(picture, joint, front, rng)
        elif joint is not None and rng.random() < self.recipe.joints:
            picture = parts.joint_crop(picture, joint, rng)
        if rng.random() < self.recipe.look:
            picture = another_look(picture, self.pictures[int(rng.integers(len(self.pictures)))], rng)
        if rng.random() < self.recipe.page:
            picture = exported(picture, rng) if rng.random() < 0.5 else photographed(picture, rng)
        return augment(picture, category, rng, side, self.plain)

    def _film(self, category: str, rng: np.random.Generator) -> int:
        return int(rng.choice(self.members[category]))

    def _films(self, categories: Iterable[str], rng: np.random.Generator) -> list[np.ndarray]:
        return [self.pictures[self._film(category, rng)] for category in categories]

    def _some(self, rng: np.random.Generator, count: int, without: tuple[str, ...] = ()) -> list[str]:
        """Different categories, each as often as any other."""
        return rng.choice([name for name in self.members if name not in (*without, "other")], count, replace=False).tolist()

    def _made_up(self, rng: np.random.Generator) -> np.ndarray:
        """A picture of no category."""
        draw = rng.random()
        if draw < 0.25:
            return synthetic.pattern(rng)
        if draw < 0.45:  # what the manifest calls a plate with several exposures
            return synthetic.mosaic(self._films(self._some(rng, int(rng.choice([2, 4], p=[0.7, 0.3]))), rng), rng)
        if draw < 0.6:
            columns = [names for names in parts.COLUMNS if all(name in self.members for name in names)]
            return parts.column(self._films(columns[int(rng.integers(len(columns)))], rng), rng)
        if draw < 0.75:
            one, two = self._films(self._some(rng, 1, parts.BOTH_SIDES) * 2, rng)
            return parts.pair(one, one if rng.random() < 0.4 else two, rng)
        if draw < 0.9:
            while True:
                category = self._some(rng, 1)[0]
                film = self._film(category, rng)
                piece = parts.part(self.pictures[film], category, self.joints.get(self.items[film].id), rng)
                if piece is not None:
                    return piece
        return parts.jigsaw(self._films(self._some(rng, 1), rng)[0], rng)

    def batch(self, indices: np.ndarray, epoch: int, first: int, side: int) -> np.ndarray:
        """uint8 [n, side, side]: small, because a whole epoch may wait in memory."""
        return np.stack([self.one(int(i), epoch, first + k, side) for k, i in enumerate(indices)])
