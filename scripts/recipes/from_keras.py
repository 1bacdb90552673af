"""Keras or a TensorFlow SavedModel -> ONNX, as docs/own-network.md tells it. The model here is a tiny stand-in."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

from common import finish, pictures

folder = pathlib.Path(sys.argv[1])
name = "keras"
categories = ["hand_ap", "knee_ap", "knee_lateral", "other"]

# The stand-in. Yours: model = keras.saving.load_model("model.keras")
keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        keras.layers.Input((32, 32, 3)),
        keras.layers.Conv2D(4, 3, strides=2, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(len(categories), kernel_initializer=keras.initializers.RandomNormal(stddev=30)),
        keras.layers.Softmax(),
    ]
)

# 1. The SavedModel folder. Whoever has one already begins with 2.
saved = folder / "saved_model"
model.export(saved, format="tf_saved_model", verbose=False)

# 2. ONNX.
subprocess.run(
    [
        sys.executable,
        "-m",
        "tf2onnx.convert",
        "--saved-model",
        saved,
        "--output",
        folder / f"{name}.onnx",
        "--opset",
        "17",
    ],
    check=True,
)

# 3. The description. This one prepares as keras.applications.mobilenet does: the whole picture, from -1 to 1.
description = {
    "name": "keras-recipe",
    "purpose": "research",
    "input": {"range": [-1, 1], "resize": "squash", "interpolation": "bilinear"},
    "output": {"values": "softmax"},
    "categories": categories,
}


def prepare(picture):
    pixels = tf.convert_to_tensor(np.asarray(picture.convert("RGB"), dtype=np.float32))
    resized = tf.image.resize(pixels, (32, 32), method="bilinear", antialias=True)
    return (resized.numpy() / 127.5 - 1)[np.newaxis]


print(f"tensorflow {tf.__version__}, keras {keras.__version__}")
finish(
    folder,
    name,
    description,
    lambda values: model(values, training=False).numpy()[0],
    {picture: prepare(image) for picture, image in pictures()},
)
