import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultThresholds, loadNetwork, readClasses } from '../../../src/classify/network.js';
import { brightnessOnnx } from '../../../testkit/classify/brightness-onnx.js';
import { modelFile } from '../../../testkit/classify/pictures.js';

let folder: string;
let graph: string;
let labels: string;
const content = Buffer.from('any bytes: loading does not look into the graph');
const sha256 = createHash('sha256').update(content).digest('hex');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'network-'));
  graph = join(folder, 'knees.pb');
  labels = join(folder, 'classes.txt');
  await writeFile(graph, content);
  await writeFile(labels, 'knee_ap \r\nknee_lateral\n\n');
});
afterEach(() => rm(folder, { recursive: true }));

const beside = (side: object) => writeFile(join(folder, 'knees.json'), JSON.stringify(side));

describe('a network', () => {
  it('has its file name as name where it has no description', async () => {
    const { network, model } = await loadNetwork({ graph, labels });
    expect(network).toEqual({
      name: 'knees',
      sha256,
      purpose: 'unstated',
      classes: ['knee_ap', 'knee_lateral'],
      thresholds: defaultThresholds,
    });
    expect(model.file).toEqual(content);
  });

  it('has the name, purpose and thresholds of its description', async () => {
    await beside({
      name: 'Knees 2',
      sha256,
      purpose: 'clinical',
      thresholds: { threshold: 0.7 },
      note: 'ours',
    });
    const { network } = await loadNetwork({ graph, labels });
    expect(network).toMatchObject({ name: 'Knees 2', purpose: 'clinical', note: 'ours' });
    expect(network.thresholds).toEqual({ ...defaultThresholds, threshold: 0.7 });
  });

  it('takes thresholds from the options, else the description, else the defaults', async () => {
    await beside({ thresholds: { threshold: 0.7, margin: 0.3 } });
    const { network } = await loadNetwork({
      graph,
      labels,
      thresholds: { threshold: 0.6, margin: undefined },
    });
    expect(network.thresholds).toEqual({
      threshold: 0.6,
      margin: 0.3,
      unknownBelow: defaultThresholds.unknownBelow,
    });
  });

  it('is refused where its description is of another graph', async () => {
    await beside({ sha256: 'a'.repeat(64) });
    await expect(loadNetwork({ graph, labels })).rejects.toMatchObject({
      code: 'network_mismatch',
      message: expect.stringContaining(sha256),
    });
  });

  it.each([
    ['no JSON', '{'],
    ['a threshold beyond 1', '{"thresholds":{"threshold":80}}'],
    ['an unknown purpose', '{"purpose":"fun"}'],
  ])('is refused where what is beside it is broken: %s', async (_, text) => {
    await writeFile(join(folder, 'knees.json'), text);
    await expect(loadNetwork({ graph, labels })).rejects.toMatchObject({
      code: 'network_unreadable',
      message: expect.stringContaining('knees.json'),
    });
  });

  it('is refused where a file is missing, which the error names', async () => {
    await expect(loadNetwork({ graph: join(folder, 'no.pb'), labels })).rejects.toThrow(
      /no\.pb is not there: PLAINVIEW_NETWORK .*model fetch/,
    );
    const frozen = modelFile('plainview.pb');
    await expect(loadNetwork({ graph: frozen, labels: join(folder, 'no.txt') })).rejects.toThrow(
      /no\.txt is not there: .*PLAINVIEW_LABELS/,
    );
  });

  it('has its classes read without the graph; where both are missing, the error names the graph', async () => {
    const elsewhere = join(folder, 'elsewhere', 'knees.pb');
    expect(await readClasses({ graph: elsewhere, labels })).toEqual(['knee_ap', 'knee_lateral']);
    await expect(
      readClasses({ graph: elsewhere, labels: join(folder, 'elsewhere', 'classes.txt') }),
    ).rejects.toThrow(/knees\.pb is not there: PLAINVIEW_NETWORK/);
  });

  it.each([
    ['text', content],
    ['DICOM', Buffer.concat([Buffer.alloc(128), Buffer.from('DICM\x02\0\0\0UL\x04\0')])],
    ['nothing', Buffer.alloc(0)],
  ])('that holds %s is said to be no graph, before its names are missed', async (_what, bytes) => {
    await writeFile(graph, bytes);
    await expect(readClasses({ graph, labels: join(folder, 'no.txt') })).rejects.toMatchObject({
      code: 'network_unreadable',
      message: expect.stringMatching(/knees\.pb is not a frozen graph .*: PLAINVIEW_NETWORK/),
    });
  });

  it('is refused where two outputs have one name', async () => {
    await writeFile(labels, 'knee_ap\nhand_ap\nknee_ap\n');
    await expect(loadNetwork({ graph, labels })).rejects.toThrow(/"knee_ap" twice/);
  });
});

describe('the included networks', () => {
  it('the embedded one has NNCPR’s categories in NNCPR’s order, then `other`', async () => {
    const { network } = await loadNetwork({
      graph: modelFile('plainview.pb'),
      labels: modelFile('classes.txt'),
    });
    const published = (await readFile(modelFile('nncpr-classes.txt'), 'utf8')).trim().split('\n');
    expect(network.classes).toEqual([...published, 'other']);
    expect(network.purpose).toBe('research');
  });

  it('NNCPR’s list of classes is the published one, byte for byte', async () => {
    const text = await readFile(modelFile('nncpr-classes.txt'));
    const gitBlob = createHash('sha1').update(`blob ${text.length}\0`).update(text).digest('hex');
    expect(gitBlob).toBe('d670f6361d83cb53a67285670f899a7dc558197f');
  });
});

it('an ONNX file is known by what its description makes of it, not by its name or note', async () => {
  const views = ['knee_ap', 'hand_ap', 'chest_lateral'] as const;
  const described = async (
    categories: typeof views | ['hand_ap', 'knee_ap', 'chest_lateral'],
    more: Parameters<typeof brightnessOnnx>[3],
  ) => {
    const { network } = await loadNetwork({ graph: await brightnessOnnx(folder, 'views', categories, more) });
    return network.described;
  };
  const first = await described(views, { note: 'first' });
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(await described(views, { note: 'second' })).toBe(first);
  expect(await described(views, { thresholds: { threshold: 0.5 } })).not.toBe(first);
  expect(await described(views, { output: { values: 'logits' } })).not.toBe(first);
  expect(await described(['hand_ap', 'knee_ap', 'chest_lateral'], {})).not.toBe(first);
});
