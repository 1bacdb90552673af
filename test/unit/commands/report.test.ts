import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { qualityReport } from '../../../src/contract/quality.js';
import { runInProcess } from '../../../testkit/command-line.js';
import { image } from '../../../testkit/dicom.js';
import { decidedAs, useFakeSite } from '../../../testkit/fake-site.js';

const site = useFakeSite();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-report-'));
  vi.stubEnv('PLAINVIEW_ORTHANC_URL', site.fake.url);
  vi.stubEnv('PLAINVIEW_ORTHANC_PAGES', 'https://pacs.example/orthanc/');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function decide(station: string, bodyPart: string) {
  const { instance } = site.store(
    image({
      patientName: 'SECRET^NAME',
      patientId: 'SECRET-ID',
      attributes: {
        '0008,0020': ['DA', '20260310'],
        '0008,1010': ['SH', station],
        '0018,0015': ['CS', bodyPart],
      },
    }),
  );
  const { recorder, orthanc } = site.process();
  const described = await orthanc.hierarchy.describe(instance);
  await recorder.record(described, await orthanc.hierarchy.instance(instance), decidedAs('knee_ap'));
  return instance;
}

test('terminal, page, CSV and JSON tell the same figures, link the examples, and hold no patient data', async () => {
  const wrong = await decide('<b>ROOM', 'FOOT');
  await decide('=1+1', 'KNEE');
  const out = join(folder, 'of', 'march');
  const { status, stdout, stderr } = await runInProcess('report', '--out', out, '--by', 'month,station');
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('report.html') });
  expect(stdout).toMatch(/wrong Body Part Examined, by the network +50\.0 +\(9\.5–90\.5\) +1 of 2 +one in 2/);
  expect(stdout).toContain('By station');
  expect(stdout).not.toContain('By device');

  const json = qualityReport.parse(JSON.parse(await readFile(join(out, 'report.json'), 'utf8')));
  expect(json.all.figures.wrongBodyPartByNetwork).toMatchObject({ count: 1, of: 2, examples: [wrong] });
  expect(Object.keys(json.by)).toEqual(['station', 'month']);

  const rows = parse(await readFile(join(out, 'report.csv')), { columns: true }) as Record<string, string>[];
  expect(rows.map(({ by, value, radiographs }) => [by, value, radiographs])).toEqual([
    ['all', 'all', '2'],
    ['station', '<b>ROOM', '1'],
    ['station', "'=1+1", '1'],
    ['month', '2026-03', '2'],
  ]);
  expect(rows[0]).toMatchObject({
    wrong_body_part_by_network_count: '1',
    wrong_body_part_by_network_of: '2',
    wrong_body_part_by_network_low: '0.094531',
    wrong_body_part_by_person_share: '',
    body_part_network_equal: '1',
  });

  const html = await readFile(join(out, 'report.html'), 'utf8');
  expect(html).toContain(`href="https://pacs.example/orthanc/app/explorer.html#instance?uuid=${wrong}"`);
  expect(html).toContain('&lt;b&gt;ROOM');
  expect(html).not.toContain('<b>ROOM');
  expect(html).not.toMatch(/<script|src=|url\(/);
  for (const name of ['report.html', 'report.csv', 'report.json'])
    expect((await stat(join(out, name))).mode & 0o777).toBe(0o600);
  for (const text of [stdout, html, JSON.stringify(json), JSON.stringify(rows)])
    expect(text).not.toContain('SECRET');
});

test('only the wanted formats are written, and of an empty archive a report too', async () => {
  const { status, stdout } = await runInProcess('report', '--out', folder, '--format', 'csv');
  expect([status, await readdir(folder)]).toEqual([0, ['report.csv']]);
  expect(stdout).toContain('0 radiographs');
});

test('Ctrl-C in the middle ends the command, and leaves no file', async () => {
  await decide('ROOM1', 'KNEE');
  const held = site.fake.hold(({ path }) => path === '/tools/find');
  const running = runInProcess('report', '--out', folder);
  await held.reached;
  process.emit('SIGINT');
  const { status, stdout, stderr } = await running;
  held.release();
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('The command was interrupted: it did not make the report');
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  [['--from', 'yesterday'], /--from: must look like 2026-01-31/],
  [['--by', 'weather'], /--by: weather is none of station, device/],
  [['--format', 'pdf'], /--format: pdf is none of html, csv, json/],
  [['--score', '2'], /between 0 and 1/],
  [['--from', '2026-02-01', '--to', '2026-01-01'], /--to: must not be before from/],
  [['--out', '/proc/no'], /The result cannot be written/],
])('plainview report %j: says why, and ends with 2', async (args, sentence) => {
  const { status, stdout, stderr } = await runInProcess('report', ...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(sentence);
});

test('an Orthanc that goes away in the middle is waited for', async () => {
  await decide('ROOM1', 'KNEE');
  let cuts = 0;
  site.fake.intercept = ({ path, body }) => {
    const isPage = path === '/tools/find' && String(body).includes('SeriesInstanceUID');
    return isPage && cuts++ < 2 ? 'cut' : undefined;
  };
  const { status, stdout } = await runInProcess('report');
  expect(status).toBe(0);
  expect(stdout).toContain('1 radiographs');
  expect(cuts).toBeGreaterThan(2);
});
