import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shipped } from '../../src/files/places.js';
import { reportSopClass } from '../../src/followups/report/document.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { type StoredInstance, useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { python } from '../../testkit/python.js';
import { hookAddress, Reader, startTestService } from '../../testkit/service.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-validators-'));
});
afterAll(() => rm(folder, { recursive: true }));

const has = (command: string, ...args: string[]) => spawnSync(command, args).error === undefined;
const missing = {
  dciodvfy: !has('dciodvfy', '-version'),
  dcmtk: !has('dsrdump', '--version'),
  highdicom: spawnSync(python(), ['-c', 'import highdicom']).status !== 0,
};

describe.each(['study', 'instance'] as const)('a report for each %s', (level) => {
  let reports: string[];

  beforeAll(async () => {
    const classifier = stubClassifier();
    const env = { PLAINVIEW_REPORT: level };
    const service = await startTestService({ orthanc: real.orthanc.url, hook, classifier, env });
    const reader = new Reader(real.orthanc.url);
    const store = async (score: number) => {
      classifier.answer = async () => ({ category: 'knee_lateral', score });
      const stored = await real.storeInstance(image({ studyInstanceUid: uid(`validated ${level}`) }));
      await waitFor(async () => {
        const [result, record] = [
          await reader.metadata(`instances/${stored.orthancId}`, 'RadiographResult'),
          await reader.record(stored.orthancId),
        ];
        return result !== undefined && JSON.parse(result).of === record?.when;
      });
      return stored;
    };
    const stored: StoredInstance[] = [await store(0.99), await store(0.6)];
    reports = await filesOfReports(stored[0]?.study ?? '');
    await service.stop();
  }, 120_000);

  test('there are as many as expected', () => {
    expect(reports).toHaveLength(level === 'study' ? 1 : 2);
  });

  test.skipIf(missing.dciodvfy)('dciodvfy finds no error (skipped without dicom3tools)', () => {
    for (const report of reports) {
      const { stdout, stderr } = spawnSync('dciodvfy', ['-new', report], { encoding: 'utf8' });
      expect(stderr + stdout).toContain('Comprehensive3DSR');
      expect(`${stdout}${stderr}`.split('\n').filter((line) => line.startsWith('Error'))).toEqual([]);
    }
  });

  test.skipIf(missing.dcmtk)('dsrdump and dsr2xml read it without warnings (skipped without DCMTK)', () => {
    for (const report of reports) {
      const dumped = spawnSync('dsrdump', [report], { encoding: 'utf8' });
      expect([dumped.status, dumped.stderr]).toEqual([0, '']);
      const text = dumped.stdout;
      expect(text).toMatch(/Image Library/);
      expect(text).toMatch(/Algorithm Name.*stub/);
      const xml = spawnSync('dsr2xml', [report], { encoding: 'utf8' });
      expect([xml.status, xml.stderr]).toEqual([0, '']);
    }
  });

  test.skipIf(missing.highdicom)('highdicom reads every value back (skipped without highdicom)', () => {
    const script = shipped('testkit', 'read_report.py');
    const read = reports.map((report) =>
      JSON.parse(execFileSync(python(), [script, report], { encoding: 'utf8' })),
    );
    expect(new Set(read.map(({ patient }) => patient))).toEqual(new Set(['PLAINVIEW-TEST']));
    const groups = read.flatMap((each) => each.groups);
    expect(groups).toHaveLength(2);
    expect(new Set(read.flatMap(({ evidence }) => evidence))).toEqual(
      new Set(groups.flatMap(({ sources }) => sources)),
    );
    expect(new Set(groups.map(({ trackingUid }) => trackingUid)).size).toBe(2);
    for (const { algorithm } of groups)
      expect(algorithm).toEqual({
        name: 'stub',
        version: 'a'.repeat(64),
        parameters: 'engine onnxruntime',
      });
    const sure = groups.find(({ codes }) => codes['Target Region'] !== undefined);
    expect(sure.codes).toMatchObject({ 'Target Region': '72696002', 'Image View': '399067008' });
    expect(sure.numbers['Score of the best category']).toBeCloseTo(0.99);
    const unsure = groups.find(({ codes }) => codes['Target Region'] === undefined);
    expect(unsure.numbers['Score of the best category']).toBeCloseTo(0.6);
  });
});

async function filesOfReports(study: string): Promise<string[]> {
  const { url } = real.orthanc;
  const answer = await fetch(`${url}/studies/${study}/instances`);
  const files: string[] = [];
  for (const { ID } of (await answer.json()) as { ID: string }[]) {
    const sopClass = await (await fetch(`${url}/instances/${ID}/metadata/SopClassUid`)).text();
    if (sopClass !== reportSopClass) continue;
    const path = join(folder, `${ID}.dcm`);
    await writeFile(path, Buffer.from(await (await fetch(`${url}/instances/${ID}/file`)).arrayBuffer()));
    files.push(path);
  }
  return files;
}
