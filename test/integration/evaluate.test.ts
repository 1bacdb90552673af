import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { plainview } from '../../testkit/cli.js';
import { image, uid } from '../../testkit/dicom.js';
import { brightnessNetwork, personsRecord } from '../../testkit/evaluate.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { Reader } from '../../testkit/service.js';

const real = useOrthanc();
let folder: string;
let network: string;
/** Identifiers of the instances, by their description. */
const ids: Record<string, string> = {};

/** A picture of one grey level, with some pixels of another, for a network that only distinguishes dark and bright. */
const grey = (level: number) => ({
  rows: 16,
  columns: 24,
  bitsStored: 8,
  pixels: Uint8Array.from({ length: 16 * 24 }, (_, i) => (i % 8 === 0 ? 128 : level)),
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evaluate-orthanc-'));
  // Dark is a knee, bright a chest.
  network = await brightnessNetwork(join(folder, 'network'), 'knee_ap', 'chest_pa_ap');
  const reader = new Reader(real.orthanc.url);
  const store = async (name: string, level: number, correction: object | undefined, more = {}) => {
    const { orthancId } = await real.storeInstance(
      image({ ...grey(level), patientId: 'one', studyInstanceUid: uid('evaluate one'), ...more }),
    );
    ids[name] = orthancId;
    if (correction !== undefined)
      await reader.put(
        `instances/${orthancId}`,
        'Radiograph',
        JSON.stringify({ ...personsRecord, ...correction }),
      );
  };
  const station = (name: string) => ({ attributes: { '0008,1010': ['SH', name] } });
  const two = { patientId: 'two', studyInstanceUid: uid('evaluate two') };
  await store('a knee', 0, { category: 'knee_ap' }, station('ROOM1'));
  await store('a chest', 255, { category: 'chest_pa_ap' }, { ...two, ...station('ROOM2') });
  await store(
    'a knee that looks like a chest',
    255,
    { category: 'knee_ap' },
    { ...two, ...station('ROOM2') },
  );
  await store('a skull', 255, { decision: 'unknown_view' });
  await store("the network's word", 0, { category: 'knee_ap', who: 'network' });
  await store('undecided', 0, undefined);
  await store('another modality', 0, { category: 'knee_ap' }, { modality: 'MR' });
  await store('words of others', 0, { version: 7 });
  await store('an empty picture', 0, { category: 'knee_ap' }, { truncateBy: 100 });
});
afterAll(() => rm(folder, { recursive: true }));

const proportion = z.object({ count: z.number(), of: z.number() });
const report = z.object({
  data: z.object({
    name: z.string(),
    pictures: z.number(),
    patients: z.number(),
    unread: z.array(z.object({ id: z.string(), code: z.string() })),
    warnings: z.array(z.string()),
  }),
  evaluations: z.array(
    z.object({
      figures: z.object({
        accuracy: proportion,
        otherCaught: proportion,
        groups: z.array(z.object({ group: z.string(), accuracy: proportion })),
      }),
      worst: z.array(z.object({ picture: z.object({ id: z.string() }) })),
    }),
  ),
});

async function evaluate(...args: string[]) {
  const json = join(folder, 'report.json');
  const run = plainview(['evaluate', '--orthanc', '--network', network, '--json', json, ...args], {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
  });
  const status = await run.ended;
  const text = await readFile(json, 'utf8').catch(() => undefined);
  await rm(json, { force: true });
  return {
    status,
    out: run.out(),
    report: text === undefined ? undefined : report.parse(JSON.parse(text)),
  };
}

describe('plainview evaluate --orthanc', () => {
  test('measures only on decisions by people', async () => {
    const { status, out, report } = await evaluate();
    expect(report?.data).toMatchObject({
      pictures: 5,
      patients: 2,
      unread: [{ id: ids['an empty picture'], code: 'instance_not_renderable' }],
    });
    expect(report?.evaluations).toMatchObject([
      {
        figures: { accuracy: { count: 2, of: 3 }, otherCaught: { of: 1 } },
      },
    ]);
    const worst = report?.evaluations[0]?.worst.map(({ picture }) => picture.id);
    expect(worst?.sort()).toEqual([ids['a knee that looks like a chest'], ids['a skull']].sort());
    expect(report?.data.warnings.join()).toContain('not of all radiographs');
    // One picture could not be rendered.
    expect(status).toBe(1);
    expect(out).toContain(ids['an empty picture']);
  });

  test('groups the figures by an attribute, and uses only instances that match a query', async () => {
    const by = await evaluate('--by', 'StationName');
    expect(by.report?.evaluations[0]?.figures.groups).toMatchObject([
      { group: '(none)' },
      { group: 'ROOM1', accuracy: { count: 1, of: 1 } },
      { group: 'ROOM2', accuracy: { count: 1, of: 2 } },
    ]);
    const some = await evaluate('--query', 'StationName=ROOM2');
    expect(some).toMatchObject({ status: 0, report: { data: { pictures: 2 } } });
    const later = await evaluate('--from', '2030-01-01');
    expect(later.status).toBe(1);
    expect(later.out).toContain('names no pictures');
  });

  test('groups by an attribute that no picture has', async () => {
    const { report } = await evaluate('--by', 'ProtocolName');
    expect(report?.evaluations[0]?.figures.groups.map(({ group }) => group)).toEqual(['(none)']);
  });

  test('writes nothing into Orthanc', async () => {
    const reader = new Reader(real.orthanc.url);
    const before = await reader.lastChange();
    expect((await evaluate()).report?.data.pictures).toBe(5);
    for (const id of Object.values(ids)) expect(await reader.writesSince(before, id)).toBe(0);
  });

  test('--shadow compares what was recorded, and loads no network and no picture', async () => {
    const by = personsRecord;
    const reader = new Reader(real.orthanc.url);
    const judged = async (name: string, network: string, second: object, category: string) => {
      const of = '2026-01-01T00:00:00.000Z';
      const said = { network: { name: 's', sha256: 'b'.repeat(64) }, decision: 'category', of, ...second };
      const top = [{ category: network, score: 0.9 }];
      const decided = { ...by, decision: 'category', category: network, top, when: of, shadow: said };
      await reader.put(
        `instances/${ids[name]}`,
        'Radiograph',
        JSON.stringify({ ...by, category, top, before: decided }),
      );
    };
    const would = (category: string) => ({ category, top: [{ category, score: 0.8 }] });
    await judged('a knee', 'knee_ap', would('knee_ap'), 'knee_ap');
    await judged('a chest', 'knee_ap', would('chest_pa_ap'), 'chest_pa_ap');
    await judged('a knee that looks like a chest', 'chest_pa_ap', would('knee_ap'), 'knee_ap');
    await judged('a skull', 'knee_ap', { decision: 'failed', top: [] }, 'knee_ap');
    const json = join(folder, 'shadow.json');
    const args = ['evaluate', '--orthanc', '--shadow', '--json', json];
    const env = { PLAINVIEW_ORTHANC_URL: real.orthanc.url, PLAINVIEW_NETWORK: '/nowhere.pb' };
    const run = plainview(args, env);
    expect(await run.ended).toBe(0);
    const [pair] = JSON.parse(await readFile(json, 'utf8')).pairs;
    expect(pair).toMatchObject({
      network: { name: 'n' },
      shadow: { name: 's' },
      pictures: 3,
      failed: 1,
      partings: [
        { network: 'chest_pa_ap', shadow: 'knee_ap', n: 1 },
        { network: 'knee_ap', shadow: 'chest_pa_ap', n: 1 },
      ],
      comparison: { best: { n: 3, both: 1, onlyFirst: 0, onlySecond: 2, mcnemar: { exact: 0.5 } } },
    });
    expect(run.out()).toMatch(/only one of them right +network 0, shadow 2, p 0\.5/);
    expect(run.out()).toContain(ids['a knee that looks like a chest']);
    for (const wrong of [['--shadow'], ['--orthanc', '--shadow', '--against', 'nncpr']]) {
      const refused = plainview(['evaluate', ...wrong], env);
      expect(await refused.ended).toBe(2);
      expect(refused.out()).toMatch(/--shadow/);
    }
  });

  test.each([
    ['a folder too', ['/tmp'], /not both/],
    ['an attribute that names people', ['--by', 'PatientName'], /--by is one of .*StationName/],
    ['a query that is none', ['--query', 'StationName'], /is not Tag=value/],
    ['a date that is none', ['--from', 'yesterday'], /from/],
  ])('is refused with %s', async (_, args, sentence) => {
    const { status, out, report } = await evaluate(...args);
    expect(status).toBe(2);
    expect(out).toMatch(sentence);
    expect(report).toBeUndefined();
  });

  test('fails with the reason if Orthanc is away', async () => {
    const run = plainview(['evaluate', '--orthanc', '--network', network], {
      PLAINVIEW_ORTHANC_URL: 'http://127.0.0.1:9',
      PLAINVIEW_ORTHANC_RETRIES: '0',
    });
    expect(await run.ended).toBe(1);
    expect(run.out()).toMatch(/Orthanc at http:\/\/127\.0\.0\.1:9 does not answer/);
  });
});
