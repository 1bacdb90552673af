"""timm -> ONNX, as docs/own-network.md tells it. The model here is a tiny stand-in."""

import pathlib
import sys

import timm
import torch

from common import finish, pictures

folder = pathlib.Path(sys.argv[1])
name = "timm"
categories = ["knee_ap", "knee_lateral", "other"]

# The stand-in. Yours: timm.create_model(the architecture, num_classes=…, checkpoint_path="weights.safetensors")
torch.manual_seed(4)
model = timm.create_model(
    "test_convnext", pretrained=False, num_classes=len(categories), depths=(1, 1, 1, 1), dims=(4, 4, 8, 8)
)
torch.nn.init.normal_(model.get_classifier().weight, std=2)

# 1. Without eval(), dropout and drop path depend on chance.
model.eval()
data = timm.data.resolve_data_config({}, model=model)
channels, height, width = data["input_size"]

# 2. external_data=False: one file. Else the weights are in a second one.
torch.onnx.export(
    model,
    (torch.zeros(1, channels, height, width),),
    folder / f"{name}.onnx",
    input_names=["input"],
    output_names=["logits"],
    external_data=False,
    dynamo=True,
)

# 3. The description: timm knows how its pictures are prepared. With these two modes it also cuts off edges below 1.
assert data["crop_mode"] == "center" or data["crop_pct"] == 1, "train or validate it with crop_pct=1"
description = {
    "name": "timm-recipe",
    "purpose": "research",
    "input": {
        "mean": list(data["mean"]),
        "std": list(data["std"]),
        "resize": {"center": "crop", "squash": "squash", "border": "letterbox"}[data["crop_mode"]],
        "cropShare": data["crop_pct"],
        **({"fill": round(255 * sum(data["mean"]) / 3)} if data["crop_mode"] == "border" else {}),
        "interpolation": data["interpolation"],
    },
    "output": {"values": "logits"},
    "categories": categories,
}
transform = timm.data.create_transform(**data, is_training=False)


def scores(values):
    with torch.no_grad():
        return torch.softmax(model(torch.from_numpy(values)), 1)[0].numpy()


print(f"torch {torch.__version__}, timm {timm.__version__}")
finish(
    folder,
    name,
    description,
    scores,
    {picture: transform(image.convert("RGB")).unsqueeze(0).numpy() for picture, image in pictures()},
)
