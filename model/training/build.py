"""From the manifest to model/plainview.pb in one command; see README.md.

Each finished training writes its files into the work folder and is not repeated. So a second call continues an
interrupted build.
"""
from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from augment import small_and_dark
from data import HERE, Item, folds, read_classes, read_manifest
from elsewhere import pictures_from
from measure import (
    Thresholds, calibration_error, choose, fit_temperature, outcome, per_class, reliability, softmax, summary,
)
from network import MobileNet, start
from recipe import Recipe
from train import DECUBITUS, load, mean_of, save, score, score_pictures, train

FINAL_EPOCHS = 8  # of the second phase of the published network
# The sources that no training uses: their terms restrict reuse.
ONLY_MEASURED = frozenset({"radiopaedia", "medpix", "covid_chestxray", "actualmed"})
# The sources of `films.csv` that the first measured training does not use; the second one uses none of the others. So every
# source is measured by a network that has not seen it.
LEFT_OUT = frozenset({
    "bonebreak", "rboflow", "jordan", "rsna_boneage", "pano_atul", "qsaifudin", "periapical_gerard", "fracatlas_app", "dicom_samples",
    "kermany_infants", "fracatlas", "fracatlas_full", "multiregion_web", "hbfmid", "xlr_hands",
})
# The sources that came after version 5: the last two phases alone show them.
ADDED = frozenset({"forearm_markers", "nirant_kneeimplants", "fracatlas", "fracatlas_full", "multiregion_web", "hbfmid", "xlr_hands"})
BEFORE = Thresholds(0.86, 0.0, 0.39)  # of version 5, which is compared with
UNSEEN = ("mura", "hannover")  # of the manifest, neither in the first phases nor in the first measured training


@dataclass(frozen=True)
class Job:
    """Some phases of a training, and the pictures for its measurement, which it does not use."""

    name: str
    begin: str | None  # the job whose network it goes on from; None: the starting weights
    phases: range
    learn: list[Item]
    ask: list[Item]
    alter: list[Item]  # of these, altered ones are scored too
    seed: int
    recipe: Recipe


def do(job: Job, classes: list[str], weights: Path, work: Path) -> str:
    """Trains the phases that are not trained yet. Then scores the pictures `ask`, and `alter` in other forms."""
    torch.set_num_threads(1)  # two parallel trainings are faster than one with two threads
    cv2.setNumThreads(1)
    net, ends = start(len(classes), weights, job.seed) if job.begin is None else load(work / f"{job.begin}.pt", classes), []
    for number in job.phases:
        kept = work / f"{job.name}-p{number}.pt"
        if not kept.exists():
            unfinished = kept.with_suffix(".epoch")
            net = train(job.learn, classes, net, job.recipe, number, job.seed, job.name, unfinished)
            save(net.state_dict(), kept)
            unfinished.unlink()
        net = load(kept, classes)
        ends.append(copy.deepcopy(net))
    mean = mean_of(ends[-job.recipe.ends:])
    torch.save(mean.state_dict(), work / f"{job.name}.pt")
    scores = work / f"{job.name}.npz"
    if job.ask and not scores.exists():
        np.savez(scores, ids=[item.id for item in job.ask], scores=score(mean, job.ask))
    altered = work / f"{job.name}-altered.npz"
    if job.alter and not altered.exists():
        kinds = pictures_from(job.alter, classes)
        scored = {kind: score_pictures(mean, [picture for picture, _ in made]) for kind, made in kinds.items()}
        labels = {f"labels of {kind}": np.array([classes.index(category) for _, category in made], int) for kind, made in kinds.items()}
        after = [score(end, job.alter) for end in ends]
        np.savez(altered, degraded=score(mean, job.alter, small_and_dark), after=after, **scored, **labels)
    return job.name


def scores_of(name: str, asked: list[Item], work: Path) -> np.ndarray:
    """What a job's network says of some of its pictures, before the softmax: [n, classes]."""
    stored = np.load(work / f"{name}.npz")
    row = {str(id): k for k, id in enumerate(stored["ids"])}
    missing = [item.id for item in asked if item.id not in row]
    if missing:
        raise SystemExit(f"{work / name}.npz belongs to other pictures. Delete it.")
    return stored["scores"][[row[item.id] for item in asked]]


def crossed(scores: np.ndarray, labels: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Calibrated scores [n, classes]. The temperature of each part comes only from the other parts."""
    p, temperatures = np.zeros(scores.shape), []
    for k in range(int(part.max()) + 1):
        rest = part != k
        t = fit_temperature(scores[rest], labels[rest])
        p[part == k] = softmax(scores[part == k], t)
        temperatures.append(t)
    return p, temperatures


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: id, file, label, source, patient")
    parser.add_argument("--joined", type=Path, required=True, help="the manifest that films.py wrote")
    parser.add_argument("--weights", type=Path, required=True, help="ImageNet weights of MobileNet v1, .npz")
    parser.add_argument("--work", type=Path, required=True, help="folder for the files of the trainings")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="folder for plainview.pb and plainview.json")
    parser.add_argument("--version", default="6")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1, help="random seed of the folds and of all trainings")
    parser.add_argument("--workers", type=int, default=2, help="number of parallel trainings; each uses one core")
    return parser.parse_args()


def main() -> None:
    args = parse()
    args.work.mkdir(parents=True, exist_ok=True)
    classes = read_classes()
    items = read_manifest(args.manifest, classes)
    other, lonely = classes.index("other"), classes.index(DECUBITUS)
    measured = Recipe()
    first, second, *rest = measured.phases
    shipped = replace(measured, phases=(first, replace(second, epochs=FINAL_EPOCHS), *rest))
    fold = folds(items, args.folds, args.seed)
    known = [item.source not in UNSEEN for item in items]
    home = [item for item, familiar, f in zip(items, known, fold) if familiar and f == 0]
    strange = [item for item, familiar in zip(items, known) if not familiar]
    learnt = [item for item, familiar, f in zip(items, known, fold) if familiar and f != 0]
    joined = read_manifest(args.joined, classes)
    usable = [item for item in joined if item.source not in ONLY_MEASURED]
    one, two = ([item for item in usable if (item.source in LEFT_OUT) == last] for last in (False, True))
    never = [item for item in joined if item.source in ONLY_MEASURED]
    shown = next(k for k, phase in enumerate(measured.phases) if phase.joined)

    def before(some: list[Item]) -> list[Item]:
        return [item for item in some if item.source not in ADDED]

    def job(name: str, begin: str | None, phases: range, learn: list[Item], ask: list[Item], alter: list[Item] = [], recipe: Recipe = measured) -> Job:
        return Job(name, begin, phases, learn, ask, alter, args.seed, recipe)

    early, middle, late = range(shown), range(shown, shown + 2), range(shown + 2, len(measured.phases))
    asked_one, asked_two = home + strange + two + never, home + one + never
    steps = [
        [job("early", None, early, learnt, []), job("final-early", None, early, items, [], recipe=shipped)],
        [
            job("before", "early", middle, learnt + before(one), asked_one), job("before-2", "early", middle, learnt + strange + before(two), asked_two),
            job("final-before", "final-early", middle, items + before(usable), []),
        ],
        [
            job("measured", "before", late, learnt + one, asked_one, home + strange), job("measured-2", "before-2", late, learnt + strange + two, asked_two),
            job("final", "final-before", late, items + usable, []),
        ],
    ]
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for jobs in steps:
            for done in [pool.submit(do, each, classes, args.weights, args.work) for each in jobs]:
                print(f"{done.result()}: done", file=sys.stderr, flush=True)

    # Each source that some training does not use, with that training; the thresholds come from all of them.
    unseen = (strange + two + never, one)
    home_labels, asked = np.array([item.label for item in home]), home + strange
    plain, altered = scores_of("measured", home, args.work), np.load(args.work / "measured-altered.npz")
    here = np.array([item.source not in UNSEEN for item in asked])
    labels = np.array([item.label for item in asked])
    degraded, after = altered["degraded"], altered["after"]
    kinds = {kind: (altered[kind], altered[f"labels of {kind}"]) for kind in altered.files if f"labels of {kind}" in altered.files}
    temperatures = {name: fit_temperature(scores_of(name, home, args.work), home_labels) for name in ("before", "before-2", "measured", "measured-2")}
    temperature = temperatures["measured"]
    away = [item for some in unseen for item in some]
    away_labels = np.array([item.label for item in away])

    def of_unseen(*networks: str) -> np.ndarray:
        return np.concatenate([softmax(scores_of(by, some, args.work), temperatures[by]) for by, some in zip(networks, unseen)])

    away_p, away_before = of_unseen("measured", "measured-2"), of_unseen("before", "before-2")
    # From films as they are, as they are elsewhere, and as they may come from elsewhere: at home alone, almost any threshold would do.
    pooled = np.concatenate([softmax(plain, temperature), away_p, *(softmax(one, temperature) for one, _ in kinds.values())])
    pooled_labels = np.concatenate([home_labels, away_labels, *(theirs for _, theirs in kinds.values())])
    rule = choose(pooled, pooled_labels, other)
    part = folds(home, args.folds, args.seed)
    p, part_temperatures = crossed(plain, home_labels, part)

    def figures(p: np.ndarray, labels: np.ndarray, at: Thresholds = rule) -> dict:
        return summary(p, labels, at, other, lonely)

    def figures_of(sources: set[str]) -> dict:
        some = np.array([item.source in sources for item in away])
        return {"plain": figures(away_p[some], away_labels[some]), "before": figures(away_before[some], away_labels[some], BEFORE)}

    def curve(p: np.ndarray, labels: np.ndarray) -> list[dict]:
        return [{"threshold": t, **outcome(p, labels, Thresholds(t, 0.0, 0.0), other)} for t in np.round(np.arange(0.3, 1.0, 0.01), 2).tolist()]

    report: dict = {
        "seed": args.seed, "recipe": asdict(measured), "finalEpochs": FINAL_EPOCHS,
        "temperature": temperature, "partTemperatures": part_temperatures, "rule": asdict(rule),
        "uncalibratedError": calibration_error(softmax(plain), home_labels),
        "home": figures(p, home_labels), "homeDegraded": figures(softmax(degraded[here], temperature), home_labels),
        "homeBefore": figures(softmax(scores_of("before", home, args.work), temperatures["before"]), home_labels, BEFORE),
        "phases": [figures(crossed(one[here], home_labels, part)[0], home_labels) for one in after],
        "curve": curve(p, home_labels), "awayCurve": curve(away_p, away_labels),
        "reliability": reliability(p, home_labels), "reliabilityUncalibrated": reliability(softmax(plain), home_labels),
        "categories": per_class(p, home_labels, classes),
        "awayCategories": per_class(away_p, away_labels, classes),
        "confusion": np.bincount(home_labels * len(classes) + p.argmax(1), minlength=len(classes) ** 2).reshape(len(classes), -1).tolist(),
        "mistakes": [
            {"id": home[i].id, "label": classes[home_labels[i]], "said": classes[p[i].argmax()], "score": float(p[i].max())}
            for i in np.flatnonzero(p.argmax(1) != home_labels)
        ],
        "elsewhere": [{"kind": kind, **figures(softmax(one, temperature), theirs)} for kind, (one, theirs) in kinds.items()],
        "unseenSources": [{"source": source, **figures_of({source})} for source in dict.fromkeys(item.source for item in away)],
        "unseenTogether": figures_of({item.source for item in away}),
    }
    for source in report["unseenSources"]:
        chosen = np.array([item.source == source["source"] for item in asked])
        if chosen.any():
            source["degraded"] = figures(softmax(degraded[chosen], temperature), labels[chosen])
    report["export"] = write_network(load(args.work / "final.pt", classes), items, temperature, rule, args)
    (args.work / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({key: report[key] for key in ("temperature", "rule", "home", "export")}, indent=2))


def write_network(net: MobileNet, items: list[Item], temperature: float, rule: Thresholds, args: argparse.Namespace) -> dict:
    """Writes plainview.pb and plainview.json, if TensorFlow computes the same scores as the trained network."""
    from export import disagreement, frozen_graph, sha256, unchanged_tensors  # slow to load, and the trainings do not need it

    graph = frozen_graph(net, temperature)
    sample = [items[i] for i in np.random.default_rng(0).permutation(len(items))[:50]]
    difference, input_difference = disagreement(graph, sample, softmax(score(net, sample), temperature))
    proof = {
        "pictures": len(sample), "largestScoreDifference": difference, "largestInputDifference": input_difference,
        "unchangedTensors": unchanged_tensors(net, args.weights),
    }
    if difference > 1e-4 or proof["unchangedTensors"]:
        raise SystemExit(f"the graph differs from the trained network: {proof}")
    (args.out / "plainview.pb").write_bytes(graph)
    about = {
        "name": f"plainview-mobilenet-v1-{args.version}", "sha256": sha256(graph), "purpose": "research", "thresholds": asdict(rule),
        "note": "For evaluation and research, trained on about 4,300 small public pictures; it has not learnt the left lateral decubitus and is not a medical device.",
    }
    (args.out / "plainview.json").write_text(json.dumps(about, indent=2) + "\n")
    return proof


if __name__ == "__main__":
    main()
