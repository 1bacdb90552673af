import { gitBlobOf, nncpr } from './fetch.js';
import { buildChain } from './graph/chain.js';
import { readGraphDef } from './graph/graphdef.js';
import { convolvedSize, type Size } from './graph/steps.js';
import { walk } from './graph/walk.js';
import {
  type LoadedNetwork,
  loadNetwork,
  type Model,
  type NetworkSource,
  requireOutputs,
} from './network.js';
import type { OnnxForm } from './onnx/fit.js';
import { memoryFor, memoryOf } from './workers/memory.js';
import { Pool } from './workers/pool.js';

export type Row = readonly [name: string, value: string];

/**
 * Describes a network as a text for people; of a cascade, each of its networks.
 * @throws network_…; engine_unavailable where an ONNX file cannot be read
 */
export async function describeNetwork(source: NetworkSource): Promise<string> {
  const loaded = await loadNetwork(source);
  const parts = [await textOf(loaded, source.graph)];
  for (const next of new Set(loaded.next.values())) {
    const categories = [...loaded.next].flatMap(([category, one]) => (one === next ? [category] : []));
    parts.push(
      `\nlooks next where that one gives ${categories.join(' or ')}:\n${await textOf(next, next.path)}`,
    );
  }
  return parts.join('\n');
}

async function textOf(loaded: LoadedNetwork, path: string): Promise<string> {
  const { first: network, model } = loaded;
  const isPublished = model.kind === 'frozen' && (await gitBlobOf(path)) === nncpr.gitBlob;
  const { threshold, margin, unknownBelow } = network.thresholds;
  const rows: Row[] = [
    ['network', network.name + (isPublished ? " – NNCPR's own, as published" : '')],
    ['file', `${path}, ${model.file.byteLength} bytes`],
    ['SHA-256', network.sha256],
    ['purpose', network.purpose],
    ...(network.note === undefined ? [] : [['note', network.note] satisfies Row]),
    ...(model.kind === 'frozen' ? frozenRows(loaded, model) : await onnxRows(loaded, model)),
    ['thresholds', `threshold ${threshold}, margin ${margin}, unknown below ${unknownBelow}`],
    ['classes', `${network.classes.length}: ${network.classes.join(', ')}`],
  ];
  return tableText(rows);
}

export const tableText = (rows: readonly Row[]): string =>
  rows.map(([name, value]) => `${name.padEnd(16)}${value}`).join('\n');

function frozenRows(
  loaded: LoadedNetwork,
  { file, layers, preparation: input }: Extract<Model, { kind: 'frozen' }>,
): Row[] {
  const chain = buildChain(walk(readGraphDef(Buffer.from(file)), layers), input);
  requireOutputs(loaded, chain.classes);
  let size: Size = input;
  let multiplications = 0;
  for (const layer of chain.features) {
    size = convolvedSize(size, layer.shape, layer.strides, layer.pads);
    multiplications += layer.kernel.length * size.height * size.width;
  }
  const parameters = [
    ...chain.features.map((layer) => layer.kernel),
    ...chain.head.map((layer) => layer.weights),
  ];
  const million = (count: number) => `${(count / 1e6).toFixed(1)} million`;
  return [
    ['input', `${layers.inputLayer} [N, ${input.height}, ${input.width}, 3]`],
    ['output', `${layers.outputLayer} [N, ${chain.classes}]`],
    ['layers', `${chain.features.length} convolutions, ${chain.head.length} fully connected`],
    ['weights', million(parameters.reduce((sum, { length }) => sum + length, 0))],
    ['multiplications', `${million(multiplications)} a picture`],
  ];
}

async function onnxRows(loaded: LoadedNetwork, model: Extract<Model, { kind: 'onnx' }>): Promise<Row[]> {
  // In a process of its own, as when it classifies.
  const { pool, ready } = await Pool.start(
    {
      model,
      engine: 'auto',
      maxMegapixels: 1,
      timeoutMs: 60_000,
      memoryBytes: memoryFor(1) + memoryOf(model),
    },
    1,
  );
  await pool.close();
  requireOutputs(loaded, ready.classes);
  return ready.onnx === undefined ? [] : formRows(ready.onnx.form);
}

/** How a description was understood. */
export function formRows({ input, output, batch }: OnnxForm): Row[] {
  const { layout, channels, height, width, resize, range, mean, std } = input;
  const axes = layout === 'NCHW' ? [channels, height, width] : [height, width, channels];
  const kept = {
    squash: 'squash: the whole picture, its aspect ratio is lost',
    letterbox: `letterbox: the whole picture, bars of level ${input.fill}`,
    crop: `crop: the middle of the picture, ${(input.cropShare * 100).toFixed(1)} % of its shorter side`,
  }[resize];
  const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(6))).join(', ');
  return [
    ['input', `${input.name} [${batch === 'open' ? 'N' : 1}, ${axes.join(', ')}] (${layout})`],
    ['resize', `${kept}; ${input.interpolation}`],
    [
      'levels',
      `0 … 255 become ${range.join(' … ')}, then − mean (${rounded(mean)}), ÷ std (${rounded(std)})`,
    ],
    ['channels', channels === 1 ? '1: grey' : '3: red, green, blue; grey pictures three times the same'],
    ['output', `${output.name} [N, ${output.classes}]: ${output.values}`],
  ];
}
