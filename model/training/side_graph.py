"""The detector of side markers as a frozen graph in the form that Plainview's engines read.

Input `input` [N, 384, 384, 3] in -1..1. The service reads the output of the last convolution, [N, 48, 48, classes]; what
follows it, an average and a softmax, is there because every network of the engines ends so.
"""
from __future__ import annotations

import numpy as np

from export import _layer, run_graph, serialised, tf
from marker_net import SIDE, STRIDE, MarkerNet


def frozen_graph(net: MarkerNet) -> bytes:
    graph = tf.Graph()
    cells = SIDE // STRIDE
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, SIDE, SIDE, 3], name="input")
        for number, layer in enumerate(net.layers):
            x = _layer(x, f"layer{number}", layer, layer.conv.groups > 1)
        kernel = np.ascontiguousarray(net.head.weight.detach().numpy().transpose(2, 3, 1, 0))
        x = tf.raw_ops.Conv2D(input=x, filter=tf.constant(kernel, name="maps/weights"), strides=[1, 1, 1, 1], padding="SAME", name="maps/Conv2D")
        x = tf.raw_ops.BiasAdd(value=x, bias=tf.constant(net.head.bias.detach().numpy(), name="maps/biases"), name="maps")
        classes = net.head.out_channels
        x = tf.raw_ops.AvgPool(value=x, ksize=[1, cells, cells, 1], strides=[1, 1, 1, 1], padding="VALID", name="AvgPool")
        x = tf.raw_ops.Reshape(tensor=x, shape=tf.constant([-1, classes], tf.int32, name="shape"), name="flat")
        x = tf.raw_ops.MatMul(a=x, b=tf.constant(np.eye(classes, dtype=np.float32), name="final/weights"), name="final/MatMul")
        tf.raw_ops.Softmax(logits=x, name="final_result")
    return serialised(graph)


def run_maps(graph: bytes, inputs: np.ndarray) -> np.ndarray:
    """What TensorFlow computes: [n, 384, 384, 3] -> [n, 48, 48, classes]."""
    return run_graph(graph, inputs, "maps")
