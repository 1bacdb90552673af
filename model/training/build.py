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
UNSEEN = ("mura", "hannover")  # sources that the measured training does not use at all


@dataclass(frozen=True)
class Job:
    """One training, and the pictures for its measurement, which it does not use."""

    name: str
    learn: list[Item]
    ask: list[Item]
    seed: int
    recipe: Recipe


def do(job: Job, classes: list[str], weights: Path, work: Path) -> str:
    """Trains the phases that are not trained yet. Then scores the pictures `ask`, unchanged and degraded."""
    torch.set_num_threads(1)  # two parallel trainings are faster than one with two threads
    cv2.setNumThreads(1)
    net, ends = start(len(classes), weights, job.seed), []
    for number in range(len(job.recipe.phases)):
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
    known = [item.source not in UNSEEN for item in items]
    home = [item for item, familiar, f in zip(items, known, fold) if familiar and f == 0]
    strange = [item for item, familiar in zip(items, known) if not familiar]
    learnt = [item for item, familiar, f in zip(items, known, fold) if familiar and f != 0]
    jobs = [Job("measured", learnt, home + strange, args.seed, measured), Job("final", items, [], args.seed, shipped)]
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for done in [pool.submit(do, job, classes, args.weights, args.work) for job in jobs]:
            print(f"{done.result()}: done", file=sys.stderr, flush=True)

    asked = home + strange
    labels, scores = np.array([item.label for item in asked]), scores_of(jobs[0], args.work)
    here = np.array([item.source not in UNSEEN for item in asked])
    away = np.load(args.work / "measured-elsewhere.npz")
    kinds = {kind: (away[kind], away[f"labels of {kind}"]) for kind in away.files if not kind.startswith("labels of ")}
    # Both come from films as they are and as they may come from elsewhere: at home alone, almost any threshold would do.
    pooled = np.concatenate([scores.plain[here], *(one for one, _ in kinds.values())])
    pooled_labels = np.concatenate([labels[here], *(theirs for _, theirs in kinds.values())])
    temperature = fit_temperature(scores.plain[here], labels[here])
    rule = choose(softmax(pooled, temperature), pooled_labels, other)
    part = folds(home, args.folds, args.seed)
    p, temperatures = crossed(scores.plain[here], labels[here], part)

    def figures(p: np.ndarray, labels: np.ndarray) -> dict:
        return summary(p, labels, rule, other, lonely)

    home_labels = labels[here]
    report: dict = {
        "seed": args.seed, "recipe": asdict(measured), "finalEpochs": FINAL_EPOCHS,
        "temperature": temperature, "partTemperatures": temperatures, "rule": asdict(rule),
        "uncalibratedError": calibration_error(softmax(scores.plain[here]), home_labels),
        "home": figures(p, home_labels), "homeDegraded": figures(softmax(scores.degraded[here], temperature), home_labels),
        "phases": [figures(crossed(one[here], home_labels, part)[0], home_labels) for one in scores.after],
        "curve": [{"threshold": t, **outcome(p, home_labels, Thresholds(t, 0.0, 0.0), other)} for t in np.round(np.arange(0.3, 1.0, 0.01), 2).tolist()],
        "reliability": reliability(p, home_labels), "reliabilityUncalibrated": reliability(softmax(scores.plain[here]), home_labels),
        "categories": per_class(p, home_labels, classes),
        "confusion": np.bincount(home_labels * len(classes) + p.argmax(1), minlength=len(classes) ** 2).reshape(len(classes), -1).tolist(),
        "mistakes": [
            {"id": home[i].id, "label": classes[home_labels[i]], "said": classes[p[i].argmax()], "score": float(p[i].max())}
            for i in np.flatnonzero(p.argmax(1) != home_labels)
        ],
        "elsewhere": [{"kind": kind, **figures(softmax(one, temperature), theirs)} for kind, (one, theirs) in kinds.items()],
        "unseenSources": [],
    }
    for source in UNSEEN:
        chosen = np.array([item.source == source for item in asked])
        report["unseenSources"].append({
            "source": source,
            "plain": figures(softmax(scores.plain[chosen], temperature), labels[chosen]),
            "degraded": figures(softmax(scores.degraded[chosen], temperature), labels[chosen]),
        })
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
        "note": "For evaluation and research, trained on about 2,200 small public pictures; it has not learnt the left lateral decubitus and is not a medical device.",
    }
    (args.out / "plainview.json").write_text(json.dumps(about, indent=2) + "\n")
    return proof


if __name__ == "__main__":
    main()
