"""Whether a frontal chest is mirrored: trains and measures model/mirrored.pb. See README.md.

    python model/training/mirrored.py train --manifest DATA/manifest.csv --chests CHESTS/manifest.csv --work WORK --start WORK/final.pt --part PART
    python model/training/mirrored.py finish --manifest DATA/manifest.csv --chests CHESTS/manifest.csv --work WORK

It needs no labels: a film as it was taken, and its mirror image. PART is 0, 1 (the sources of the other one are left out) or
`ships`: all but those whose terms restrict reuse, which no training sees.
"""
from __future__ import annotations

import argparse
import copy
import csv
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augment import altered
from data import HERE, SIDE, read_classes, read_grey, read_manifest, resize_like_tf1, to_input
from elsewhere import LOOKS
from look import another_look
from measure import wilson
from network import BLOCKS, MobileNet
from pages import exported, photographed
from train import as_tensor, follow, keep_memory, load, save

CATEGORY = "chest_pa_ap"
ROWS = 112  # and columns: means of 2 x 2 points of what the classifier gets
DEPTH = 8  # blocks of MobileNet
BATCH, RATE, SMOOTHING = 32, 1e-3, 0.02
RESTRICTED = ("actualmed", "chexpert", "cohen", "figure1", "medpix", "vindr")  # by their terms: they only measure
# Collections that may have films of the same hospital are in the same part.
PARTS = (("bimcv", "cohen", "covidcxnet", "figure1", "quex_covid", "hannover", "kermany_infants"), ("nih", "rsna_quex", "jsrt", "openist", "unifesp"))
MOST_FALSE_ALARMS = 0.003  # on the films that choose the threshold; the goal is 0.5 % on others


@dataclass(frozen=True)
class Film:
    id: str
    source: str
    grey: np.ndarray


def read_films(manifest: Path, chests: Path) -> list[Film]:
    """Upright frontal chests that nobody has seen to be mirrored."""
    classes = read_classes()
    with (HERE / "upright.csv").open(newline="") as file:
        turned = {row["id"] for row in csv.DictReader(file)}
    home = [(item.id, item.source, item.path) for item in read_manifest(manifest, classes) if classes[item.label] == CATEGORY and item.id not in turned]
    with (HERE / "chests.csv").open(newline="") as file:
        elsewhere = [(row["id"], row["source"], chests.parent / row["id"]) for row in csv.DictReader(file)]
    return [Film(name, source, read_grey(path)) for name, source, path in home + elsewhere]


class MirrorNet(nn.Module):
    """The first blocks of a classifier: [n, 3, rows, rows] in -1..1 -> how much it looks mirrored [n]."""

    def __init__(self, classifier: MobileNet) -> None:
        super().__init__()
        self.stem, self.depthwise, self.pointwise = classifier.stem, classifier.depthwise[:DEPTH], classifier.pointwise[:DEPTH]
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(BLOCKS[DEPTH - 1][1], 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for depthwise, pointwise in zip(self.depthwise, self.pointwise):
            x = pointwise(depthwise(x))
        return self.head(self.dropout(x.mean((2, 3))))[:, 0]


def logits(net: MirrorNet, inputs: np.ndarray) -> Tensor:
    """[n, 224, 224], prepared -> the log odds of "mirrored" [n]; of the mirror image they are the opposite."""
    n, factor = len(inputs), SIDE // ROWS
    small = inputs.reshape(n, ROWS, factor, ROWS, factor).mean((2, 4), dtype=np.float32)
    both = net(as_tensor(np.concatenate([small, small[:, :, ::-1]]))).float()
    return both[:n] - both[n:]


def paint(films: list[Film], index: int, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """A film or its mirror image, altered. What is written on a page or by `altered` is never mirrored: letters alone say little."""
    mirrored = bool(rng.random() < 0.5)
    grey = films[index].grey
    grey = np.ascontiguousarray(np.fliplr(grey)) if mirrored else grey
    if rng.random() < 0.4:
        grey = another_look(grey, films[int(rng.integers(len(films)))].grey, rng)
    if rng.random() < 0.1:
        grey = exported(grey, rng) if rng.random() < 0.5 else photographed(grey, rng)
    return altered(grey, CATEGORY, rng, SIDE, 0.25), mirrored


def used(films: list[Film], part: str) -> np.ndarray:
    """Which films a training sees."""
    left_out = RESTRICTED if part == "ships" else (*RESTRICTED, *PARTS[1 - int(part)])
    return np.array([film.source not in left_out for film in films])


def train(args: argparse.Namespace) -> None:
    keep_memory()
    torch.manual_seed(args.seed)
    films = read_films(args.manifest, args.chests)
    films = [film for film, use in zip(films, used(films, args.part)) if use]
    sources = np.array([film.source for film in films])
    chance = np.array([np.sum(sources == source) ** -0.5 for source in sources])
    net = MirrorNet(load(args.start, read_classes())).to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(net).eval()
    fresh = {id(p) for p in net.head.parameters()}
    groups = [{"params": [p for p in net.parameters() if (id(p) in fresh) == new], "rate": RATE * (3 if new else 1)} for new in (False, True)]
    optimiser = torch.optim.AdamW(groups, lr=RATE, weight_decay=0.02, fused=True)
    begin, kept = 0, args.work / f"mirrored-{args.part}.ckpt"
    if kept.exists():
        stored = torch.load(kept, weights_only=True)
        for name, what in (("net", net), ("averaged", averaged), ("optimiser", optimiser)):
            what.load_state_dict(stored[name])
        torch.set_rng_state(stored["random"])
        begin = stored["step"]

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((args.seed, step))
        pictures, mirrored = zip(*(paint(films, int(n), rng) for n in rng.choice(len(films), BATCH, p=chance / chance.sum())))
        return to_input(np.stack(pictures)), np.array(mirrored, np.float32)

    losses, since = [], time.time()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(batch, begin)
        for step in range(begin, args.steps):
            inputs, mirrored = job.result()
            job = pool.submit(batch, step + 1)
            net.train()
            for group in optimiser.param_groups:
                group["lr"] = group["rate"] * min(1.0, (step + 1) / 100) * max(0.01, 0.5 * (1 + math.cos(math.pi * step / args.steps)))
            with torch.autocast("cpu", torch.bfloat16):
                said = logits(net, inputs)
            loss = F.binary_cross_entropy_with_logits(said, torch.from_numpy(mirrored) * (1 - 2 * SMOOTHING) + SMOOTHING)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            follow(averaged, net, min(0.995, (step + 1) / (step + 10)))
            losses.append(loss.item())
            if step % 100 == 99:
                print(step + 1, f"loss {np.mean(losses[-100:]):.3f}", f"{time.time() - since:.0f} s", flush=True)
                save({"net": net.state_dict(), "averaged": averaged.state_dict(), "optimiser": optimiser.state_dict(), "random": torch.get_rng_state(), "step": step + 1}, kept)
    save(averaged.state_dict(), args.work / f"mirrored-{args.part}.pt")


def read_net(path: Path) -> MirrorNet:
    net = MirrorNet(MobileNet(1))
    net.load_state_dict(torch.load(path, weights_only=True))
    return net.eval()


@torch.no_grad()
def scores(net: MirrorNet, pictures: list[np.ndarray]) -> np.ndarray:
    """Of "mirrored", as the service computes it: [n]; of the mirror images it is 1 minus that."""
    parts = [pictures[n : n + 32] for n in range(0, len(pictures), 32)]
    said = [logits(net, np.stack([to_input(resize_like_tf1(picture)) for picture in part])) for part in parts]
    return torch.sigmoid(torch.cat(said)).numpy()


def figures(said: np.ndarray, threshold: float) -> dict:
    """Of films as they were taken. Their mirror images have the opposite scores, so as many of these are found as films are told."""
    n, alarms, told = len(said), int((said >= threshold).sum()), int((said <= 1 - threshold).sum())
    return {"films": n, "forced": float((said < 0.5).mean()), "told": told / n, "falseAlarms": alarms, "falseAlarmsInterval": wilson(alarms, n), "right": told / max(1, told + alarms)}


def choose(said: np.ndarray) -> float:
    """The least threshold that keeps to the limit."""
    return next(t for t in (*np.arange(0.6, 0.99, 0.01).round(2), 0.99, 0.995, 0.999) if (said >= t).mean() <= MOST_FALSE_ALARMS)


def frozen_graph(net: MirrorNet) -> bytes:
    """`input` [N, 112, 112, 3] in -1..1 -> `final_result` [N, 2]: as taken, mirrored, of the picture alone."""
    from export import _layer, serialised, tf

    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, ROWS, ROWS, 3], name="input")
        x = _layer(x, "conv1", net.stem, False)
        for number, (depthwise, pointwise) in enumerate(zip(net.depthwise, net.pointwise), 1):
            x = _layer(_layer(x, f"conv_dw_{number}", depthwise, True), f"conv_pw_{number}", pointwise, False)
        x = tf.raw_ops.AvgPool(value=x, ksize=[1, ROWS // 16, ROWS // 16, 1], strides=[1, 1, 1, 1], padding="VALID", name="AvgPool")
        x = tf.raw_ops.Reshape(tensor=x, shape=tf.constant([-1, net.head.in_features], tf.int32, name="shape"), name="features")
        half = net.head.weight.detach().numpy()[0] / 2
        x = tf.raw_ops.MatMul(a=x, b=tf.constant(np.stack([-half, half], 1), name="final/weights"), name="final/MatMul")
        tf.raw_ops.Softmax(logits=x, name="final_result")
    return serialised(graph)


def drawn(a: int, b: int, c: int) -> np.ndarray:
    """A picture that the tests of the service draw alike: [224, 224]."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return ((a * x + b * y + (x * y * c) // 64) % 256).astype(np.uint8)


def finish(args: argparse.Namespace) -> None:
    """Threshold, figures, and the files of the service."""
    from export import run_graph

    torch.set_num_threads(2)
    films = read_films(args.manifest, args.chests)
    nets = {part: read_net(args.work / f"mirrored-{part}.pt") for part in ("0", "1", "ships")}
    source = np.array([film.source for film in films])
    said = np.zeros(len(films))
    never = np.isin(source, RESTRICTED)
    for part, asked in (("0", np.isin(source, PARTS[1]) & ~never), ("1", np.isin(source, PARTS[0]) & ~never), ("ships", never)):
        rows = np.flatnonzero(asked)
        said[rows] = scores(nets[part], [films[n].grey for n in rows])
    threshold = float(choose(said[~never]))
    lines = ["| films | number | right where each is told | told | right of the told | false alarms |", "|---|---|---|---|---|---|"]

    def line(name: str, scored: np.ndarray) -> None:
        f = figures(scored, threshold)
        lines.append(f"| {name} | {f['films']} | {100 * f['forced']:.1f} | {100 * f['told']:.1f} | {100 * f['right']:.1f} | {f['falseAlarms']} |")

    line("all that no training saw", said[never])
    for name in sorted(set(source[never])):
        line(name, said[source == name])
    line("all by halves", said[~never])
    for name in sorted(set(source[~never])):
        line(name, said[source == name])
    chosen = np.flatnonzero(never)
    for kind, change in LOOKS.items():
        rng = np.random.default_rng(7)
        line(kind, scores(nets["ships"], [change(films[n].grey, rng) for n in chosen]))
    report = {"threshold": threshold, "never": figures(said[never], threshold), "halves": figures(said[~never], threshold)}
    report["alarms"] = [{"id": films[n].id, "score": float(said[n])} for n in np.argsort(-said)[:60]]
    (args.work / "mirrored-report.json").write_text(json.dumps(report, indent=1))
    print("\n".join(lines))

    net = nets["ships"]
    graph = frozen_graph(net)
    noise = np.random.default_rng(1).uniform(-1, 1, (1, ROWS, ROWS)).astype(np.float32)
    with torch.no_grad():
        ours = torch.sigmoid(net(as_tensor(noise)) - net.head.bias).numpy()
    off = float(np.abs(ours - run_graph(graph, np.repeat(noise[..., None], 3, 3))[:, 1]).max())
    if off > 1e-4:
        raise SystemExit(f"TensorFlow computes other scores: {off} off")
    (args.out / "mirrored.pb").write_bytes(graph)
    (args.out / "mirrored.json").write_text(json.dumps({"categories": [CATEGORY], "side": ROWS, "threshold": threshold}, indent=2) + "\n")
    cases = [{"a": a, "b": b, "c": c, "score": round(float(scores(net, [drawn(a, b, c)])[0]), 4)} for a, b, c in ((2, 5, 7), (2, 1, 5), (1, 0, 1), (0, 2, 3))]
    (HERE.parents[1] / "testkit" / "golden" / "mirrored.json").write_text(json.dumps(cases, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "finish"))
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--chests", type=Path, required=True, help="manifest.csv that films.py wrote from chests.csv")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE.parent)
    parser.add_argument("--start", type=Path, help="weights of a classifier to begin with")
    parser.add_argument("--part", choices=("0", "1", "ships"), default="ships")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    (train if args.what == "train" else finish)(args)


if __name__ == "__main__":
    main()
