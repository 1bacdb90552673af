import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { doctorPage } from '../../../scripts/doctor-page.js';
import { requireFiles } from '../../../src/app/required-files.js';
import { examine } from '../../../src/doctor/examine.js';
import { nonRadiographs } from '../../../src/orthanc/radiographs.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { runInProcess } from '../../../testkit/command-line.js';
import { image } from '../../../testkit/dicom.js';
import {
  type FakeOrthanc,
  type FakeOrthancOptions,
  type Interception,
  startFakeOrthanc,
} from '../../../testkit/fake-orthanc.js';
import { Listener } from '../../../testkit/listener.js';
import { Reader, startTestService, type TestService } from '../../../testkit/service.js';
import { waitFor } from '../../../testkit/wait-for.js';

// What Node.js runs the tests is no finding of theirs.
vi.mock('../../../src/doctor/machine.js', async (original) => ({
  ...(await original<typeof import('../../../src/doctor/machine.js')>()),
  examineNode: () => [],
}));
const { examineNode } = await vi.importActual<typeof import('../../../src/doctor/machine.js')>(
  '../../../src/doctor/machine.js',
);

let folder: string;
let fake: FakeOrthanc | undefined;
let service: TestService | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-doctor-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service?.stop();
  await fake?.stop();
  [service, fake] = [undefined, undefined];
  await rm(folder, { recursive: true });
});

const json = (value: unknown, status = 200): Interception => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});
const text = (value: string): Interception => ({ status: 200, headers: {}, body: Buffer.from(value) });
const now = (ahead = 0) => new Date(Date.now() + ahead * 1000).toISOString().replace(/[-:]|\..*$/g, '');

/** What a new Orthanc answers, as far as the fake does not. */
const healthy: Record<string, () => Interception> = {
  '/tools/now': () => text(now()),
  '/plugins': () => json(['dicom-web', 'explorer.js']),
  '/tools/labels': () => json([]),
  '/tools/metrics-prometheus': () => text('orthanc_available_http_threads_count 49 1796004362534\n'),
};

/** Starts Orthanc and service. @param answers other than those of a healthy Orthanc, by path */
async function site(
  answers: Record<string, () => Interception> = {},
  options: FakeOrthancOptions = {},
): Promise<{ env: Record<string, string>; fake: FakeOrthanc; service: TestService }> {
  fake = await startFakeOrthanc({
    now: () => new Date(),
    ...options,
    system: { Version: '1.13.0', ...options.system },
  });
  const all = { ...healthy, ...answers };
  fake.intercept = ({ path }) => all[path]?.();
  service = await startTestService({
    orthanc: fake.url,
    classifier: stubClassifier(),
    timings: { heartbeat: { everyMs: 100, timeoutMs: 1000 } },
  });
  const env = {
    PLAINVIEW_ORTHANC_URL: fake.url,
    PLAINVIEW_SECRET: service.secret,
    PLAINVIEW_STATE_DIR: service.stateDir,
    PLAINVIEW_PORT: new URL(service.url).port,
  };
  return { env, fake, service };
}

const examined = (env: NodeJS.ProcessEnv) => examine({ env, requireFiles, who: 'tester' });
const codes = async (env: NodeJS.ProcessEnv) =>
  (await examined(env))
    .filter(({ severity }) => severity !== 'note')
    .map(({ severity, code }) => `${severity} ${code}`);

async function run(env: Record<string, string>, ...args: string[]) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return runInProcess('doctor', ...args);
}

/** Plainview leaves it alone. */
const ct = {
  attributes: { '0008,0060': ['CS', 'CT'], '0008,0016': ['UI', '1.2.840.10008.5.1.4.1.1.2'] },
} as const;

/** By this the calls of the doctor differ from those of the service. */
const asDoctor = { PLAINVIEW_ORTHANC_USERNAME: 'doctor', PLAINVIEW_ORTHANC_PASSWORD: 'of the tests' };

test('of a healthy installation the doctor says so, and sends nothing that changes something', async () => {
  const { env, fake, service } = await site();
  const { ID } = fake.store(image());
  await service.notice(ID);
  await new Reader(fake.url).decided(ID);
  await new Reader(fake.url).label(`studies/${fake.store(image(ct)).ParentStudy}`, 'knee_lateral');
  const calls: string[] = [];
  fake.intercept = ({ method, path, headers }) => {
    if (headers.authorization !== undefined) calls.push(`${method} ${path}`);
    return path === '/tools/labels' ? json(['knee_lateral']) : healthy[path]?.();
  };
  // The service writes beside the doctor: what it is about to replace a file with is not the doctor's.
  const files = async () =>
    (await readdir(service.stateDir, { recursive: true })).filter((name) => !name.endsWith('.part'));
  const before = await files();
  expect(await codes({ ...env, ...asDoctor })).toEqual(['warning labels_collide']);
  const reads = /^(GET .*|POST \/tools\/(find|bulk-content|count-resources))$/;
  expect(calls.filter((call) => !reads.test(call))).toEqual([]);
  expect(calls.length).toBeGreaterThan(10);
  expect(await files()).toEqual(before);
  fake.intercept = ({ path }) => healthy[path]?.();
  expect(await codes(env)).toEqual([]);
  await service.stop();
  expect(await codes(env)).toEqual(['warning service_away']);
});

test('exit status and JSON are for scripts', async () => {
  const { env, fake, service } = await site();
  const { ID } = fake.store(image());
  await service.notice(ID);
  const good = await run(env, '--json');
  expect(good.status).toBe(0);
  expect(JSON.parse(good.stdout)).toMatchObject({
    status: 'ok',
    version: expect.any(String),
    findings: expect.arrayContaining([
      { severity: 'note', code: 'network_research', message: expect.stringContaining('research only') },
    ]),
  });
  const warned = await run({ ...env, PLAINVIEW_ORTHANC_CONNECTIONS: '64' });
  expect(warned).toMatchObject({ status: 1, stderr: '' });
  expect(warned.stdout).toMatch(/^warning {2}threads_few\n {9}Orthanc has 49 free HTTP threads/);
  expect(warned.stdout).toMatch(/^errors: 0, warnings: 1, notes: \d$/m);
  const wrong = await run({ ...env, PLAINVIEW_SECRET: 'another secret of the tests' }, '--json');
  expect(wrong.status).toBe(2);
  expect(JSON.parse(wrong.stdout)).toMatchObject({ status: 'errors' });
});

test.each<[string, Record<string, () => Interception>, string[]]>([
  [
    'an old Orthanc Explorer 2',
    {
      '/plugins': () => json(['orthanc-explorer-2']),
      '/plugins/orthanc-explorer-2': () => json({ Version: '1.14.0' }),
    },
    ['warning weak_version'],
  ],
  [
    'a new Orthanc Explorer 2',
    {
      '/plugins': () => json(['orthanc-explorer-2']),
      '/plugins/orthanc-explorer-2': () => json({ Version: '1.14.1' }),
    },
    [],
  ],
  [
    'an Orthanc Explorer 2 of a developer',
    {
      '/plugins': () => json(['orthanc-explorer-2']),
      '/plugins/orthanc-explorer-2': () => json({ Version: 'mainline' }),
    },
    [],
  ],
  ['plugins that are hidden', { '/plugins': () => json({}, 403) }, []],
  [
    'labels that grant access',
    { '/plugins': () => json(['authorization']) },
    ['warning labels_grant_access'],
  ],
  ['a clock that is 2 minutes ahead', { '/tools/now': () => text(now(120)) }, ['error clocks_apart']],
  ['a clock that is 30 seconds behind', { '/tools/now': () => text(now(-30)) }, ['warning clocks_drift']],
  ['no clock', { '/tools/now': () => json({}, 404) }, []],
  [
    'three threads',
    { '/tools/metrics-prometheus': () => text('orthanc_available_http_threads_count 3 1\n') },
    ['warning threads_few'],
  ],
  ['an Orthanc that fails', { '/tools/labels': () => json({}, 500) }, ['error orthanc_failed']],
])('%s', async (_what, answers, wanted) => {
  const { env } = await site(answers);
  expect(await codes(env)).toEqual(wanted);
});

test.each<[string, FakeOrthancOptions, string[]]>([
  ['Orthanc 1.12.7', { system: { Version: '1.12.7' } }, ['warning weak_version', 'warning weak_version']],
  ['Orthanc 1.12.11', { system: { Version: '1.12.11' } }, ['warning weak_version']],
])('%s', async (_what, options, wanted) => {
  const { env } = await site({}, options);
  expect(await codes(env)).toEqual(wanted);
});

test('an Orthanc that cannot be used: what is missing, and that the rest was not examined', async () => {
  fake = await startFakeOrthanc({ userMetadata: {}, system: { Version: '1.10.1', HasLabels: false } });
  const env = {
    PLAINVIEW_ORTHANC_URL: fake.url,
    PLAINVIEW_SECRET: 'a-secret-of-the-tests',
    PLAINVIEW_STATE_DIR: folder,
  };
  const all = await examined(env);
  expect(all.map(({ code }) => code)).toEqual(['network_research', 'orthanc_not_ready', 'not_examined']);
  expect(all[1]?.message).toMatch(/version 1\.10\.1, but labels need 1\.12\.0.*"RadiographCategory": 5100/);
});

test('an Orthanc that is away, one of several included', async () => {
  const { env } = await site();
  const all = await examined({
    ...env,
    PLAINVIEW_ORTHANC_URL: `${env.PLAINVIEW_ORTHANC_URL},http://127.0.0.1:1`,
  });
  expect(all.filter(({ severity }) => severity === 'error')).toEqual([
    {
      code: 'orthanc_unreachable',
      severity: 'error',
      message: expect.stringContaining('http://127.0.0.1:1'),
    },
  ]);
});

test('the configuration: an unknown option, and files that options name', async () => {
  const { env } = await site();
  expect(await examined({ ...env, PLAINVIEW_TRESHOLD: '1' })).toEqual([
    expect.objectContaining({
      code: 'config_invalid',
      message: expect.stringContaining('PLAINVIEW_TRESHOLD: no such option'),
    }),
    expect.objectContaining({ code: 'not_examined' }),
  ]);
  const { PLAINVIEW_SECRET: _, ...without } = env;
  expect(await codes(without)).toEqual(['error config_invalid']);
  expect(await codes({ ...env, PLAINVIEW_RULES_FILE: join(folder, 'absent.yaml') })).toEqual([
    'error rules_invalid',
  ]);
  expect(await codes({ ...env, PLAINVIEW_NETWORK: join(folder, 'absent.pb') })).toEqual([
    'error network_unreadable',
  ]);
});

test('a secret that everybody can read', async () => {
  const { env } = await site();
  const file = join(folder, 'secret');
  await writeFile(file, env.PLAINVIEW_SECRET ?? '');
  const { PLAINVIEW_SECRET: _, ...others } = env;
  const given = { ...others, PLAINVIEW_SECRET_FILE: file };
  await chmod(file, 0o644);
  expect(await codes(given)).toEqual(['warning secret_readable']);
  await chmod(file, 0o640);
  expect(await codes(given)).toEqual([]);
});

test('the state folder: not there yet, and it is not made', async () => {
  const { env } = await site();
  const absent = join(folder, 'a', 'b');
  const all = await examined({ ...env, PLAINVIEW_STATE_DIR: absent });
  expect(all.map(({ code }) => code)).toContain('state_absent');
  expect(await readdir(folder)).toEqual([]);
  await mkdir(absent, { recursive: true });
  expect((await examined({ ...env, PLAINVIEW_STATE_DIR: absent })).map(({ code }) => code)).not.toContain(
    'state_absent',
  );
});

test('labels of others: only those without a record of Plainview, and only with its prefix', async () => {
  const labels = ['knee_lateral', 'needs_review', 'teaching'];
  const { env, fake, service } = await site({ '/tools/labels': () => json(labels) });
  const own = fake.store(image());
  await service.notice(own.ID);
  await new Reader(fake.url).decided(own.ID);
  expect(await codes(env)).toEqual([]);
  const foreign = fake.store(image(ct));
  for (const name of ['knee_lateral', 'teaching'])
    await new Reader(fake.url).label(`studies/${foreign.ParentStudy}`, name);
  const [first, ...more] = (await examined(env)).filter(({ severity }) => severity !== 'note');
  expect(first?.message).toMatch(
    /^The label knee_lateral is also somebody else's: of 2 studies with it, 1 have no record/,
  );
  expect(more).toEqual([]);
  expect(await codes({ ...env, PLAINVIEW_LABEL_PREFIX: 'pv_' })).toEqual([]);
});

test('values of Modality that are left out', async () => {
  const { env, fake } = await site();
  for (const modality of ['CT', 'MG', 'XRAY', 'XRAY', 'DX', '', 'CR\\PR'])
    fake.store(
      image({
        attributes: { '0008,0060': ['CS', modality], '0008,0016': ['UI', '1.2.840.10008.5.1.4.1.1.7'] },
      }),
    );
  const found = (await examined(env)).filter(({ code }) => code.startsWith('modality_'));
  expect(found.map(({ code, message }) => [code, message.slice(0, 41)])).toEqual(
    [
      ['modality_not_plain', '1 of 7 series have Modality MG, and are '],
      ['modality_left_out', '2 of 7 series have Modality XRAY, which i'],
    ].map(([code, message]) => [code, expect.stringContaining((message ?? '').slice(0, 36))]),
  );
  expect(await codes({ ...env, PLAINVIEW_MODALITIES: 'CR,DX,XRAY' })).toEqual([]);
});

test.each([
  { kind: 'reads all instances for each call that names one', instances: 20_000, ms: 100, found: true },
  {
    kind: 'does so on a busy machine',
    instances: 20_000,
    ms: 100,
    othersMs: (n: number) => (n % 5 > 0 ? 60 : 0),
    found: true,
  },
  {
    kind: 'finds one as fast as it answers anything',
    instances: 20_000,
    ms: 100,
    othersMs: () => 100,
    found: false,
  },
  { kind: 'is small', instances: 9_999, ms: 100, found: false },
  { kind: 'is in PostgreSQL', instances: 20_000, ms: 100, plugin: 'PostgreSQL', found: false },
])('an index that $kind', async ({ instances, ms, othersMs = () => 0, plugin, found }) => {
  const { env, fake } = await site(
    { '/statistics': () => json({ CountInstances: instances }) },
    { system: { DatabaseBackendPlugin: plugin ?? null } },
  );
  fake.store(image());
  const before = fake.intercept;
  let others = 0;
  fake.intercept = async (call) => {
    if (call.path.endsWith('/metadata')) await delay(ms);
    else if (call.path === '/changes') await delay(othersMs(others++));
    return before(call);
  };
  const slow = (await examined(env)).filter(({ code }) => code === 'index_slow');
  expect(slow.map(({ message }) => message.slice(0, 34))).toEqual(
    found ? ['Orthanc has 20000 instances and take'.slice(0, 34)] : [],
  );
});

test('the modalities of other kinds are those of the hook', () => {
  const [, list = ''] =
    /gmatch|\[\[([^\]]*)\]\]/.exec(
      readFileSync('lua/plainview.lua', 'utf8').split('otherModalities = {}')[1] ?? '',
    ) ?? [];
  expect(list.trim().split(/\s+/).toSorted()).toEqual([...nonRadiographs].toSorted());
});

test('the hook: refused, silent, not to be told, and well', async () => {
  const { env, fake, service } = await site();
  const hookFindings = async () =>
    (await examined(env)).map(({ code }) => code).filter((code) => code.startsWith('hook_'));
  expect(await hookFindings()).toEqual(['hook_untold']);
  const refused = { headers: { 'x-plainview-hook-key': 'another' } };
  const { ID } = fake.store(image());
  expect((await service.notice(ID, refused)).status).toBe(401);
  expect(await hookFindings()).toEqual(['hook_secret_differs']);
  await service.notice(ID);
  expect(await hookFindings()).toEqual([]);
  // Six minutes later Orthanc receives another one, and the hook says nothing.
  fake.intercept = ({ path }) => {
    if (path !== '/tools/bulk-content') return healthy[path]?.();
    return json([{ ...content(fake, ID), Metadata: { ReceptionDate: now(360) } }]);
  };
  expect(await hookFindings()).toEqual(['hook_silent']);
});

const content = (of: FakeOrthanc, ID: string) => ({
  Type: 'Instance',
  ID,
  ParentSeries: ID,
  FileUuid: 'x',
  Labels: of.labels(ID),
  MainDicomTags: { '0008,0018': '1.2' },
});

test('a service with another secret, and a program that is none', async () => {
  const { env, fake } = await site();
  expect(await codes({ ...env, PLAINVIEW_SECRET: 'another secret of the tests' })).toEqual([
    'error service_secret_differs',
  ]);
  expect(await codes({ ...env, PLAINVIEW_PORT: new URL(fake.url).port })).toEqual(['error service_other']);
});

test('a service that is not ready', async () => {
  const { env, fake } = await site();
  fake.intercept = ({ path, headers }) => (headers.authorization === undefined ? 'cut' : healthy[path]?.());
  const isNotReady = async () =>
    (await fetch(`http://127.0.0.1:${env.PLAINVIEW_PORT}/health/ready`)).status === 503;
  await waitFor(isNotReady);
  expect(await codes({ ...env, ...asDoctor })).toEqual(['error service_not_ready']);
});

test('a service that waits for its database', async () => {
  const { env } = await site();
  const waiting = await new Listener().listen();
  waiting.answer = { status: 503, body: '{"ready":false,"starting":true}' };
  const all = await examined({ ...env, PLAINVIEW_PORT: new URL(waiting.url).port });
  await waiting.close();
  expect(all.filter(({ severity }) => severity === 'error')).toEqual([
    expect.objectContaining({
      code: 'service_not_ready',
      message: expect.stringContaining('waits for its database'),
    }),
  ]);
});

test('a Node.js that gets no updates any more', () => {
  expect(examineNode('20.20.1')).toEqual([
    expect.objectContaining({ code: 'node_ended', severity: 'warning' }),
  ]);
  for (const version of ['22.12.0', '24.0.0']) expect(examineNode(version)).toEqual([]);
});

test('docs/doctor.md lists every finding: `npm run docs` writes it', () => {
  expect(readFileSync('docs/doctor.md', 'utf8')).toBe(doctorPage());
});
