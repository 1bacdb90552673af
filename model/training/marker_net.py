"""The detector of side markers: a small convolutional network that looks at every place of a film."""
from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from network import ConvBn

SIDE = 384  # the film's long side
STRIDE = 8  # pixels of the film for each cell of the output
# (outputs, stride, depthwise) of the 3x3 convolutions
LAYERS = [(16, 2, False), (16, 1, False), (32, 2, False), (32, 1, False), (64, 2, False), (64, 1, True), (64, 1, True), (64, 1, True)]


class MarkerNet(nn.Module):
    """[n, 1, h, w] in -1..1 -> [n, classes, h / 8, w / 8]: how much each cell looks like no marker, R, L, D, E."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers, inputs = [], 3
        for outputs, stride, depthwise in LAYERS:
            if depthwise:
                layers += [ConvBn(inputs, inputs, 3, stride, groups=inputs), ConvBn(inputs, outputs, 1)]
            else:
                layers.append(ConvBn(inputs, outputs, 3, stride))
            inputs = outputs
        self.layers = nn.ModuleList(layers)
        self.head = nn.Conv2d(inputs, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.expand(-1, 3, -1, -1)  # the engines take three channels
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def placed(grey: np.ndarray) -> np.ndarray:
    """The film as the detector sees it: its long side 384 pixels, black on both sides; uint8, as src/classify/prepare/described.ts has it."""
    scale = SIDE / max(grey.shape)
    height, width = (max(1, round(n * scale)) for n in grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    elif scale > 1:
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
    result = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    result[top : top + height, left : left + width] = grey
    return result


def to_input(grey: np.ndarray) -> np.ndarray:
    return grey.astype(np.float32) / 127.5 - 1


@torch.no_grad()
def maps_of(net: MarkerNet, placed_films: np.ndarray) -> np.ndarray:
    """[n, 384, 384] uint8 -> softmax [n, classes, 48, 48]"""
    return torch.softmax(net(torch.from_numpy(to_input(placed_films))[:, None]), 1).numpy()
