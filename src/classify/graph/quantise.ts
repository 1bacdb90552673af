import { createError } from '../../errors/errors.js';
import type { Chain, ConvLayer } from './chain.js';
import { featuresHash } from './last-layer.js';

/**
 * `featuresHash` of the networks that agree in int8 with float32 (`test/unit/classify/int8.test.ts`): the embedded one, and what is
 * trained from it. Nothing else tells: MobileNet of ImageNet is as exact on noise, and loses 1.5 points on radiographs.
 */
const measured: readonly string[] = [
  // Version 6 of the embedded network, and 5 and 4, from which `plainview train` made networks that are in use.
  '7dd67bde5bbbd1a8c66df873ec74c90e8b62313a5800a658fe1a7b15c0d9b466',
  '4274745a279b49fdb5dcacf0130c2b7066f5d5ef28e89410da68b25cf3a7308b',
  'ca493f2b8b830486a8c1e18d7e03da39e7da68e2fb0989fd78dd5d1a211e631c',
];

/** @throws int8_unavailable */
export function requireMeasured(chain: Chain): void {
  if (!measured.includes(featuresHash(chain)))
    throw createError('int8_unavailable', {
      why: 'only the embedded network, and those that `plainview train` made of it, are known to keep their accuracy: choose float32',
    });
}

/** Lowest and highest value that a prepared picture can have. */
export type PictureRange = readonly [number, number];

/** How values stand as integers of 8 bits, 0 … 255: value = scale · (integer − zero). */
export interface Grid {
  readonly scale: number;
  readonly zero: number;
}

/** The weights of a layer as integers. */
export interface QuantisedLayer {
  /** [outputs, inputs of a group, height, width], −127 … 127 */
  readonly weights: Int8Array;
  /** One for each output. */
  readonly scales: Float32Array;
  /** In steps of the input's scale times `scales`. */
  readonly bias: Int32Array;
  readonly biasScales: Float32Array;
}

/** 0, which is what padding adds, has no error on it. */
function gridOf(lowest: number, highest: number): Grid {
  const low = Math.min(lowest, 0);
  const scale = Math.fround((Math.max(highest, 0) - low) / 255);
  return { scale, zero: Math.round(-low / scale) };
}

const relu6Grid = gridOf(0, 6);

/**
 * The grid of the picture, and the one of all layers: relu6 itself limits their values, so no pictures are needed to find
 * out how large they become.
 * @throws int8_unavailable where a layer has no such limit
 */
export function gridsOf({ features }: Chain, range: PictureRange): { picture: Grid; layers: Grid } {
  if (features.some(({ activation }) => activation !== 'relu6'))
    throw createError('int8_unavailable', {
      why: 'the network has convolutions without relu6, whose values have no upper limit: choose float32',
    });
  return { picture: gridOf(...range), layers: relu6Grid };
}

const largestWeight = 127;
/** A bias leaves room in 32 bits for the sum of the products. */
const largestBias = 2 ** 30;

/** @param input the grid of what the layer is given */
export function quantise({ kind, shape, kernel, bias }: ConvLayer, input: Grid): QuantisedLayer {
  const [height, width, inputs] = shape;
  const outputs = bias.length;
  const depth = kind === 'conv' ? inputs : 1;
  const places = height * width;
  // An output whose weights are all small can have a bias that counts.
  const most = Float64Array.from(
    bias,
    (value) => (Math.abs(value) * largestWeight) / (input.scale * largestBias),
  );
  for (let i = 0; i < kernel.length; i++)
    most[i % outputs] = Math.max(at(most, i % outputs), Math.abs(at(kernel, i)));
  const scales = Float32Array.from(most, (value) => (value === 0 ? 1 : value / largestWeight));
  const biasScales = scales.map((scale) => scale * input.scale);
  const weights = new Int8Array(kernel.length);
  for (let place = 0; place < places; place++)
    for (let i = 0; i < depth; i++)
      for (let o = 0; o < outputs; o++)
        weights[(o * depth + i) * places + place] = Math.round(
          at(kernel, (place * depth + i) * outputs + o) / at(scales, o),
        );
  return {
    weights,
    scales,
    bias: Int32Array.from(bias, (value, o) => Math.round(value / at(biasScales, o))),
    biasScales,
  };
}

// All indices come from the lengths.
const at = (values: Float32Array | Float64Array, index: number) => values[index] as number;
