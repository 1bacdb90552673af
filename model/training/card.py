"""The tables of model/README.md, as Markdown, and its three pictures, from WORK/report.json.

    python model/training/card.py --work WORK --out model
"""
from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from data import HERE, read_classes


def share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def span(pair: list[float]) -> str:
    return f"{100 * pair[0]:.0f}–{100 * pair[1]:.0f}"


def summary_row(name: str, s: dict) -> str:
    of_30 = [
        f"{share(s['accuracy30'])} ({span(s['interval30'])})", share(s["balanced30"]), share(s["forced30"]), share(s["forcedBalanced30"]),
        share(s["labelled"]), share(s["right"]),
    ] if s["n30"] else ["–"] * 6
    cells = [name, str(s["n30"]), *of_30, str(s["nOther"]), share(s["caught"] if s["nOther"] else None), f"{share(s['calibrationError'])} ({share(s['calibrationNoise'])})"]
    return f"| {' | '.join(cells)} |"


def source_row(name: str, now: dict, before: dict) -> str:
    """A source that was not trained on: each figure of version 5, then of this one."""

    def pair(key: str, n: str) -> str:
        return f"{share(before[key])} → {share(now[key])}" if now[n] else "–"

    cells = [name, str(now["n30"]), pair("accuracy30", "n30"), pair("labelled", "n30"), pair("right30", "n30"), str(now["nOther"]), pair("caught", "nOther"), pair("right", "n30")]
    return f"| {' | '.join(cells)} |"


def sources(report: dict) -> list[str]:
    head = ["| source, not trained on | n of the 30 | accuracy | labelled | right of these | n `other` | caught | right of all labels |", "|---|---|---|---|---|---|---|---|"]
    rows = [source_row(f"`{s['source']}`", s["plain"], s["before"]) for s in report["unseenSources"]]
    together = report["unseenTogether"]
    return [*head, *rows, source_row("all of them", together["plain"], together["before"])]


def tables(report: dict) -> str:
    """Every table of the card."""
    head = "| pictures | n of the 30 | accuracy | balanced | forced | balanced | labelled | right of the labelled | n `other` | caught | calibration error |\n|---|---|---|---|---|---|---|---|---|---|---|"
    lines = [head, summary_row("home", report["home"]), summary_row("home, made small and dark", report["homeDegraded"]), summary_row("home, before the last two phases", report["homeBefore"])]
    lines.append(summary_row("all sources never seen", report["unseenTogether"]["plain"]))
    for u in report["unseenSources"]:
        lines += [summary_row(f"{u['source']}, made small and dark", u["degraded"])] if "degraded" in u else []
    lines += [summary_row(e["kind"], e) for e in report["elsewhere"]]
    lines += [summary_row(f"home, at the end of phase {k + 7}", s) for k, s in enumerate(report["phases"])]
    lines += ["", *sources(report)]
    for categories in (report["categories"], report["awayCategories"]):
        lines += ["", "| category | n | sensitivity | 95 % | PPV | 95 % | specificity |", "|---|---|---|---|---|---|---|"]
        for c in categories:
            lines.append(f"| {c['category']} | {c['n']} | {share(c['sensitivity'])} | {span(c['interval'])} | {share(c['ppv'])} | {span(c['ppvInterval'])} | {share(c['specificity'])} |")
    lines += ["", "| label | said | pictures |", "|---|---|---|"]
    kinds = Counter((m["label"], m["said"]) for m in report["mistakes"])
    lines += [f"| {label} | {said} | {n} |" for (label, said), n in kinds.most_common()]
    head = "| threshold | home: labelled | right of the labelled | `other` caught | never seen: labelled | right of these | right of all labels | `other` caught |"
    lines += ["", head, "|---|---|---|---|---|---|---|---|"]
    chosen = report["rule"]["threshold"]
    lines += [
        f"| {c['threshold']:.2f} | {share(c['labelled'])} | {share(c['right'])} | {share(c['caught'])} | {share(a['labelled'])} | {share(a['right30'])} | {share(a['right'])} | {share(a['caught'])} |"
        for c, a in zip(report["curve"], report["awayCurve"]) if round(c["threshold"] * 100) in (50, 60, 70, 80, 90, 95, 98, round(100 * chosen))
    ]
    return "\n".join(lines)


def reliability_picture(calibrated: list[dict], raw: list[dict], side: int = 420) -> np.ndarray:
    """x: mean best score of a bin; y: share of correct pictures with its 95 % interval; grey and hollow: before calibration."""
    v = np.full((side + 60, side + 90), 255, np.uint8)

    def at(score: float, right: float) -> tuple[int, int]:
        return 60 + int(side * score), 15 + int(side * (1 - right))

    for step in range(6):
        (x, y), name = at(step / 5, step / 5), f"{20 * step} %"
        cv2.line(v, (60, y), (60 + side, y), 225, 1)
        cv2.line(v, (x, 15), (x, 15 + side), 225, 1)
        cv2.putText(v, name, (12, y + 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
        cv2.putText(v, name, (x - 16, side + 32), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
    cv2.line(v, at(0, 0), at(1, 1), 150, 1, cv2.LINE_AA)
    for row in raw:
        cv2.circle(v, at(row["score"], row["right"]), 5, 150, 1, cv2.LINE_AA)
    for row in calibrated:
        cv2.line(v, at(row["score"], row["interval"][0]), at(row["score"], row["interval"][1]), 0, 1, cv2.LINE_AA)
        cv2.circle(v, at(row["score"], row["right"]), 4, 0, -1, cv2.LINE_AA)
    cv2.putText(v, "best score (across), right (up)", (60, side + 52), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
    return v


def confusion_picture(report: dict, classes: list[str], cell: int = 24, room: int = 250) -> np.ndarray:
    """Rows: the label; columns: the network's category; each row's shares as grey, its counts as numbers."""
    counts = np.array(report["confusion"])
    size = len(classes)
    v = np.full((room + size * cell + 8, room + size * cell + 8), 255, np.uint8)
    for k, name in enumerate(classes):
        cv2.putText(v, name, (4, room + k * cell + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
        strip = np.full((cell, room), 255, np.uint8)
        cv2.putText(strip, name, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
        v[0:room, room + k * cell:room + (k + 1) * cell] = np.rot90(strip)
    for row in range(size):
        for column in range(size):
            y, x, n = room + row * cell, room + column * cell, int(counts[row, column])
            part = n / max(1, counts[row].sum())
            v[y:y + cell - 1, x:x + cell - 1] = 244 - int(200 * part ** 0.5) if n else 244
            if n:
                cv2.putText(v, str(n), (x + 2, y + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.3, 0 if part < 0.4 else 255, 1, cv2.LINE_AA)
    return v


def curve_picture(curve: list[dict], side: int = 420) -> np.ndarray:
    """x: share of the pictures of the 30 categories that get a category; y: share of these that are correct, 94 to 100 %."""
    v = np.full((side + 60, side + 90), 255, np.uint8)

    def at(labelled: float, right: float) -> tuple[int, int]:
        return 60 + int(side * (labelled - 0.8) / 0.2), 15 + int(side * (1 - right) / 0.06)

    for step in range(7):
        y = at(1, 1 - step / 100)[1]
        cv2.line(v, (60, y), (60 + side, y), 205, 1)
        cv2.putText(v, f"{100 - step} %", (12, y + 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
    for step in range(5):
        x = at(0.8 + step / 20, 1)[0]
        cv2.line(v, (x, 15), (x, 15 + side), 205, 1)
        cv2.putText(v, f"{80 + 5 * step} %", (x - 16, side + 32), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
    points = np.array([at(c["labelled"], c["right"]) for c in curve if c["labelled"] >= 0.8 and c["right"] >= 0.94], np.int32)
    cv2.polylines(v, [points], False, 0, 2, cv2.LINE_AA)
    cv2.putText(v, "labelled (across), right among the labelled (up)", (60, side + 52), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)
    return v


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=HERE.parent)
    args = parser.parse_args()
    report = json.loads((args.work / "report.json").read_text())
    cv2.imwrite(str(args.out / "confusion.png"), confusion_picture(report, read_classes()), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    cv2.imwrite(str(args.out / "coverage.png"), curve_picture(report["curve"]), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    picture = reliability_picture(report["reliability"], report["reliabilityUncalibrated"])
    cv2.imwrite(str(args.out / "reliability.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(tables(report))


if __name__ == "__main__":
    main()
