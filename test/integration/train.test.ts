import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { plainview } from '../../testkit/cli.js';
import { image, uid } from '../../testkit/dicom.js';
import { brightnessNetwork, personsRecord, writeGrey } from '../../testkit/evaluate.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { Reader } from '../../testkit/service.js';

const real = useOrthanc();
let folder: string;
let state: string;
/** Dark is a knee, bright a chest. */
let network: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'train-'));
  state = join(folder, 'state');
  network = await brightnessNetwork(join(folder, 'network'), 'knee_ap', 'chest_pa_ap');
});
afterAll(() => rm(folder, { recursive: true }));

async function run(...args: string[]) {
  const running = plainview(args, {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    PLAINVIEW_STATE_DIR: state,
    PLAINVIEW_NETWORK: network,
    PLAINVIEW_WORKERS: '1',
  });
  return { status: await running.ended, out: running.out() };
}

const train = (...args: string[]) => run('train', '--no-thumbnails', ...args);
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Pictures of one patient each, with the labels that a site gives them. */
async function pictures(
  name: string,
  kinds: readonly (readonly [label: string, level: number, count: number])[],
) {
  const into = join(folder, name);
  await mkdir(into);
  const rows = ['file,label,patient'];
  for (const [label, level, count] of kinds)
    for (let i = 0; i < count; i++) {
      const file = `${label}-${level}-${i}.png`;
      await writeGrey(join(into, file), level + i);
      rows.push(`${file},${label},${label}${level}${i}`);
    }
  await writeFile(join(into, 'labels.csv'), rows.join('\n'));
  return into;
}

const accuracy = z.object({
  evaluations: z.array(
    z.object({ figures: z.object({ accuracy: z.object({ count: z.number(), of: z.number() }) }) }),
  ),
});
async function rightBy(graph: string, labels: string): Promise<number> {
  const json = join(folder, 'evaluation.json');
  await run('evaluate', labels, '--network', graph, '--json', json);
  const [evaluation] = accuracy.parse(JSON.parse(await readFile(json, 'utf8'))).evaluations;
  return evaluation?.figures.accuracy.count ?? -1;
}

describe('plainview train on a folder', () => {
  test('writes a network that is right where the old one was wrong', async () => {
    const [learnt, held] = [
      await pictures('learnt', [
        ['elbow_ap', 0, 15],
        ['chest_pa_ap', 230, 15],
      ]),
      await pictures('held', [
        ['elbow_ap', 3, 8],
        ['chest_pa_ap', 235, 8],
      ]),
    ];
    const out = join(folder, 'site');
    const { status, out: text } = await train(learnt, '--out', out, '--name', 'site-1');
    expect(text).toContain('named as people did: 15 → 30 of 30');
    expect(status).toBe(0);
    expect((await readdir(out)).sort()).toEqual([
      'card.md',
      'classes.txt',
      'network.json',
      'network.pb',
      'report.html',
    ]);
    expect(await rightBy(network, held)).toBe(8);
    expect(await rightBy(join(out, 'network.pb'), held)).toBe(16);
    expect(await readFile(join(out, 'card.md'), 'utf8')).toContain('| elbow_ap | 15 | 0.0 | 100.0');
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('out of fold');
    expect((await stat(join(out, 'report.html'))).mode & 0o077).toBe(0);
    // The written description and graph belong together: `model info` checks the hash.
    const info = await run('model', 'info', '--graph', join(out, 'network.pb'));
    expect(info.out).toMatch(/network +site-1\n/);
    expect(info.out).toContain('knee_ap');
  });

  test('refuses a folder that is there, unless it is to be replaced', async () => {
    const out = join(folder, 'site');
    const before = await readFile(join(out, 'network.pb'));
    for (const name of ['embedded', '../site']) {
      const { status, out: text } = await train(join(folder, 'learnt'), '--name', name);
      expect(status).toBe(2);
      expect(text).toContain('cannot be the name of a network');
    }
    const refused = await train(join(folder, 'learnt'), '--out', out);
    expect(refused.status).toBe(2);
    expect(refused.out).toContain('is there already');
    expect(await readFile(join(out, 'network.pb'))).toEqual(before);
    const replaced = await train(join(folder, 'learnt'), '--out', out, '--replace', '--name', 'site-2');
    expect(replaced.status).toBe(0);
    expect(await readFile(join(out, 'network.json'), 'utf8')).toContain('site-2');
    // The same pictures, the same network.
    expect(await readFile(join(out, 'network.pb'))).toEqual(before);
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('replaces no folder that holds anything else', async () => {
    const other = await pictures('precious', [['knee_ap', 0, 3]]);
    const { status, out } = await train(join(folder, 'learnt'), '--out', other, '--replace');
    expect(status).toBe(2);
    expect(out).toContain('which no training wrote');
    expect(await readdir(other)).toHaveLength(4);
  });

  test('goes on from a network that it made', async () => {
    const learnt = await pictures('more', [
      ['wrist_ap', 100, 15],
      ['elbow_ap', 0, 15],
      ['chest_pa_ap', 230, 15],
    ]);
    const out = join(folder, 'site-more');
    const { status } = await train(learnt, '--network', join(folder, 'site', 'network.pb'), '--out', out);
    expect(status).toBe(0);
    expect(await rightBy(join(out, 'network.pb'), join(folder, 'held'))).toBe(16);
  });

  test('writes nothing without a gain, and says loudly where it must', async () => {
    const known = await pictures('known', [
      ['knee_ap', 0, 10],
      ['chest_pa_ap', 230, 10],
    ]);
    const out = join(folder, 'no-gain');
    const refused = await train(known, '--out', out);
    expect(refused.status).toBe(1);
    expect(refused.out).toContain('No network was written');
    expect(await exists(out)).toBe(false);
    const anyway = await train(known, '--out', out, '--anyway');
    expect(anyway.status).toBe(0);
    expect(anyway.out).toContain('WRITTEN ALTHOUGH IT IS NOT BETTER');
    expect(await readFile(join(out, 'card.md'), 'utf8')).toContain('not better than the network');
    expect(await readFile(join(out, 'network.json'), 'utf8')).toContain('NOT better');
  });

  test('gives a new category the name that the map says', async () => {
    const labels = await pictures('skulls', [
      ['Skull AP', 100, 20],
      ['chest_pa_ap', 230, 15],
    ]);
    const map = join(folder, 'map.csv');
    await writeFile(map, 'label,category\nSkull AP,skull_ap\n');
    const out = join(folder, 'with-skulls');
    const { status, out: text } = await train(labels, '--map', map, '--out', out);
    expect(text).toContain('new category skull_ap: sensitivity 100.0 %');
    expect(status).toBe(0);
    const classes = (await readFile(join(out, 'classes.txt'), 'utf8')).trim().split('\n');
    expect(classes).toEqual(['elbow_ap', 'wrist_ap', 'ankle_ap', 'knee_ap', 'chest_pa_ap', 'skull_ap']);
  });

  test('refuses a new category that cannot be a label, before it fits anything', async () => {
    const labels = await pictures('states', [
      ['needs_review', 100, 20],
      ['chest_pa_ap', 230, 15],
    ]);
    const out = join(folder, 'with-states');
    const { status, out: text } = await train(labels, '--out', out);
    expect(status).toBe(1);
    expect(text).toContain('"needs_review" cannot be a label');
    expect(await exists(out)).toBe(false);
  });

  test('trains with the pictures that it can read, and names the others', async () => {
    await writeFile(join(folder, 'learnt', 'elbow_ap-0-3.png'), 'no picture');
    const { status, out } = await train(join(folder, 'learnt'), '--out', join(folder, 'some'));
    expect(out).toContain('elbow_ap-0-3.png: The picture cannot be decoded');
    expect(out).toContain('of 29');
    expect(status).toBe(0);
  });

  test.each([
    ['too few pictures', [['knee_ap', 0, 3]] as const, /at least 10 labelled pictures/],
    ['nothing that a network could learn', [['skull', 0, 15]] as const, /at least 10 labelled pictures/],
  ])('fails with %s', async (name, kinds, sentence) => {
    const labels = await pictures(name, kinds);
    const { status, out } = await train(labels, '--out', join(folder, `out ${name}`));
    expect(status).toBe(1);
    expect(out).toMatch(sentence);
    expect(await exists(join(folder, `out ${name}`))).toBe(false);
  });
});

describe('plainview train --orthanc', () => {
  let reader: Reader;

  beforeAll(async () => {
    reader = new Reader(real.orthanc.url);
    const store = async (name: string, level: number, decision: object, label: string) => {
      const { orthancId } = await real.storeInstance(
        image({
          rows: 16,
          columns: 24,
          bitsStored: 8,
          // One pixel tells them apart: Orthanc stretches the grey levels, and equal pictures count once.
          pixels: Uint8Array.from({ length: 16 * 24 }, (_, i) =>
            i === 3 ? 100 + 4 * (level % 20) : i % 8 === 0 ? 128 : level,
          ),
          patientId: name,
          studyInstanceUid: uid(`train ${name}`),
        }),
      );
      await reader.put(
        `instances/${orthancId}`,
        'Radiograph',
        JSON.stringify({ ...personsRecord, ...decision }),
      );
      await reader.label(`instances/${orthancId}`, label);
    };
    for (let i = 0; i < 15; i++) {
      await store(`elbow ${i}`, i, { category: 'elbow_ap' }, 'elbow_ap');
      // Nobody has looked at the chests.
      await store(`chest ${i}`, 230 + i, { category: 'chest_pa_ap', who: 'network' }, 'chest_pa_ap');
    }
  });

  test('learns from what people have said, and replays what the network was sure of', async () => {
    const before = await reader.lastChange();
    const out = join(folder, 'from-orthanc');
    const { status, out: text } = await train('--orthanc', '--out', out);
    expect(text).toContain('named as people did: 0 → 15 of 15');
    expect(text).toContain('confident decisions of the network in use that it makes too: 15 of 15');
    expect(status).toBe(0);
    expect(await readFile(join(out, 'card.md'), 'utf8')).toContain(
      '15 confident decisions that were replayed',
    );
    expect(await rightBy(join(out, 'network.pb'), join(folder, 'held'))).toBe(16);
    // It only reads.
    expect(await reader.lastChange()).toBe(before);
  });

  test('counts a picture once that is in the folder and in Orthanc, and says so', async () => {
    const exported = join(folder, 'exported');
    const key = join(folder, 'key');
    await writeFile(key, 'a key of the tests');
    expect(await run('export-corrections', exported, '--key-file', key)).toMatchObject({ status: 0 });
    const { out } = await train(exported, '--orthanc', '--out', join(folder, 'from-export'));
    expect(out).toContain('15 pictures occur more than once, and count once');
    expect(out).toContain('named as people did: 0 → 15 of 15');
  });

  test('learns from a folder too', async () => {
    const { status, out } = await train(
      join(folder, 'more'),
      '--orthanc',
      '--out',
      join(folder, 'from-both'),
    );
    expect(out).toMatch(/of 60 \(/);
    expect(status).toBe(0);
  });
});
