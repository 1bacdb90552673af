"""Training of one network on a list of pictures, and its scores for another list."""
from __future__ import annotations

import copy
import ctypes
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data import Item, read_grey, resize_like_tf1, to_input
from network import MobileNet
from painter import Painter
from recipe import Phase, Recipe

DECUBITUS = "abdomen_left_lateral_decubitus"


def draw_plan(items: list[Item], classes: list[str], recipe: Recipe, other_weight: float, rng: np.random.Generator) -> np.ndarray:
    """Which pictures an epoch shows: indices [draws], every category's pictures in turn."""
    labels = np.array([item.label for item in items])
    counts = np.bincount(labels, minlength=len(classes))
    weight = np.where(counts > 0, np.maximum(counts, 1) ** recipe.balance, 0.0)
    weight[classes.index("other")] *= other_weight
    shares = rng.multinomial(recipe.draws, weight / weight.sum())
    chosen: list[int] = []
    for label, share in enumerate(shares):
        members = np.flatnonzero(labels == label)
        rounds = [rng.permutation(members) for _ in range(math.ceil(share / max(1, len(members))))]
        chosen += np.concatenate(rounds)[:share].tolist() if share else []
    return rng.permutation(np.array(chosen))


def as_tensor(grey: np.ndarray) -> Tensor:
    """[n, side, side] float32 -> [n, 3, side, side], channels last in memory."""
    return torch.from_numpy(grey)[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def targets(items: list[Item], classes: list[str], smoothing: float) -> Tensor:
    """[n, classes]. The network cannot learn a category from a single decubitus picture. So that picture counts half as
    `other`, and a picture that is similar only to it never gets a high score."""
    result = F.one_hot(torch.tensor([item.label for item in items]), len(classes)).float()
    lonely = classes.index(DECUBITUS)
    for row, item in enumerate(items):
        if item.label == lonely:
            result[row, lonely] = 0.5
            result[row, classes.index("other")] = 0.5
    return result * (1 - smoothing) + smoothing / len(classes)


def parameter_groups(net: MobileNet, phase: Phase) -> list[dict]:
    fresh = {id(p) for module in (net.head, net.pointwise[-1]) for p in module.parameters()}
    return [
        {"params": [p for p in net.parameters() if id(p) not in fresh], "rate": phase.rate},
        {"params": [p for p in net.parameters() if id(p) in fresh], "rate": phase.rate_new},
    ]


def keep_memory() -> None:
    """Makes glibc keep large blocks. Else it returns and requests them at every step, which costs a quarter of the time."""
    libc = ctypes.CDLL(None)
    for name, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
        libc.mallopt(name, value)


@dataclass
class Progress:
    """Everything that a phase needs to go on after its last finished epoch exactly as if it had not stopped."""

    path: Path
    net: MobileNet
    averaged: MobileNet
    optimiser: torch.optim.Optimizer
    epoch: int = 0  # finished epochs

    def resume(self) -> None:
        if self.path.exists():
            stored = torch.load(self.path, weights_only=True)
            for name in ("net", "averaged", "optimiser"):
                getattr(self, name).load_state_dict(stored[name])
            torch.set_rng_state(stored["random"])
            self.epoch = stored["epoch"]

    def keep(self, epoch: int) -> None:
        self.epoch = epoch
        state = {name: getattr(self, name).state_dict() for name in ("net", "averaged", "optimiser")}
        save({**state, "random": torch.get_rng_state(), "epoch": epoch}, self.path)


def save(what: dict, path: Path) -> None:
    """Writes beside the file first, so that the file is whole or absent."""
    part = path.with_suffix(".part")
    torch.save(what, part)
    part.rename(path)


def train(items: list[Item], classes: list[str], begin: MobileNet, recipe: Recipe, number: int, seed: int, name: str, kept: Path) -> MobileNet:
    """Phase `number` of a training on `items`: the average of the weights over the last steps, ready to score.
    After each epoch its state is in the file `kept`. If that file is there, the phase goes on from it."""
    keep_memory()
    torch.manual_seed(seed + number)
    phase, seed = recipe.phases[number], seed + 1000 * number
    net = begin.to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(net).eval()
    optimiser = torch.optim.AdamW(parameter_groups(net, phase), lr=phase.rate, weight_decay=recipe.decay, fused=True)
    progress = Progress(kept, net, averaged, optimiser)
    progress.resume()
    painter = Painter(items, classes, recipe, phase.plain, seed)
    goal = targets(items, classes, recipe.smoothing)
    per_epoch = recipe.draws // recipe.batch
    steps, step, begun = phase.epochs * per_epoch, progress.epoch * per_epoch, time.time()
    with ThreadPoolExecutor(1) as pool:
        for epoch in range(progress.epoch, phase.epochs):
            plan = draw_plan(items, classes, recipe, phase.other_weight, np.random.default_rng((seed, epoch, 1 << 30)))
            cuts = [plan[b * recipe.batch:(b + 1) * recipe.batch] for b in range(per_epoch)]
            side = next(size for until, size in phase.sides if epoch < round(until * phase.epochs))
            ahead = [pool.submit(painter.batch, cut, epoch, b * recipe.batch, side) for b, cut in enumerate(cuts)]
            net.train()
            losses: list[float] = []
            for job, cut in zip(ahead, cuts):
                warm = min(1.0, (step + 1) / 60)
                fade = 0.5 * (1 + math.cos(math.pi * step / steps))
                for group in optimiser.param_groups:
                    group["lr"] = group["rate"] * warm * max(fade, 0.01)
                with torch.autocast("cpu", torch.bfloat16):
                    scores = net(as_tensor(to_input(job.result())))
                loss = F.cross_entropy(scores.float(), goal[torch.from_numpy(cut)])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 5.0)
                optimiser.step()
                step += 1
                follow(averaged, net, min(recipe.average, (step + 1) / (step + 10)))
                losses.append(loss.item())
            ahead.clear()
            progress.keep(epoch + 1)
            print(f"{name} phase {number + 1}: epoch {epoch + 1}/{phase.epochs} side {side} loss {np.mean(losses):.3f} {time.time() - begun:.0f} s", file=sys.stderr, flush=True)
    return averaged


@torch.no_grad()
def mean_of(nets: list[MobileNet]) -> MobileNet:
    """The network whose weights are the means of the given networks' weights. If one network continues from the other,
    this mean is about as good as an ensemble of both (Izmailov et al. 2018, Averaging weights; Wortsman et al. 2022)."""
    mean = copy.deepcopy(nets[0])
    for number, net in enumerate(nets[1:], 2):
        follow(mean, net, 1 - 1 / number)
    return mean


@torch.no_grad()
def follow(averaged: nn.Module, net: nn.Module, keep: float) -> None:
    """Move the averaged weights and statistics a little towards the current ones."""
    for ours, theirs in zip(averaged.state_dict().values(), net.state_dict().values()):
        if ours.dtype.is_floating_point:
            ours.lerp_(theirs, 1 - keep)
        else:
            ours.copy_(theirs)


def score(net: MobileNet, items: list[Item], change: Callable[[np.ndarray], np.ndarray] = np.asarray) -> np.ndarray:
    """The scores of the manifest's pictures before the softmax; `change` alters each picture before: [n, classes]."""
    return score_pictures(net, (change(read_grey(item.path)) for item in items))


@torch.no_grad()
def score_pictures(net: MobileNet, pictures: Iterable[np.ndarray], batch: int = 32) -> np.ndarray:
    """The scores before the softmax, in float32, with the service's own preprocessing: [n, classes]."""
    net.eval()
    result: list[np.ndarray] = []
    rest = iter(pictures)
    while some := list(itertools.islice(rest, batch)):
        result.append(net(as_tensor(np.stack([to_input(resize_like_tf1(picture)) for picture in some]))).numpy())
    return np.concatenate(result) if result else np.zeros((0, net.head.out_features), np.float32)


def load(path: Path, classes: list[str]) -> MobileNet:
    net = MobileNet(len(classes))
    net.load_state_dict(torch.load(path, weights_only=True))
    return net.eval()
