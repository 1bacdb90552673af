import { createError } from '../../errors/errors.js';
import type { GraphNode } from './graphdef.js';

/** A tensor that does not depend on the picture: row-major values, TensorFlow's axis order. */
export interface Constant {
  readonly shape: readonly number[];
  /** Float32Array or Int32Array as stored; Float64Array where computed from other constants. */
  readonly values: Float32Array | Float64Array | Int32Array;
}

// TensorFlow's DataType (types.proto).
const dtFloat = 1;
const dtInt32 = 3;

/** Most values of a tensor. The largest of MobileNet v1 has a million; a broken shape can have 2^63. */
const maxElements = 1 << 26;

export const sizeOf = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

/**
 * @throws network_unsupported for data types other than float32 and int32; network_unreadable for a missing value or
 *   wrong size
 */
export function readConst(node: GraphNode): Constant {
  const proto = node.attr.value?.tensor;
  if (!proto) throw createError('network_unreadable', { problem: `constant ${node.name} has no value` });
  const shape = proto.tensorShape;
  const size = sizeOf(shape);
  if (!Number.isSafeInteger(size) || size < 0 || size > maxElements)
    throw createError('network_unreadable', { problem: `constant ${node.name} has the shape [${shape}]` });
  const isFloat = proto.dtype === dtFloat;
  if (!isFloat && proto.dtype !== dtInt32)
    throw createError('network_unsupported', {
      node: node.name,
      op: node.op,
      problem: `its data type is number ${proto.dtype}; float32 and int32 are understood`,
    });

  if (proto.tensorContent.length > 0) {
    if (proto.tensorContent.length !== size * 4)
      throw createError('network_unreadable', {
        problem: `constant ${node.name} holds ${proto.tensorContent.length} bytes for the shape [${shape}]`,
      });
    // Typed arrays must start at a multiple of four, but the bytes in the file start anywhere. So they are copied.
    const aligned = new Uint8Array(proto.tensorContent).buffer;
    return { shape, values: isFloat ? new Float32Array(aligned) : new Int32Array(aligned) };
  }
  const list = isFloat ? proto.floatVal : proto.intVal;
  const values = isFloat ? new Float32Array(size) : new Int32Array(size);
  // TensorFlow leaves out repeated values. The last value fills the rest; without any, all are zero.
  const last = Math.min(list.length, size) - 1;
  for (let i = 0; i <= last; i++) values[i] = list[i] ?? 0;
  values.fill(list[last] ?? 0, last + 1);
  return { shape, values };
}
