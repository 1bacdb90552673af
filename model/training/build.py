"""From the manifest to model/plainview.pb in one command; see README.md.

Every finished step leaves a file in the work folder and is not done again: an interrupted build goes on.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

from data import HERE, Item, folds, read_classes, read_manifest
from measure import Thresholds, calibration_error, choose, fit_temperature, outcome, per_class, softmax, summary
from network import MobileNet
from train import DECUBITUS, Recipe, score, train

UNSEEN = ("mura", "hannover")  # the sources that one extra run never sees


def scored(name: str, learn: list[Item], ask: list[Item], classes: list[str], args: argparse.Namespace, recipe: Recipe) -> np.ndarray:
    """Scores for `ask` [n, classes] of a network trained on `learn`, from the work folder if they are there."""
    kept = args.work / f"{name}.npz"
    if not kept.exists():
        print(f"{name}: {len(learn)} pictures to learn from, {len(ask)} to measure on", file=sys.stderr, flush=True)
        net = train(learn, classes, args.weights, recipe, args.seed)
        torch.save(net.state_dict(), args.work / f"{name}.pt")
        np.savez(kept, scores=score(net, ask), ids=[item.id for item in ask])
    stored = np.load(kept)
    if [str(i) for i in stored["ids"]] != [item.id for item in ask]:
        raise SystemExit(f"{kept} belongs to other pictures: remove it")
    return stored["scores"]


def final_network(items: list[Item], classes: list[str], args: argparse.Namespace, recipe: Recipe) -> MobileNet:
    """The network that ships: trained on every patient."""
    kept = args.work / "final.pt"
    net = MobileNet(len(classes))
    if kept.exists():
        net.load_state_dict(torch.load(kept, weights_only=True))
        return net.eval()
    print(f"final: {len(items)} pictures", file=sys.stderr, flush=True)
    net = train(items, classes, args.weights, recipe, args.seed)
    torch.save(net.state_dict(), kept)
    return net.eval()


def crossed(scores: np.ndarray, labels: np.ndarray, fold: np.ndarray, other: int) -> tuple[np.ndarray, list[Thresholds], list[float]]:
    """Calibrated scores [n, classes], each fold's temperature and rule from the other folds alone."""
    p, rules, temperatures = np.zeros(scores.shape), [], []
    for k in range(int(fold.max()) + 1):
        rest = fold != k
        t = fit_temperature(scores[rest], labels[rest])
        p[fold == k] = softmax(scores[fold == k], t)
        rules.append(choose(softmax(scores[rest], t), labels[rest], other))
        temperatures.append(t)
    return p, rules, temperatures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: id, file, label, source, patient")
    parser.add_argument("--weights", type=Path, required=True, help="ImageNet weights of MobileNet v1, .npz")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the steps leave behind")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="where plainview.pb and plainview.json go")
    parser.add_argument("--version", default="1")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=18, help="of the networks that are measured")
    parser.add_argument("--final-epochs", type=int, default=24, help="of the network that ships")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", default="folds,final,unseen", help="which of the three to do")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    steps = args.steps.split(",")

    classes = read_classes()
    items = read_manifest(args.manifest, classes)
    labels = np.array([item.label for item in items])
    other, lonely = classes.index("other"), classes.index(DECUBITUS)
    measured, shipped = Recipe(epochs=args.epochs), Recipe(epochs=args.final_epochs)

    fold = folds(items, args.folds, args.seed)
    scores = np.zeros((len(items), len(classes)), np.float32)
    for k in range(args.folds):
        inside = [item for item, f in zip(items, fold) if f == k]
        scores[fold == k] = scored(f"fold{k}", [item for item, f in zip(items, fold) if f != k], inside, classes, args, measured)
    temperature = fit_temperature(scores, labels)
    calibrated = softmax(scores, temperature)
    rule = choose(calibrated, labels, other)
    p, rules, temperatures = crossed(scores, labels, fold, other)
    report: dict = {
        "seed": args.seed, "recipe": measured.__dict__, "finalEpochs": args.final_epochs,
        "temperature": temperature, "foldTemperatures": temperatures, "rule": rule.__dict__, "foldRules": [r.__dict__ for r in rules],
        "uncalibratedError": calibration_error(softmax(scores), labels),
        "all": summary(p, labels, rule, other, lonely),
        "folds": [summary(p[fold == k], labels[fold == k], rules[k], other, lonely) for k in range(args.folds)],
        "curve": [{"threshold": t, **outcome(p, labels, Thresholds(t, 0.0, 0.0), other)} for t in np.round(np.arange(0.3, 1.0, 0.01), 2).tolist()],
        "sources": {}, "categories": per_class(p, labels, classes),
        "confusion": np.bincount(labels * len(classes) + p.argmax(1), minlength=len(classes) ** 2).reshape(len(classes), -1).tolist(),
    }
    for source in sorted({item.source for item in items}):
        chosen = np.array([item.source == source for item in items])
        report["sources"][source] = summary(p[chosen], labels[chosen], rule, other, lonely)

    if "final" in steps:
        from export import disagreement, frozen_graph, sha256, unchanged_tensors

        net = final_network(items, classes, args, shipped)
        graph = frozen_graph(net, temperature)
        sample = [items[i] for i in np.random.default_rng(0).permutation(len(items))[:50]]
        difference, input_difference = disagreement(graph, sample, softmax(score(net, sample), temperature))
        same = unchanged_tensors(net, args.weights)
        report["export"] = {"pictures": len(sample), "largestScoreDifference": difference, "largestInputDifference": input_difference, "unchangedTensors": same}
        if difference > 1e-4 or same:
            raise SystemExit(f"the graph is not what was trained: {report['export']}")
        (args.out / "plainview.pb").write_bytes(graph)
        about = {
            "name": f"plainview-mobilenet-v1-{args.version}", "sha256": sha256(graph), "purpose": "research", "thresholds": rule.__dict__,
            "note": "A first network for evaluation and research, trained on about 2,200 small public pictures; it has not learnt the left lateral decubitus and is not a medical device.",
        }
        (args.out / "plainview.json").write_text(json.dumps(about, indent=2) + "\n")

    if "unseen" in steps:
        ask = [item for item in items if item.source in UNSEEN]
        strange = softmax(scored("unseen", [item for item in items if item.source not in UNSEEN], ask, classes, args, measured), temperature)
        truth = np.array([item.label for item in ask])
        report["unseenSources"] = {}
        for source in UNSEEN:
            chosen = np.array([item.source == source for item in ask])
            report["unseenSources"][source] = summary(strange[chosen], truth[chosen], rule, other, lonely)
    (args.work / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({key: report[key] for key in ("temperature", "rule", "all")}, indent=2))


if __name__ == "__main__":
    main()
