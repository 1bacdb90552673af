"""A trained network as a TensorFlow frozen graph in the form NNCPR publishes, and the proof that both agree.

Input `input` [N, 224, 224, 3] float32 in -1..1, output `final_result` [N, classes], a softmax.
"""
from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf  # noqa: E402  (the log level must be set first)

from data import SIDE, Item, read_grey, resize_like_tf1, to_input
from network import EPSILON, ConvBn, MobileNet

# Attributes that only newer TensorFlow releases have. They have their default values here.
NEWER_ATTRIBUTES = {"Conv2D": ("explicit_paddings",), "DepthwiseConv2dNative": ("explicit_paddings",), "MatMul": ("grad_a", "grad_b")}


def _layer(x: tf.Tensor, name: str, layer: ConvBn, depthwise: bool) -> tf.Tensor:
    """Convolution, normalisation, ReLU6: [n, h, w, in] -> [n, h / stride, w / stride, out]."""

    def constant(value: np.ndarray, kind: str) -> tf.Tensor:
        return tf.constant(np.ascontiguousarray(value, np.float32), name=f"{name}/{kind}")

    weight = layer.conv.weight.detach().numpy()
    kernel = constant(weight.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0)), "weights")
    strides = [1, layer.stride, layer.stride, 1]
    if depthwise:
        x = tf.raw_ops.DepthwiseConv2dNative(input=x, filter=kernel, strides=strides, padding="SAME", name=f"{name}/depthwise")
    else:
        x = tf.raw_ops.Conv2D(input=x, filter=kernel, strides=strides, padding="SAME", name=f"{name}/Conv2D")
    norm = layer.bn
    x = tf.raw_ops.FusedBatchNorm(
        x=x, scale=constant(norm.weight.detach().numpy(), "gamma"), offset=constant(norm.bias.detach().numpy(), "beta"),
        mean=constant(norm.running_mean.numpy(), "moving_mean"), variance=constant(norm.running_var.numpy(), "moving_variance"),
        epsilon=EPSILON, is_training=False, name=f"{name}/BatchNorm").y
    return tf.raw_ops.Relu6(features=x, name=f"{name}/Relu6")


def frozen_graph(net: MobileNet, temperature: float) -> bytes:
    """The GraphDef; the calibration temperature divides the last layer's weights."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, SIDE, SIDE, 3], name="input")
        for name, layer in net.layers():
            x = _layer(x, f"MobilenetV1/{name}", layer, name.startswith("conv_dw"))
        x = tf.raw_ops.AvgPool(value=x, ksize=[1, 7, 7, 1], strides=[1, 1, 1, 1], padding="VALID", name="MobilenetV1/AvgPool")
        x = tf.raw_ops.Reshape(tensor=x, shape=tf.constant([-1, net.head.in_features], tf.int32, name="features/shape"), name="features")
        weight = net.head.weight.detach().numpy().T / temperature
        bias = net.head.bias.detach().numpy() / temperature
        x = tf.raw_ops.MatMul(a=x, b=tf.constant(weight.astype(np.float32), name="final/weights"), name="final/MatMul")
        x = tf.raw_ops.BiasAdd(value=x, bias=tf.constant(bias.astype(np.float32), name="final/biases"), name="final/BiasAdd")
        tf.raw_ops.Softmax(logits=x, name="final_result")
    return serialised(graph)


def serialised(graph: tf.Graph) -> bytes:
    """The GraphDef, without what older consumers do not know."""
    definition = graph.as_graph_def()
    for node in definition.node:
        for attribute in NEWER_ATTRIBUTES.get(node.op, ()):
            if attribute in node.attr:
                del node.attr[attribute]
    definition.versions.producer = 22  # of TensorFlow 1.0: every consumer since then reads it
    return definition.SerializeToString(deterministic=True)


def run_graph(graph: bytes, inputs: np.ndarray, output: str = "final_result") -> np.ndarray:
    """What TensorFlow computes: [n, height, width, 3] -> the output, by default [n, classes]."""
    definition = tf.compat.v1.GraphDef.FromString(graph)
    with tf.Graph().as_default() as built:
        tf.import_graph_def(definition, name="import")
        with tf.compat.v1.Session(graph=built) as session:
            return session.run(f"import/{output}:0", {"import/input:0": inputs})


def tensorflow_inputs(items: list[Item]) -> np.ndarray:
    """[n, 224, 224, 3], made by TensorFlow's own resize_bilinear as label_image.py makes it."""
    prepared: list[np.ndarray] = []
    for item in items:
        picture = np.repeat(read_grey(item.path)[None, :, :, None], 3, axis=3).astype(np.float32)
        resized = tf.raw_ops.ResizeBilinear(images=picture, size=[SIDE, SIDE], align_corners=False, half_pixel_centers=False).numpy()
        prepared.append((resized[0] - 128) / 128)
    return np.stack(prepared)


def disagreement(graph: bytes, items: list[Item], ours: np.ndarray) -> tuple[float, float]:
    """The largest difference of a score, and of a prepared input, between TensorFlow and this training."""
    inputs = tensorflow_inputs(items)
    prepared = np.stack([to_input(resize_like_tf1(read_grey(item.path))) for item in items])
    return float(np.abs(run_graph(graph, inputs) - ours).max()), float(np.abs(inputs[..., 0] - prepared).max())


def unchanged_tensors(net: MobileNet, weights: Path) -> list[str]:
    """The tensors of the starting weights that training left as they were: there should be none."""
    stored = np.load(weights)
    same: list[str] = []
    for name, layer in net.layers():
        depthwise = name.startswith("conv_dw")
        pairs = {f"{name}|{'depthwise_kernel' if depthwise else 'kernel'}": layer.conv.weight.detach().numpy().transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))}
        for ours, theirs in (("weight", "gamma"), ("bias", "beta"), ("running_mean", "moving_mean"), ("running_var", "moving_variance")):
            pairs[f"{name}_bn|{theirs}"] = getattr(layer.bn, ours).detach().numpy()
        same += [key for key, value in pairs.items() if key in stored and np.array_equal(stored[key], value)]
    return same


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
