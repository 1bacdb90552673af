import type { DenseLayer } from '../classify/graph/chain.js';

/** The last layer of a network, with the names of its outputs. Its activation is linear; the softmax follows. */
export interface Head {
  readonly classes: readonly string[];
  readonly inputs: number;
  /** [inputs, classes] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

export const headOf = ({ inputs, weights, bias }: DenseLayer, classes: readonly string[]): Head => ({
  classes,
  inputs,
  weights,
  bias,
});

/** Adds outputs. A new one starts as `other`, where the network has that class, else from zeros. */
export function withNewOutputs(head: Head, names: readonly string[], start: string): Head {
  if (names.length === 0) return head;
  const { inputs, weights, bias } = head;
  const classes = [...head.classes, ...names];
  const model = head.classes.indexOf(start);
  const from = (c: number) => (c < head.classes.length ? c : model);
  return {
    classes,
    inputs,
    weights: Float32Array.from({ length: inputs * classes.length }, (_, i) => {
      const [row, column] = [Math.floor(i / classes.length), from(i % classes.length)];
      return column < 0 ? 0 : (weights[row * head.classes.length + column] ?? 0);
    }),
    bias: Float32Array.from(classes, (_, c) => (from(c) < 0 ? 0 : (bias[from(c)] ?? 0))),
  };
}

/** Divides the logits, so that the softmax is calibrated. */
export const tempered = (head: Head, temperature: number): Head => ({
  ...head,
  weights: head.weights.map((value) => value / temperature),
  bias: head.bias.map((value) => value / temperature),
});
