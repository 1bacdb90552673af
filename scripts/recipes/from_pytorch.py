"""PyTorch -> ONNX, as docs/own-network.md tells it. The model here is a tiny stand-in."""

import pathlib
import sys

import torch
import torchvision
from torchvision.transforms import v2

from common import finish, pictures

folder = pathlib.Path(sys.argv[1])
name = "pytorch"
categories = ["hand", "knee", "other"]

# The stand-in. Yours: build the model, then model.load_state_dict(torch.load("weights.pth", weights_only=True))
torch.manual_seed(1)
model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, 3, stride=2),
    torch.nn.BatchNorm2d(4),
    torch.nn.ReLU(),
    torch.nn.Conv2d(4, 8, 3, stride=2),
    torch.nn.ReLU(),
    torch.nn.AdaptiveAvgPool2d(1),
    torch.nn.Flatten(),
    torch.nn.Linear(8, len(categories)),
)
torch.nn.init.normal_(model[-1].weight, std=15)

# 1. Without eval(), batch normalisation and dropout depend on chance and on the other pictures of a call.
model.eval()

# 2. external_data=False: one file. Else the weights are in a second one.
torch.onnx.export(
    model,
    (torch.zeros(1, 1, 40, 40),),
    folder / f"{name}.onnx",
    input_names=["picture"],
    output_names=["logits"],
    dynamic_shapes=[{0: torch.export.Dim("N")}],
    external_data=False,
    dynamo=True,
)

# 3. The description: the same as the transforms of validation.
transform = v2.Compose(
    [
        v2.PILToTensor(),
        v2.Grayscale(),
        v2.Resize(46),
        v2.CenterCrop(40),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.5], [0.25]),
    ]
)
description = {
    "name": "pytorch-recipe",
    "purpose": "research",
    "input": {"mean": 0.5, "std": 0.25, "resize": "crop", "cropShare": 40 / 46, "interpolation": "bilinear"},
    "output": {"values": "logits"},
    "categories": categories,
}


def scores(values):
    with torch.no_grad():
        return torch.softmax(model(torch.from_numpy(values)), 1)[0].numpy()


print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
finish(
    folder,
    name,
    description,
    scores,
    {
        picture: transform(image.convert("RGB") if image.mode != "L" else image).unsqueeze(0).numpy()
        for picture, image in pictures()
    },
)
