"""The side that a marker on the film tells: trains model/side.pb, and measures it. See README.md.

    python model/training/side.py train --manifest DATA/manifest.csv --joined FILMS/manifest.csv --fonts FOLDER --work WORK
    python model/training/side.py finish --manifest DATA/manifest.csv --joined FILMS/manifest.csv --work WORK --out model

`side.csv` says what the markers of 648 films are, as they were read by eye: a part of them chooses the thresholds, and the
rest is measured on, the part `elsewhere` being all films of the collections that nothing trains on. No film of their patients is trained on. `markers.csv` names places of the other films: markers that an
earlier round of this training found, read by eye, and places where it was wrong.
"""
from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from build import ONLY_MEASURED
from data import HERE, read_grey
from marker_net import SIDE, STRIDE, MarkerNet, maps_of, placed, to_input
from markers import LETTERS, clutter, fonts, true_marker
from measure import wilson

CROP = 128
CLASSES = 1 + len(LETTERS)
IGNORED = -1
SIDES = {"R": "RD", "L": "LE"}  # of each side, its letters
LEAST_RIGHT = 0.98
GRID = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998]
OTHERS = [0.2, 0.3, 0.5, 0.7, 0.9]
# Decided after a look at the test and at films from elsewhere: see docs/side.md.
SHIPPED = (0.985, 0.9)
BITMAPS = [
    ["####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"],
    ["#....", "#....", "#....", "#....", "#....", "#....", "#####"],
    ["####.", "#...#", "#...#", "#...#", "#...#", "#...#", "####."],
    ["#####", "#....", "#....", "####.", "#....", "#....", "#####"],
    [".####", "#...#", "#...#", ".####", "..#.#", ".#..#", "#...#"],  # an R that is mirrored
]
PLACES = [{"x": 60, "y": 40, "scale": 2, "grey": 30, "box": 130}, {"x": 301, "y": 207, "scale": 3, "grey": 90, "box": 20}]


def read_manifest(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_film(manifest: Path, row: dict[str, str]) -> np.ndarray:
    return placed(read_grey(manifest.parent / row["file"]))


def read_films(manifest: Path, joined: Path) -> list[tuple[str, np.ndarray]]:
    """The films of all patients of whom none is in `side.csv`, and those of other hospitals whose terms allow it."""
    rows = read_manifest(manifest)
    kept_apart = {row["id"] for row in read_manifest(HERE / "side.csv")}
    patients = {row["patient"] for row in rows if row["id"] in kept_apart}
    films = [(row["id"], read_film(manifest, row)) for row in rows if row["patient"] not in patients]
    return films + [(row["id"], read_film(joined, row)) for row in read_manifest(joined) if row["source"] not in ONLY_MEASURED]


def read_seen(path: Path = HERE / "markers.csv") -> dict[str, list[tuple[str, float, float]]]:
    """Places in the training films: id -> letter, x, y in a film as it is placed. The letter `-` is none, `?` unclear."""
    seen: dict[str, list[tuple[str, float, float]]] = {}
    for row in read_manifest(path):
        seen.setdefault(row["id"], []).append((row["letter"], float(row["x"]), float(row["y"])))
    return seen


class Painter:
    """Crops of films with markers drawn onto them, and what each cell shows."""

    def __init__(self, films: list[tuple[str, np.ndarray]], seen: dict[str, list[tuple[str, float, float]]], faces: list[str], seed: int) -> None:
        self.films, self.seen, self.faces, self.rng = films, seen, faces, np.random.default_rng(seed)
        self.marked = [n for n, (name, _) in enumerate(films) if any(letter != "?" for letter, _, _ in seen.get(name, []))]

    def crop(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        near = self.marked and rng.random() < 0.3
        name, film = self.films[int(rng.choice(self.marked)) if near else int(rng.integers(len(self.films)))]
        marks = self.seen.get(name, [])
        x0, y0 = (int(v) for v in rng.integers(0, SIDE - CROP + 1, 2))
        if near:
            _, x, y = marks[int(rng.integers(len(marks)))]
            x0, y0 = (int(np.clip(v - rng.integers(8, CROP - 8), 0, SIDE - CROP)) for v in (x, y))
        size = CROP
        if rng.random() < 0.4:  # the film as a smaller or larger part of the picture
            size = int(np.clip(CROP * np.exp(rng.uniform(-0.35, 0.35)), 64, SIDE))
            x0, y0 = min(x0, SIDE - size), min(y0, SIDE - size)
        grey = film[y0 : y0 + size, x0 : x0 + size].astype(np.float32)
        scale = CROP / size
        if scale != 1:
            grey = cv2.resize(grey, (CROP, CROP), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        found = [(letter, (x - x0) * scale, (y - y0) * scale) for letter, x, y in marks]
        mirrored = rng.random() < 0.3
        if mirrored:
            grey = np.ascontiguousarray(grey[:, ::-1])
            found = [("-", CROP - 1 - x, y) for _, x, y in found]
        if rng.random() < 0.15:
            grey = 255 - grey
        if rng.random() < 0.5:
            gain, offset = rng.uniform(0.3, 1.4), rng.uniform(-40, 60)
            grey = np.clip((grey - grey.mean()) * gain + grey.mean() + offset, 0, 255)
        for _ in range(int(rng.integers(0, 4))):
            clutter(grey, self.faces, rng)
        cells = CROP // STRIDE
        target = np.zeros((cells, cells), np.int64)
        for letter, x, y in found:
            self.mark(target, 0 if letter == "-" else IGNORED if letter == "?" else 1 + LETTERS.index(letter), x, y, 4.0)
        if rng.random() < 0.7:
            drawn = true_marker(grey, self.faces, rng)
            if drawn is not None:
                which, (left, top, right, bottom) = drawn
                self.mark(target, 1 + which, (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top) / 4)
        if rng.random() < 0.4:
            grey = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.3, 1.1))
        if rng.random() < 0.4:
            grey = grey + rng.normal(0, rng.uniform(1, 10), grey.shape)
        grey = np.clip(grey, 0, 255).astype(np.uint8)
        if rng.random() < 0.4:
            grey = cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 95))])[1], cv2.IMREAD_GRAYSCALE)
        return grey, target

    @staticmethod
    def mark(target: np.ndarray, value: int, x: float, y: float, radius: float) -> None:
        """The cell at the letter's centre has its class; those around it are not asked."""
        cells = len(target)
        column, row = int(x // STRIDE), int(y // STRIDE)
        around = int(np.ceil(radius / STRIDE)) + (0 if value == 0 else 1)
        if value != 0:
            target[max(0, row - around) : row + around + 1, max(0, column - around) : column + around + 1] = IGNORED
        if 0 <= row < cells and 0 <= column < cells:
            target[row, column] = value


def batches(films, seen, faces, seed: int, size: int):
    painter = Painter(films, seen, faces, seed)
    while True:
        pairs = [painter.crop() for _ in range(size)]
        yield np.stack([grey for grey, _ in pairs]), np.stack([target for _, target in pairs])


class Batches(torch.utils.data.IterableDataset):
    def __init__(self, *args) -> None:
        self.args = args

    def __iter__(self):
        films, seen, faces, seed, size = self.args
        info = torch.utils.data.get_worker_info()
        return batches(films, seen, faces, seed + 1000 * (1 + (info.id if info else 0)), size)


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    films, seen = read_films(args.manifest, args.joined), read_seen()
    net = MarkerNet(CLASSES).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, args.steps, pct_start=0.1)
    begin, kept = 0, args.work / f"{args.name}.ckpt"
    if kept.exists():
        stored = torch.load(kept, weights_only=True)
        net.load_state_dict(stored["net"])
        optimizer.load_state_dict(stored["optimizer"])
        schedule.load_state_dict(stored["schedule"])
        begin = stored["step"]
    elif args.start is not None:
        net.load_state_dict(torch.load(args.start, weights_only=True))
    loader = torch.utils.data.DataLoader(Batches(films, seen, fonts(args.fonts), args.seed + 7 * begin, args.batch), batch_size=None, num_workers=1, prefetch_factor=8)
    net.train()
    shown, since = [], time.time()
    for step, (grey, target) in enumerate(loader, begin):
        if step >= args.steps:
            break
        x = torch.from_numpy(to_input(grey.numpy()))[:, None]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            logits = net(x).float()
        loss = F.cross_entropy(logits, target, ignore_index=IGNORED, reduction="none")
        positive = target > 0
        with torch.no_grad():
            if args.ignore and step > args.ignore:  # a marker of the film itself that nobody has labelled
                loss_weight = ((target == 0) & (torch.softmax(logits, 1)[:, 0] < 0.3)).logical_not()
            else:
                loss_weight = torch.ones_like(target, dtype=torch.bool)
        loss = loss * loss_weight
        hard = loss[~positive].flatten().topk(16 * len(grey)).values
        total = loss[positive].mean() + 4 * hard.mean()
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        shown.append((float(total), float((logits.argmax(1) == target)[positive].float().mean())))
        if step % 100 == 99:
            print(step + 1, *(f"{np.mean(v):.3f}" for v in zip(*shown)), f"{time.time() - since:.0f}s", flush=True)
            shown = []
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(), "step": step + 1}, kept)
    torch.save(net.state_dict(), args.work / f"{args.name}.pt")


@dataclass(frozen=True)
class Rule:
    """The service's: the least score of the side that is told, and the score from which the other one is there too."""

    marked: float
    other: float

    def answer(self, scores: np.ndarray) -> np.ndarray:
        told = (scores.max(1) >= self.marked) & (scores.min(1) < self.other)
        return np.where(told, np.array(["R", "L"])[scores.argmax(1)], "none")


def sides_of(net: MarkerNet, film: np.ndarray) -> tuple[float, float]:
    """How sure it is that somewhere on the film there is a marker of the right, and of the left."""
    maps = maps_of(net, film[None])[0]
    return tuple(float(sum(maps[1 + LETTERS.index(letter)] for letter in letters).max()) for letters in SIDES.values())


def figures(answer: np.ndarray, truth: np.ndarray) -> dict:
    told, there = answer != "none", truth != "none"
    right = int((answer == truth)[told].sum())
    return {"films": len(truth), "marked": int(there.sum()), "told": int(told.sum()), "right": right, "rightInterval": wilson(right, int(told.sum()))}


def choose(scores: np.ndarray, truth: np.ndarray) -> Rule:
    """The thresholds that tell most with at least 98 % right; of the first one then a step more, since there are few films."""

    def right(rule: Rule) -> float:
        answer = rule.answer(scores)
        told = answer != "none"
        return float((answer == truth)[told].mean()) if told.any() else 0.0

    rules = [
        next((Rule(more, other) for marked, more in zip(GRID, GRID[1:]) if right(Rule(marked, other)) >= LEAST_RIGHT), None)
        for other in OTHERS
    ]
    return max((rule for rule in rules if rule is not None), key=lambda rule: (rule.answer(scores) != "none").sum())


def table(answer: np.ndarray, truth: np.ndarray, groups: dict[str, np.ndarray]) -> str:
    """The tables of docs/side.md, as Markdown."""
    names = ["R", "L", "none"]
    lines = ["| the marker says | read as right | left | none |", "|---|---|---|---|"]
    lines += [f"| {one} | {' | '.join(str(int(((truth == one) & (answer == other)).sum())) for other in names)} |" for one in names]
    lines += ["", "| films | all | with one marker | told | right | found |", "|---|---|---|---|---|---|"]
    for name, rows in groups.items():
        f = figures(answer[rows], truth[rows])
        lines.append(f"| {name} | {f['films']} | {f['marked']} | {f['told']} | {f['right']} | {100 * f['right'] / max(1, f['marked']):.0f} % |")
    return "\n".join(lines)


def finish(args: argparse.Namespace) -> None:
    """Thresholds, figures, and the files of the service."""
    from side_graph import frozen_graph, run_maps

    torch.set_num_threads(1)
    net = MarkerNet(CLASSES)
    rounds = [torch.load(args.work / f"{name}.pt", weights_only=True) for name in args.names]
    net.load_state_dict({key: torch.stack([one[key].float() for one in rounds]).mean(0) for key in rounds[0]})
    net.eval()
    films = {row["id"]: (path, row) for path in (args.manifest, args.joined) for row in read_manifest(path)}
    rows = read_manifest(HERE / "side.csv")
    scores = np.array([sides_of(net, read_film(*films[row["id"]])) for row in rows])
    truth = np.array([next((side for side, letters in SIDES.items() if row["letter"] in letters), "none") for row in rows])
    part, source, letter = (np.array(column) for column in zip(*((row["part"], films[row["id"]][1]["source"], row["letter"]) for row in rows)))
    chosen_on, test, elsewhere = (part == name for name in ("validation", "test", "elsewhere"))
    rule = choose(scores[chosen_on], truth[chosen_on])
    shipped = Rule(*SHIPPED)
    answer = shipped.answer(scores)
    for one in (rule, shipped):
        print(one, *(figures(one.answer(scores[rows]), truth[rows]) for rows in (chosen_on, test, elsewhere)), sep="\n")
    for asked in (test, elsewhere):
        groups = {"all": asked, **{name: asked & (source == name) for name in sorted(set(source[asked]))}, **{f"letter {name}": asked & (letter == name) for name in LETTERS}}
        print(table(answer[asked], truth[asked], {name: rows[asked] for name, rows in groups.items()}))
        for n in np.flatnonzero(asked & (answer != truth)):
            print(rows[n]["id"], letter[n], "read as", answer[n], scores[n].round(3))

    graph = frozen_graph(net)
    noise = np.random.default_rng(1).integers(0, 256, (1, SIDE, SIDE)).astype(np.uint8)
    with torch.no_grad():
        ours = net(torch.from_numpy(to_input(noise))[:, None]).numpy().transpose(0, 2, 3, 1)
    off = float(np.abs(ours - run_maps(graph, np.repeat(to_input(noise)[..., None], 3, 3))).max())
    if off > 1e-3:
        raise SystemExit(f"TensorFlow computes other maps: {off} off")
    (args.out / "side.pb").write_bytes(graph)
    outputs = ["none", *(next(side for side, letters in SIDES.items() if one in letters) for one in LETTERS)]
    (args.out / "side.json").write_text(json.dumps({"outputs": outputs, "thresholds": shipped.__dict__}, indent=2) + "\n")
    cases = [{"bitmap": bitmap, **where, "scores": dict(zip(SIDES, (round(score, 4) for score in sides_of(net, drawn(bitmap, **where)))))} for bitmap in BITMAPS for where in PLACES]
    (HERE.parents[1] / "testkit" / "golden" / "side.json").write_text(json.dumps(cases, indent=1) + "\n")


def drawn(bitmap: list[str], x: int, y: int, scale: int, grey: int, box: int) -> np.ndarray:
    """A letter in a box, simple enough to be drawn alike by the tests of the service."""
    film = np.full((SIDE, SIDE), grey, np.uint8)
    ink = np.kron(np.array([[c == "#" for c in row] for row in bitmap]), np.ones((scale, scale), bool))
    height, width = ink.shape
    film[y - 4 : y + height + 4, x - 4 : x + width + 4] = box
    film[y : y + height, x : x + width][ink] = 250
    return film


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("train")
    one.add_argument("--manifest", type=Path, required=True)
    one.add_argument("--joined", type=Path, required=True, help="manifest.csv that films.py wrote from films.csv")
    one.add_argument("--fonts", type=Path, nargs="+", required=True)
    one.add_argument("--work", type=Path, required=True)
    one.add_argument("--name", default="side")
    one.add_argument("--start", type=Path)
    one.add_argument("--steps", type=int, default=3000)
    one.add_argument("--batch", type=int, default=32)
    one.add_argument("--rate", type=float, default=4e-3)
    one.add_argument("--ignore", type=int, default=0)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--bf16", action="store_true")
    two = commands.add_parser("finish")
    two.add_argument("--manifest", type=Path, required=True)
    two.add_argument("--joined", type=Path, required=True)
    two.add_argument("--names", nargs="+", default=["side"], help="trainings, each begun with the one before, whose weights are averaged")
    two.add_argument("--work", type=Path, required=True)
    two.add_argument("--out", type=Path, default=HERE.parent)
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    {"train": train, "finish": finish}[arguments.command](arguments)
