"""A lateral knee, bent further than its film shows it, with longer shafts: some hospitals take it at a right angle, with much of thigh and leg.
Else a network learns that a joint at a right angle is an elbow."""
from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator


def bent(grey: np.ndarray, joint: tuple[float, float], front: str, rng: Rng) -> np.ndarray:
    """The upright film, its leg turned backwards by 15 to 85 degrees about the joint. `front` is the side of the kneecap, `L` or `R`.

    Thigh and leg stay rigid. The wedge between them is stretched in front and narrowed behind, in polar coordinates about the joint.
    """
    x, y = joint
    if front == "L":
        grey, x = np.fliplr(grey), 1 - x
    h, w = grey.shape
    pivot = np.array([x * w, y * h])
    angle = np.deg2rad(rng.uniform(15, 85))
    near = 0.16 * h  # the joint itself keeps its length
    stretch = np.exp(rng.uniform(0, np.log(2.4), 2))
    reach = near + (np.array([pivot[1], h - pivot[1]]) - near).clip(0) * stretch  # of thigh and leg
    half = int(max(reach.max(), w / 2)) + 2
    dy, dx = np.mgrid[-half:half + 1, -half:half + 1].astype(np.float32)
    turn = np.mod(np.arctan2(dx, -dy), 2 * np.pi)  # 0: along the thigh; grows over the front to the leg, then over the back
    rigid, back = np.deg2rad(65), min(np.deg2rad(60), (np.pi - angle) / 2 - np.deg2rad(6))
    after = [0, rigid, np.pi + angle - rigid, np.pi + angle + back, 2 * np.pi - back, 2 * np.pi]
    before = [0, rigid, np.pi - rigid, np.pi + back, 2 * np.pi - back, 2 * np.pi]
    source, far = np.interp(turn, after, before), np.hypot(dx, dy)
    along, across = -far * np.cos(source), far * np.sin(source)
    side = np.where(along < 0, stretch[0], stretch[1])
    along = np.where(np.abs(along) > near, np.sign(along) * (near + (np.abs(along) - near) / side), along)
    map_x, map_y = (across + pivot[0]).astype(np.float32), (along + pivot[1]).astype(np.float32)
    fill = float(np.percentile(grey, rng.uniform(0, 8)))
    result = cv2.remap(grey, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
    rows, columns = np.nonzero((map_x >= 0) & (map_x < w) & (map_y >= 0) & (map_y < h))
    return result[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
