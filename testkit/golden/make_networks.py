"""Writes tiny frozen graphs of the MobileNet v1 family and TensorFlow's scores: `networks.json`.

Needs tensorflow (2.x) and numpy; run in this folder. Weights are random and seeded. The graphs are of the common forms:
slim's with retrain.py's head, Keras', and one with rare forms of ops.
"""

import json
import pathlib

import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "networks"
SIZE = 24
tf1 = tf.compat.v1


class Builder:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def weights(self, shape, name, read=False):
        value = self.rng.normal(0, (2 / max(np.prod(shape[:-1]), 1)) ** 0.5, shape).astype(np.float32)
        return self.constant(value, name, read)

    def constant(self, value, name, read=False):
        node = tf.constant(value, name=name)
        return tf.identity(node, name=name + "/read") if read else node

    def statistics(self, channels):
        draw = lambda low, high: self.rng.uniform(low, high, channels).astype(np.float32)
        return draw(0.5, 1.5), draw(-0.5, 0.5), draw(-0.3, 0.3), draw(0.2, 1.5)


def fused_norm(b, x, name, epsilon=1e-3, read=True, op="FusedBatchNorm"):
    gamma, beta, mean, variance = (
        b.constant(value, f"{name}/{part}", read)
        for value, part in zip(b.statistics(x.shape[-1]), ("gamma", "beta", "mean", "variance"))
    )
    raw = {"FusedBatchNorm": tf.raw_ops.FusedBatchNorm, "FusedBatchNormV3": tf.raw_ops.FusedBatchNormV3}[op]
    return raw(
        x=x, scale=gamma, offset=beta, mean=mean, variance=variance, epsilon=epsilon, is_training=False, name=name
    ).y


def decomposed_norm(b, x, name, subtract=True):
    """tf.nn.batch_normalization without the fused op."""
    gamma, beta, mean, variance = (
        b.constant(value, f"{name}/{part}", True)
        for value, part in zip(b.statistics(x.shape[-1]), ("gamma", "beta", "mean", "variance"))
    )
    scale = tf.raw_ops.Mul(x=tf.math.rsqrt(tf.raw_ops.AddV2(x=variance, y=tf.constant(1e-3))), y=gamma)
    shift = tf.raw_ops.Sub(x=beta, y=tf.raw_ops.Mul(x=mean, y=scale))
    return tf.raw_ops.Add(x=tf.raw_ops.Mul(x=x, y=scale), y=shift)


def slim_retrained(b):
    """slim's MobileNet v1 with its own logits, and retrain.py's head on top of them."""
    x = tf1.placeholder(tf.float32, [1, SIZE, SIZE, 3], name="input")
    x = tf.nn.conv2d(x, b.weights([3, 3, 3, 8], "Conv2d_0/weights", True), 2, "SAME")
    x = tf.nn.relu6(fused_norm(b, x, "Conv2d_0/BatchNorm"))
    for i, (stride, outputs) in enumerate([(1, 12), (2, 16)], 1):
        kernel = b.weights([3, 3, x.shape[-1], 1], f"Conv2d_{i}_depthwise/depthwise_weights", True)
        x = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
        x = tf.nn.relu6(decomposed_norm(b, x, f"Conv2d_{i}_depthwise/BatchNorm"))
        x = tf.nn.conv2d(x, b.weights([1, 1, x.shape[-1], outputs], f"Conv2d_{i}_pointwise/weights", True), 1, "SAME")
        x = tf.nn.relu6(fused_norm(b, x, f"Conv2d_{i}_pointwise/BatchNorm"))
    x = tf.nn.avg_pool2d(x, [6, 6], 2, "VALID")
    x = tf.identity(x, name="Dropout_1b/Identity")
    x = tf.nn.conv2d(x, b.weights([1, 1, 16, 11], "Logits/weights", True), 1, "SAME")
    x = tf.nn.bias_add(x, b.weights([11], "Logits/biases", True))
    x = tf.squeeze(x, [1, 2], name="SpatialSqueeze")
    x = tf.reshape(x, [-1, 11], name="Predictions/Reshape")
    x = tf1.placeholder_with_default(x, [None, 11], name="BottleneckInputPlaceholder")
    x = tf.matmul(x, b.weights([11, 5], "final_weights", True)) + b.weights([5], "final_biases", True)
    x = tf.raw_ops.CheckNumerics(tensor=x, message="logits")
    return tf.nn.softmax(x, name="final_result")


def keras(b):
    """Keras' MobileNet: explicit zero padding, FusedBatchNormV3, a shape computed at run time."""
    x = tf1.placeholder(tf.float32, [None, SIZE, SIZE, 3], name="input")
    x = tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])
    x = tf.nn.conv2d(x, b.weights([3, 3, 3, 8], "conv1/kernel"), 2, "VALID")
    x = tf.nn.relu6(fused_norm(b, x, "conv1_bn", read=False, op="FusedBatchNormV3"))
    for i, (stride, outputs) in enumerate([(1, 12), (2, 16)], 1):
        if stride == 2:
            x = tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])
        kernel = b.weights([3, 3, x.shape[-1], 1], f"conv_dw_{i}/depthwise_kernel")
        x = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "VALID" if stride == 2 else "SAME")
        x = tf.nn.relu6(fused_norm(b, x, f"conv_dw_{i}_bn", read=False, op="FusedBatchNormV3"))
        x = tf.nn.conv2d(x, b.weights([1, 1, x.shape[-1], outputs], f"conv_pw_{i}/kernel"), 1, "SAME")
        x = tf.nn.relu6(fused_norm(b, x, f"conv_pw_{i}_bn", read=False, op="FusedBatchNormV3"))
    x = tf.reduce_mean(x, [1, 2])
    batch = tf.shape(x)[0]
    x = tf.reshape(x, tf.stack([batch, 1, 1, 16]))
    x = tf.nn.conv2d(x, b.weights([1, 1, 16, 5], "conv_preds/kernel"), 1, "SAME")
    x = tf.nn.bias_add(x, b.weights([5], "conv_preds/bias"))
    x = tf.reshape(x, tf.stack([batch, 5]))
    return tf.identity(tf.nn.softmax(x), name="final_result")


def rare(b):
    """Scaling of the picture, EXPLICIT padding, min(relu, 6), depth multiplier 2, odd kernels, x·W written transposed."""
    x = tf1.placeholder(tf.float32, [None, SIZE, SIZE, 3], name="input")
    x = tf.raw_ops.Sub(x=tf.raw_ops.Mul(x=x, y=tf.constant(0.5)), y=tf.constant([0.1, 0.2, 0.3]))
    x = tf.nn.conv2d(x, b.weights([5, 3, 3, 6], "a"), [2, 1], [[0, 0], [2, 1], [1, 1], [0, 0]])
    x = tf.minimum(tf.nn.relu(x + b.weights([6], "b")), 6.0)
    x = tf.nn.depthwise_conv2d(x, b.weights([3, 3, 6, 2], "c"), [1, 1, 1, 1], "SAME")
    x = tf.nn.relu(tf.nn.bias_add(x, b.weights([12], "d")))
    x = fused_norm(b, x, "after_activation", epsilon=0.1)
    x = tf.nn.conv2d(x, b.weights([2, 2, 12, 8], "e"), 3, "SAME")
    x = tf.reduce_mean(x, [-3, -2], keepdims=True)
    x = tf.matmul(tf.reshape(x, [-1, 8]), b.weights([5, 8], "f"), transpose_b=True)
    return tf.nn.softmax(tf.raw_ops.Sub(x=tf.constant(0.5), y=x), name="final_result")


def picture(seed):
    """The same values in any language: integers, then one exact division."""
    index = np.arange(SIZE * SIZE * 3, dtype=np.int64)
    return (((index * index * 31 + index * seed * 17 + seed) % 255 - 127) / 128).astype(np.float32)


def main():
    FOLDER.mkdir(exist_ok=True)
    result = {}
    for seed, build in enumerate([slim_retrained, rare, keras]):
        with tf.Graph().as_default() as graph:
            build(Builder(seed))
            (FOLDER / f"{build.__name__}.pb").write_bytes(graph.as_graph_def().SerializeToString())
            with tf1.Session(graph=graph) as session:
                scores = [
                    session.run("final_result:0", {"input:0": picture(s).reshape(1, SIZE, SIZE, 3)})[0].tolist()
                    for s in (1, 2)
                ]
        result[build.__name__] = scores
    text = json.dumps({"tensorflow": tf.__version__, "size": SIZE, "scores": result}, indent=1)
    (HERE / "networks.json").write_text(text + "\n")


main()
