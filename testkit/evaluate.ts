import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { EvaluatedPicture } from '../src/evaluate/evaluate-pictures.js';
import { edited, find, type Node } from './classify/graphs.js';

/**
 * Writes a network that distinguishes dark and bright pictures: a golden graph with a changed last layer. Of its five
 * outputs, the fourth is high for black (0.95) and the fifth for white (0.99).
 * @param copy another number gives another file with the same behaviour and another hash
 * @returns path of the graph; `classes.txt` is beside it
 */
export async function brightnessNetwork(
  folder: string,
  dark: string,
  bright: string,
  copy = 1,
): Promise<string> {
  const graph = edited('keras', (nodes) => {
    change(nodes, 'conv_preds/kernel', (value) => value * (30 + copy * 1e-3));
    change(nodes, 'conv_preds/bias', (value, i) => (value - (i === 4 ? 0.3 : 0)) * 30);
  });
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'brightness.pb');
  await writeFile(path, graph);
  const rest = ['elbow_ap', 'wrist_ap', 'ankle_ap'];
  await writeFile(join(folder, 'classes.txt'), [...rest, dark, bright].join('\n'));
  return path;
}

function change(nodes: readonly Node[], name: string, by: (value: number, index: number) => number): void {
  const tensor = find(nodes, (node) => node.name === name).attr.value?.tensor;
  if (tensor?.tensorContent === undefined) throw new Error(`the golden graph has no tensor ${name}`);
  const values = new Float32Array(new Uint8Array(tensor.tensorContent).buffer);
  tensor.tensorContent = new Uint8Array(values.map(by).buffer);
}

/** A small picture of one grey level. */
export async function writeGrey(path: string, level: number): Promise<void> {
  const background = { r: level, g: level, b: level };
  await sharp({ create: { width: 24, height: 16, channels: 3, background } })
    .png()
    .toFile(path);
}

let count = 0;
/**
 * A result for a picture, decided at a threshold of 0.9.
 * @param second the second best class
 */
export function evaluated(
  label: string,
  category: string,
  score = 0.99,
  { group, second }: { group?: string; second?: string } = {},
): EvaluatedPicture {
  const best = { category, score };
  const isLabelled = category !== 'other' && score >= 0.9;
  return {
    picture: { id: `${count++}.png`, label, ...(group === undefined ? {} : { group }) },
    best,
    top: [best, ...(second === undefined ? [] : [{ category: second, score: 1 - score }])],
    decision: isLabelled ? 'category' : 'needs_review',
  };
}

/** A decision as a person's correction leaves it in Orthanc; tests give the category, or that there is none. */
export const personsRecord = {
  version: 1,
  decision: 'category',
  reason: '',
  top: [],
  who: 'person',
  network: { name: 'n', sha256: 'a'.repeat(64) },
  engine: 'wasm',
  when: '2026-01-02T03:04:05Z',
  ms: 1,
  labels: [],
};
