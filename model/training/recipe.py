"""All parameters of a training, except the pictures and the seed."""
from __future__ import annotations

from dataclasses import dataclass

from data import SIDE


@dataclass(frozen=True)
class Phase:
    """A part of a training with its own optimiser and cosine schedule. It starts with the averaged weights of the previous one."""

    epochs: int
    sides: tuple[tuple[float, int], ...]  # until this share of the epochs, this input side
    rate: float
    rate_new: float  # learning rate of the layers with random initial weights
    plain: float  # share of pictures whose greys stay almost unchanged
    other_weight: float
    joined: bool = False  # whether the films of `films.csv` are shown too


@dataclass(frozen=True)
class Recipe:
    """Every phase, and what they share."""

    phases: tuple[Phase, ...] = (
        Phase(18, ((0.6, 128), (0.85, 176), (1.0, SIDE)), 8e-4, 2e-3, 0.15, 2.6),
        Phase(5, ((1.0, SIDE),), 5e-4, 5e-4, 0.4, 3.5),
        Phase(10, ((1.0, SIDE),), 5e-4, 5e-4, 0.4, 3.5),
        Phase(10, ((1.0, SIDE),), 5e-4, 5e-4, 0.4, 3.5),
        Phase(6, ((1.0, SIDE),), 5e-4, 5e-4, 0.4, 3.5, joined=True),
        Phase(6, ((1.0, SIDE),), 5e-4, 5e-4, 0.4, 3.5, joined=True),
        Phase(8, ((1.0, SIDE),), 5e-4, 5e-4, 0.4, 3.5, joined=True),
        Phase(6, ((1.0, SIDE),), 5e-4, 5e-4, 0.4, 3.5, joined=True),
    )
    draws: int = 2000  # pictures drawn per epoch
    batch: int = 32
    decay: float = 0.03
    smoothing: float = 0.05
    balance: float = 0.4  # a category of n pictures is drawn in proportion to n to this power
    made_up: float = 0.4  # share of `other` that is synthetic, or cut and pasted from other films
    joints: float = 0.35  # share of the films of a joint that show only the joint
    bent: float = 0.4  # share of the upright lateral knees that are bent further
    metal: float = 0.15  # share of the knees with a place of the joint that get a prosthesis
    look: float = 0.35  # share with the greys of another machine or film
    page: float = 0.3  # share that is a photograph or an exported page
    average: float = 0.995  # of the weights, per step
    ends: int = 2  # the weights at the ends of this many last phases are averaged
