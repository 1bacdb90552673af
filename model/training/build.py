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
UNSEEN = ("mura", "hannover")  # sources that one additional training does not use, to measure on them


@dataclass(frozen=True)
class Job:
    """One training, and the pictures for its measurement, which it does not use."""

    name: str
    learn: list[Item]
    ask: list[Item]
    seed: int
    recipe: Recipe
    begin: str  # the job whose first phase this one continues; its own name if it has a first phase of its own


def do(job: Job, classes: list[str], weights: Path, work: Path) -> str:
    """Trains the phases that are not trained yet. Then scores the pictures `ask`, unchanged and degraded."""
    torch.set_num_threads(1)  # two parallel trainings are faster than one with two threads
    cv2.setNumThreads(1)
    net, ends = start(len(classes), weights, job.seed), []
    for number in range(len(job.recipe.phases)):
        kept = work / f"{job.begin if number == 0 else job.name}-p{number}.pt"
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
        after = [score(end, job.ask) for end in ends]
        np.savez(scores, ids=[item.id for item in job.ask], scores=score(mean, job.ask), degraded=score(mean, job.ask, small_and_dark), after=after)
    away = work / f"{job.name}-elsewhere.npz"
    if job.ask and not away.exists():
        kinds = pictures_from(job.ask, classes)
        scored = {kind: score_pictures(mean, [picture for picture, _ in made]) for kind, made in kinds.items()}
        labels = {f"labels of {kind}": np.array([classes.index(category) for _, category in made], int) for kind, made in kinds.items()}
        np.savez(away, **scored, **labels)
    return job.name


@dataclass(frozen=True)
class Scores:
    """The scores of a job's networks for `job.ask`, before the softmax."""

    plain: np.ndarray  # [n, classes], the network of averaged weights
    degraded: np.ndarray  # [n, classes], the same on small dark copies
    after: np.ndarray  # [phases, n, classes], the network at the end of each phase


def scores_of(job: Job, work: Path) -> Scores:
    stored = np.load(work / f"{job.name}.npz")
    if [str(i) for i in stored["ids"]] != [item.id for item in job.ask]:
        raise SystemExit(f"{work / job.name}.npz belongs to other pictures. Delete it.")
    return Scores(stored["scores"], stored["degraded"], stored["after"])


def crossed(scores: np.ndarray, labels: np.ndarray, fold: np.ndarray, other: int) -> tuple[np.ndarray, list[Thresholds], list[float]]:
    """Calibrated scores [n, classes]. The temperature and rule of each fold come only from the other folds."""
    p, rules, temperatures = np.zeros(scores.shape), [], []
    for k in range(int(fold.max()) + 1):
        rest = fold != k
        t = fit_temperature(scores[rest], labels[rest])
        p[fold == k] = softmax(scores[fold == k], t)
        rules.append(choose(softmax(scores[rest], t), labels[rest], other))
        temperatures.append(t)
    return p, rules, temperatures


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: id, file, label, source, patient")
    parser.add_argument("--weights", type=Path, required=True, help="ImageNet weights of MobileNet v1, .npz")
    parser.add_argument("--work", type=Path, required=True, help="folder for the files of the trainings")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="folder for plainview.pb and plainview.json")
    parser.add_argument("--version", default="4")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1, help="random seed of the folds and of all trainings")
    parser.add_argument("--workers", type=int, default=2, help="number of parallel trainings; each uses one core")
    return parser.parse_args()


def main() -> None:
    args = parse()
    args.work.mkdir(parents=True, exist_ok=True)
    classes = read_classes()
    items = read_manifest(args.manifest, classes)
    labels = np.array([item.label for item in items])
    other, lonely = classes.index("other"), classes.index(DECUBITUS)
    measured = Recipe()
    first, second, *rest = measured.phases
    shipped = replace(measured, phases=(first, replace(second, epochs=FINAL_EPOCHS), *rest))
    fold = folds(items, args.folds, args.seed)

    def fold_job(k: int) -> Job:
        learn, ask = [i for i, f in zip(items, fold) if f != k], [i for i, f in zip(items, fold) if f == k]
        return Job(f"fold{k}", learn, ask, args.seed, measured, f"fold{k}")

    per_fold = [fold_job(k) for k in range(args.folds)]
    strange, familiar = [i for i in items if i.source in UNSEEN], [i for i in items if i.source not in UNSEEN]
    unseen = Job("unseen", familiar, strange, args.seed, measured, "unseen")
    final = Job("final", items, [], args.seed, shipped, per_fold[0].name)
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for jobs in ([unseen, *per_fold], [final]):  # the last continues from the files of the first
            for done in [pool.submit(do, job, classes, args.weights, args.work) for job in jobs]:
                print(f"{done.result()}: done", file=sys.stderr, flush=True)

    scores, degraded = np.zeros((len(items), len(classes)), np.float32), np.zeros((len(items), len(classes)), np.float32)
    after = np.zeros((len(measured.phases), len(items), len(classes)), np.float32)
    for k, job in enumerate(per_fold):
        scored = scores_of(job, args.work)
        scores[fold == k], degraded[fold == k], after[:, fold == k] = scored.plain, scored.degraded, scored.after
    temperature = fit_temperature(scores, labels)
    rule = choose(softmax(scores, temperature), labels, other)
    p, rules, temperatures = crossed(scores, labels, fold, other)
    dark = np.concatenate([softmax(degraded[fold == k], temperatures[k]) for k in range(args.folds)])
    dark_labels = np.concatenate([labels[fold == k] for k in range(args.folds)])

    def figures(p: np.ndarray, labels: np.ndarray, rule: Thresholds = rule) -> dict:
        return summary(p, labels, rule, other, lonely)

    report: dict = {
        "seed": args.seed, "recipe": asdict(measured), "finalEpochs": FINAL_EPOCHS,
        "temperature": temperature, "foldTemperatures": temperatures, "rule": asdict(rule), "foldRules": [asdict(r) for r in rules],
        "uncalibratedError": calibration_error(softmax(scores), labels),
        "all": figures(p, labels), "degraded": figures(dark, dark_labels),
        "folds": [figures(p[fold == k], labels[fold == k], rules[k]) for k in range(args.folds)],
        "phases": [figures(crossed(one, labels, fold, other)[0], labels) for one in after],
        "sources": {}, "unseenSources": [],
        "curve": [{"threshold": t, **outcome(p, labels, Thresholds(t, 0.0, 0.0), other)} for t in np.round(np.arange(0.3, 1.0, 0.01), 2).tolist()],
        "reliability": reliability(p, labels), "reliabilityUncalibrated": reliability(softmax(scores), labels),
        "categories": per_class(p, labels, classes),
        "confusion": np.bincount(labels * len(classes) + p.argmax(1), minlength=len(classes) ** 2).reshape(len(classes), -1).tolist(),
        "mistakes": [
            {"id": items[i].id, "label": classes[labels[i]], "said": classes[p[i].argmax()], "score": float(p[i].max())}
            for i in np.flatnonzero(p.argmax(1) != labels)
        ],
    }
    for source in sorted({item.source for item in items}):
        chosen = np.array([item.source == source for item in items])
        report["sources"][source] = figures(p[chosen], labels[chosen])
    truth = np.array([item.label for item in strange])
    scored = scores_of(unseen, args.work)
    for source in UNSEEN:
        chosen = np.array([item.source == source for item in strange])
        report["unseenSources"].append({
            "source": source,
            "plain": figures(softmax(scored.plain[chosen], temperature), truth[chosen]),
            "degraded": figures(softmax(scored.degraded[chosen], temperature), truth[chosen]),
        })
    away = [np.load(args.work / f"{job.name}-elsewhere.npz") for job in per_fold]
    report["elsewhere"] = [
        {"kind": kind, **figures(
            np.concatenate([softmax(part[kind], t) for part, t in zip(away, temperatures)]),
            np.concatenate([part[f"labels of {kind}"] for part in away]))}
        for kind in away[0].files if not kind.startswith("labels of ")
    ]
    report["export"] = write_network(load(args.work / f"{final.name}.pt", classes), items, temperature, rule, args)
    (args.work / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({key: report[key] for key in ("temperature", "rule", "all", "export")}, indent=2))


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
        "note": "For evaluation and research, trained on about 2,200 small public pictures; it has not learnt the left lateral decubitus and is not a medical device.",
    }
    (args.out / "plainview.json").write_text(json.dumps(about, indent=2) + "\n")
    return proof


if __name__ == "__main__":
    main()
