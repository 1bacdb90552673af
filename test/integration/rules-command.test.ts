import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { type Stub, stubClassifier } from '../../testkit/classifier.js';
import { plainview } from '../../testkit/cli.js';
import { image, uid } from '../../testkit/dicom.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { head, type RulesFolder, rulesFolder } from '../../testkit/rules.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

// A test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 });

const hook = await hookAddress();
const real = useOrthanc({
  hook,
  configuration: { OrthancPeers: { partner: ['http://127.0.0.1:9'] } },
});
let place: RulesFolder;
let service: TestService;
const classifier: Stub = stubClassifier();
const stored: string[] = [];

beforeAll(async () => {
  place = await rulesFolder();
  await place.write({
    ...head,
    rules: [
      { name: 'room', when: { station: 'ROOM1' }, do: { stop: true } },
      { name: 'knees, sure', when: { category: 'knee_*', score: { from: 0.95 } }, do: { peer: 'partner' } },
      { name: 'hands', when: { category: 'hand_ap' }, do: { peer: 'partner', label: 'hands' } },
    ].map((rule) => ({ ...rule, name: rule.name.replace(',', '') })),
  });
  service = await startTestService({ orthanc: real.orthanc.url, hook, classifier });
  const answers = ['knee_ap', 'hand_ap', 'chest_pa_ap', 'knee_ap'];
  for (const [index, category] of answers.entries()) {
    classifier.answer = async () => ({ category, score: 0.99 });
    const attributes = index === 3 ? { '0008,1010': ['SH', 'ROOM1'] as const } : {};
    const { orthancId } = await real.storeInstance(
      image({ sopInstanceUid: uid(`ruled ${index}`), patientId: 'SECRET', attributes }),
    );
    await new Reader(real.orthanc.url).decided(orthancId);
    stored.push(orthancId);
  }
});
afterAll(async () => {
  await service?.stop();
  await place?.discard();
});

async function run(...args: string[]): Promise<{ status: number | null; out: string }> {
  const { ended, out } = plainview(['rules', ...args], {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    PLAINVIEW_RULES_FILE: place.file,
  });
  return { status: await ended, out: out() };
}

test('rules are checked, also against Orthanc', async () => {
  expect(await run('check')).toMatchObject({
    status: 0,
    out: `${place.file}: 3 rules, nothing wrong; Orthanc knows every destination\n`,
  });
  const other = await rulesFolder();
  await other.write({ ...head, rules: [{ name: 'a', do: { peer: 'astray' } }] });
  expect((await run('check', '--offline', '--file', other.file)).status).toBe(0);
  const { status, out } = await run('check', '--file', other.file);
  expect(status).toBe(2);
  expect(out).toMatch(/line \d+, rule a: Orthanc's configuration has no peer astray/);
  // It can be tried all the same.
  for (const call of [
    ['test', '--instance', stored[0] ?? ''],
    ['dry-run', '--from', '2024-01-01'],
  ]) {
    const tried = await run(...call, '--file', other.file);
    expect(tried.status).toBe(0);
    expect(tried.out).toMatch(/rule a: Orthanc's configuration has no peer astray/);
    expect(tried.out).toMatch(/peer:astray/);
  }
  await other.discard();
});

test('a test shows which rules apply to an instance, and why the others do not', async () => {
  const [knee = '', hand = '', , room = ''] = stored;
  const { status, out } = await run('test', '--instance', knee, hand);
  expect(status).toBe(0);
  expect(out).toContain('- room: StationName is absent, not ROOM1');
  expect(out).toContain('+ knees sure');
  expect(out).toContain('- hands: the category is knee_ap, not hand_ap');
  expect(out).toContain('→ peer:partner (knees sure)');
  expect(out).toContain('→ label:hands (hands)');
  expect(out).not.toContain('SECRET');
  const stopped = await run('test', '--instance', uid('ruled 3'));
  expect(stopped.out).toContain(room);
  expect(stopped.out).toContain('- knees sure: the rule room has stopped');
  expect((await run('test', '--instance', '1.2.3')).status).toBe(2);
});

test('rules on studies are tested too, and counted by a dry run', async () => {
  const [knee = ''] = stored;
  const other = await rulesFolder();
  const rules = [
    { name: 'lateral missing', when: { any: 'knee_ap', none: 'knee_lateral' }, do: { label: 'incomplete' } },
    { name: 'pair', when: { all: ['knee_ap', 'knee_lateral'] }, do: { peer: 'partner' } },
  ];
  await other.write({ ...head, studies: { rules } });
  const { status, out } = await run('test', '--instance', knee, '--file', other.file);
  expect(status).toBe(0);
  expect(out).toMatch(/study \S+: knee_ap/);
  expect(out).toContain('+ lateral missing');
  expect(out).toContain('- pair: there is no knee_lateral');
  expect(out).toContain('→ label:incomplete (lateral missing)');
  const table = join(other.file, '..', 'studies.csv');
  const dry = await run('dry-run', '--from', '2024-01-01', '--csv', table, '--file', other.file);
  expect(dry.out).toMatch(/4 studies looked at, 0 of them/);
  expect(dry.out).toMatch(/lateral missing +label:incomplete +2/);
  expect((await readFile(table, 'utf8')).split('\r\n')[1]).toMatch(
    /^,,,,,lateral missing,label:incomplete,,[0-9a-f-]{44}$/,
  );
  await other.discard();
});

test('a dry run counts the actions, lists them, and changes nothing', async () => {
  const before = await new Reader(real.orthanc.url).lastChange();
  const table = join(place.file, '..', 'table.csv');
  const { status, out } = await run('dry-run', '--from', '2024-01-01', '--to', '2024-01-01', '--csv', table);
  expect(status).toBe(0);
  expect(out).toContain('4 decided radiographs looked at, 0 not decided');
  expect(out).toMatch(/room +stop +1/);
  expect(out).toMatch(/knees sure +peer:partner +1/);
  expect(out).toMatch(/hands +label:hands +1/);
  expect(out).toContain('1 to which no rule applies');
  const [header, ...lines] = (await readFile(table, 'utf8')).trim().split('\r\n');
  expect(header).toBe('instance,decided,decision,category,score,rule,does,why_not');
  expect(lines).toHaveLength(4);
  expect(lines.join('\n')).toContain(`${stored[1]},`);
  const again = await run('dry-run', '--from', '2024-01-01', '--csv', table);
  expect(again.status).toBe(2);
  expect(again.out).toContain(`${table} is there already; name a new file`);
  expect((await run('dry-run', '--from', '2025-01-01')).out).toContain('0 decided radiographs');
  expect(await new Reader(real.orthanc.url).lastChange()).toBe(before);
});

test.each([
  ['a date that is none', ['dry-run', '--from', 'yesterday'], /2026-01-31/],
  ['a folder that is not there', ['dry-run', '--csv', '/nowhere/table.csv'], /nowhere/],
  ['a file that is not there', ['check', '--file', '/nowhere/rules.yaml'], /ENOENT/],
])('%s is a wrong call', async (_what, args, sentence) => {
  const { status, out } = await run(...args);
  expect(status).toBe(2);
  expect(out).toMatch(sentence);
});

test('a service without rules sends nothing again', async () => {
  const body = { instances: [stored[0]] };
  expect(await callApi(service, 'POST', '/routes/retry', { body })).toMatchObject({
    status: 409,
    json: { code: 'rules_absent' },
  });
  const reviewer = await callApi(service, 'POST', '/routes/retry', { body, role: 'reviewer' });
  expect(reviewer.status).toBe(403);
});

test('a retry lists studies too that a destination refused', async () => {
  const [knee = ''] = stored;
  const study = (await (await fetch(`${real.orthanc.url}/instances/${knee}/study`)).json()) as { ID: string };
  const reader = new Reader(real.orthanc.url);
  const route = { to: 'peer:partner', rule: 'pair', of: 'content', asked: '2026-01-01T00:00:00.000Z' };
  const routes = [
    { ...route, state: 'failed', ended: '2026-01-02T00:00:00.000Z', why: 'no room' },
    // Of the study as it was.
    { ...route, of: 'before', state: 'failed', ended: '2026-01-01T00:00:00.000Z', why: 'long ago' },
  ];
  const record = {
    version: 1,
    labels: ['route_failed'],
    study: { content: 'content', rules: 'r', wanted: [], routes },
  };
  await reader.put(`studies/${study.ID}`, 'RadiographRoutes', JSON.stringify(record));
  await reader.label(`studies/${study.ID}`, 'route_failed');
  const { status, out } = await run('retry', '--dry-run');
  expect(status).toBe(0);
  expect(out).toContain(`${study.ID}\tpeer:partner\t2026-01-02T00:00:00.000Z\tno room\n`);
  expect(out).toContain('1 would be sent again');
  expect((await run('retry', '--dry-run', '--to', 'peer:other')).out).toContain('0 would be sent again');
});

test('for a person’s decision, a test shows the score that the rules use', async () => {
  const [, , chest = ''] = stored;
  const of = (await new Reader(real.orthanc.url).record(chest))?.when;
  const body = { category: 'knee_ap', of };
  expect((await callApi(service, 'PUT', `/instances/${chest}/decision`, { body })).status).toBe(200);
  const { out } = await run('test', '--instance', chest);
  expect(out).toContain('category knee_ap (1.00000), by a person');
  expect(out).toContain('+ knees sure');
  const table = join(place.file, '..', 'corrected.csv');
  await run('dry-run', '--from', '2024-01-01', '--csv', table);
  expect(await readFile(table, 'utf8')).toContain(',knee_ap,1,knees sure,peer:partner,');
});
