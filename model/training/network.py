"""MobileNet v1, width 1.0, in PyTorch: layer by layer what TensorFlow computes from the same weights.

Source of the architecture: Howard et al., MobileNets (2017), table 1. Tensor layout here is
[batch, channels, height, width]; the exporter turns it into TensorFlow's.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

# (input channels, output channels, stride) of the thirteen depthwise-separable blocks
BLOCKS: list[tuple[int, int, int]] = [
    (32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2),
    *[(512, 512, 1)] * 5, (512, 1024, 2), (1024, 1024, 1),
]
EPSILON = 1e-3


class HalvingDepthwise(torch.autograd.Function):
    """A 3x3 depthwise convolution of stride 2: [n, c, 2h + 1, 2w + 1], [c, 1, 3, 3] -> [n, c, h, w].

    On a CPU PyTorch finds the gradient of its input in bfloat16 up to twenty times slower than that of stride 1:
    so the gradient is spread with zeros between and taken at stride 1, which is the same sum.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, stride=2, groups=x.shape[1])

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        n, c, h, w = x.shape
        spread = torch.zeros((n, c, h - 2, w - 2), dtype=gradient.dtype).contiguous(memory_format=torch.channels_last)
        spread[:, :, ::2, ::2] = gradient
        backward = torch.ops.aten.convolution_backward
        rest = ([0, 0], [1, 1], False, [0, 0], c)
        of_input = backward(spread, x, weight, None, [1, 1], *rest, [True, False, False])[0]
        of_weight = backward(gradient, x, weight, None, [2, 2], *rest, [False, True, False])[1]
        return of_input, of_weight


class ConvBn(nn.Module):
    """3x3 or 1x1 convolution, batch normalisation, ReLU6, with TensorFlow's SAME padding.

    SAME on an even input with stride 2 and a 3x3 kernel pads nothing above and left, one below and right.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride = stride
        symmetric = kernel // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, symmetric, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON, momentum=0.05)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 2:
            x = F.pad(x, (0, 1, 0, 1))
        if self.stride == 2 and self.conv.groups > 1 and self.training:
            weight = self.conv.weight
            x = HalvingDepthwise.apply(x, weight.to(x.dtype) if torch.is_autocast_enabled("cpu") else weight)
        else:
            x = self.conv(x)
        return F.relu6(self.bn(x))


class MobileNet(nn.Module):
    """[n, 3, 224, 224] in -1..1 -> scores before the softmax [n, classes]."""

    def __init__(self, classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = ConvBn(3, 32, 3, 2)
        self.depthwise = nn.ModuleList(ConvBn(i, i, 3, s, groups=i) for i, _, s in BLOCKS)
        self.pointwise = nn.ModuleList(ConvBn(i, o, 1) for i, o, _ in BLOCKS)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(BLOCKS[-1][1], classes)

    def features(self, x: Tensor) -> Tensor:
        """[n, 3, 224, 224] -> pooled features [n, 1024]."""
        x = self.stem(x)
        for depthwise, pointwise in zip(self.depthwise, self.pointwise):
            x = pointwise(depthwise(x))
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(x)))

    def layers(self) -> list[tuple[str, ConvBn]]:
        """Every convolution with its Keras name, in order."""
        named = [("conv1", self.stem)]
        for number, (depthwise, pointwise) in enumerate(zip(self.depthwise, self.pointwise), 1):
            named += [(f"conv_dw_{number}", depthwise), (f"conv_pw_{number}", pointwise)]
        return named


def start(classes: int, weights: Path, seed: int) -> MobileNet:
    """A network that starts from ImageNet weights (.npz, Keras names with `|` for `/`).

    If the file has no kernel for a layer, the layer starts with a random orthogonal kernel and neutral normalisation.
    This rotates the features and loses no information.
    """
    torch.manual_seed(seed)
    net = MobileNet(classes)
    stored = np.load(weights)
    with torch.no_grad():
        for name, layer in net.layers():
            depthwise = name.startswith("conv_dw")
            key = f"{name}|depthwise_kernel" if depthwise else f"{name}|kernel"
            if key not in stored:
                nn.init.orthogonal_(layer.conv.weight)
                layer.conv.weight.mul_(2.0)
                continue
            # TensorFlow: [h, w, in, out], depthwise [h, w, in, 1]; PyTorch: [out, in, h, w], depthwise [in, 1, h, w]
            layer.conv.weight.copy_(torch.from_numpy(stored[key].transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))))
            for ours, theirs in (("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"), ("running_var", "moving_variance")):
                getattr(layer.bn, ours).copy_(torch.from_numpy(stored[f"{name}_bn|{theirs}"]))
        nn.init.normal_(net.head.weight, std=0.01)
        nn.init.zeros_(net.head.bias)
    return net
