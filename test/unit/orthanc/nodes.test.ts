import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { PlainviewError } from '../../../src/errors/errors.js';
import { OrthancDestination } from '../../../src/followups/routing/destinations/orthanc.js';
import { type InstanceId, instanceId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { image } from '../../../testkit/dicom.js';
import {
  type FakeOrthanc,
  type FakeOrthancOptions,
  type FakeRequest,
  startFakeOrthanc,
} from '../../../testkit/fake-orthanc.js';
import { type FaultyProxy, startFaultyProxy } from '../../../testkit/faulty-proxy.js';
import { waitFor } from '../../../testkit/wait-for.js';

const heartbeat = { everyMs: 50, timeoutMs: 200 };

/** Two addresses of one fake Orthanc are two nodes on one database. */
let fake: FakeOrthanc;
let a: FaultyProxy;
let b: FaultyProxy;
const ends: (() => unknown)[] = [];

beforeEach(() => begin('1.13.0'));
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function begin(version: string, options: FakeOrthancOptions = {}): Promise<void> {
  fake = await startFakeOrthanc({ system: { Version: version }, ...options });
  ends.push(() => fake.stop());
  [a, b] = [await startFaultyProxy(fake.url), await startFaultyProxy(fake.url)];
  for (const proxy of [a, b]) ends.push(() => proxy.stop());
}

function client(env: NodeJS.ProcessEnv = {}, everyMs = heartbeat.everyMs): Orthanc {
  const config = loadConfig({ PLAINVIEW_ORTHANC_URL: `${a.url},${b.url}`, ...env });
  const orthanc = new Orthanc(config, { ...heartbeat, everyMs });
  ends.push(() => orthanc.close());
  return orthanc;
}

async function started(env: NodeJS.ProcessEnv = {}): Promise<Orthanc> {
  const orthanc = client(env);
  await orthanc.availability.start(async () => undefined);
  return orthanc;
}

const stored = (): InstanceId => instanceId.parse(fake.store(image()).ID);
const render = (orthanc: Orthanc, id: InstanceId) =>
  orthanc.renderings.whole(id, 0, async ({ length }) => length);
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'fine',
    (error: { code?: string }) => error.code,
  );
const isHealthCheck = (url: string) => /^\/(system|changes|tools\/metrics)/.test(url);
const callsAt = (node: FaultyProxy, pattern = /./) =>
  node.calls.filter(({ url }) => pattern.test(url) && !isHealthCheck(url)).map(({ method }) => method);
const isAt = ({ headers }: FakeRequest, node: FaultyProxy) => node.url.endsWith(String(headers.host));
const answersOf = (orthanc: Orthanc) => orthanc.nodes.states.map(({ answers }) => answers);

const faults: [string, FaultyProxy['decide']][] = [
  ['is dead', () => 'cut'],
  ['answers 503', () => 503],
  ['stands still', () => () => new Promise(() => undefined)],
];

describe.each(faults)('where one node %s', (_what, fault) => {
  const env = { PLAINVIEW_ORTHANC_TIMEOUT_MS: '300' };

  test.each([
    ['first', () => a],
    ['second', () => b],
  ])('and it is the %s, the other takes all calls, and Orthanc counts as up', async (_which, broken) => {
    const id = stored();
    const orthanc = await started(env);
    const problems: string[] = [];
    orthanc.availability.events.on('away', () => problems.push('away'));
    broken().decide = fault;
    for (let time = 0; time < 3; time++) {
      await orthanc.metadata.put(`instances/${id}`, 'RadiographCategory', `v${time}`);
      expect(await orthanc.metadata.get(`instances/${id}`, 'RadiographCategory')).toBe(`v${time}`);
    }
    await waitFor(() => answersOf(orthanc).includes(false));
    expect(await codeOf(render(orthanc, id))).toBe('fine');
    expect(orthanc.availability.state).toEqual({ answers: true, version: '1.13.0' });
    expect(problems).toEqual([]);
  });

  test('it is used again when it is back', async () => {
    const id = stored();
    const orthanc = await started(env);
    const events: string[] = [];
    orthanc.nodes.events.on('away', (url) => events.push(`away ${url}`));
    orthanc.nodes.events.on('back', (url) => events.push(`back ${url}`));
    a.decide = fault;
    await waitFor(() => answersOf(orthanc)[0] === false);
    a.decide = () => 'pass';
    await waitFor(() => answersOf(orthanc)[0]);
    a.calls.length = 0;
    await waitFor(async () => {
      await orthanc.labels.add(`instances/${id}`, 'knee');
      return callsAt(a).includes('PUT');
    });
    expect(events).toEqual([`away ${a.url}`, `back ${a.url}`]);
  });
});

test('Orthanc is away only where no node answers', async () => {
  const orthanc = await started();
  const events: string[] = [];
  orthanc.availability.events.on('away', () => events.push('away'));
  orthanc.availability.events.on('back', () => events.push('back'));
  a.decide = () => 'cut';
  await waitFor(() => answersOf(orthanc)[0] === false);
  expect(events).toEqual([]);
  b.decide = () => 'cut';
  await waitFor(() => events.length > 0);
  expect(orthanc.availability.state).toMatchObject({ answers: false });
  a.decide = () => 'pass';
  await waitFor(() => events.length > 1);
  expect(events).toEqual(['away', 'back']);
  expect(answersOf(orthanc)).toEqual([true, false]);
});

test('it can start while the first node is away', async () => {
  a.decide = () => 'cut';
  const orthanc = await started();
  expect(await codeOf(render(orthanc, stored()))).toBe('fine');
});

test('a call that waits for its turn at a node that fails meanwhile goes to the other', async () => {
  const id = stored();
  const env = { PLAINVIEW_ORTHANC_TIMEOUT_MS: '300', PLAINVIEW_ORTHANC_CONNECTIONS: '1' };
  const orthanc = client(env, 5000);
  await orthanc.metadata.get(`instances/${id}`, 'Radiograph');
  a.calls.length = 0;
  a.decide = ({ url }) => (isHealthCheck(url) ? 'pass' : () => new Promise(() => undefined));
  await Promise.all(
    Array.from({ length: 10 }, (_, index) => orthanc.labels.add(`instances/${id}`, `l${index}`)),
  );
  expect(fake.labels(id)).toHaveLength(10);
  expect(callsAt(a)).toEqual(['PUT']);
});

describe('renderings', () => {
  const ids = () => Array.from({ length: 12 }, stored);
  const rendered = /rendered/;

  test('are spread over the nodes; writes are not', async () => {
    const orthanc = await started();
    await Promise.all(ids().map((id) => render(orthanc, id)));
    for (const node of [a, b]) expect(callsAt(node, rendered).length).toBeGreaterThanOrEqual(4);
    for (const id of ids()) await render(orthanc, id);
    for (const node of [a, b]) expect(callsAt(node, rendered).length).toBeGreaterThanOrEqual(6);
    await Promise.all(ids().map((id) => orthanc.labels.add(`instances/${id}`, 'knee')));
    expect([callsAt(a, /labels/).length, callsAt(b, /labels/).length]).toEqual([12, 0]);
  });

  test('stay at one node before Orthanc 1.13.0, which shows what another node has replaced', async () => {
    await begin('1.12.7');
    const orthanc = await started();
    await Promise.all(ids().map((id) => render(orthanc, id)));
    expect([callsAt(a, rendered).length, callsAt(b, rendered).length]).toEqual([12, 0]);
  });
});

describe('a node that is read only', () => {
  beforeEach(() => {
    fake.intercept = async (request) => {
      if (!isAt(request, a)) return undefined;
      if (['PUT', 'DELETE'].includes(request.method)) return { status: 405, headers: {}, body: '' };
      if (request.path !== '/system') return undefined;
      const whole = await (await fetch(`${fake.url}/system`)).json();
      return { status: 200, headers: {}, body: JSON.stringify({ ...(whole as object), ReadOnly: true }) };
    };
  });

  test.each([
    ['of the service', started],
    ['of a command, which does not wait for Orthanc', async () => client()],
  ])('answers reads, and gets no write %s', async (_whose, make) => {
    const id = stored();
    const orthanc = await make();
    await orthanc.labels.add(`instances/${id}`, 'knee');
    await orthanc.metadata.put(`instances/${id}`, 'RadiographCategory', 'knee');
    await orthanc.instanceStore.store(image());
    expect((await orthanc.hierarchy.instances([id])).map(({ Labels }) => Labels)).toEqual([['knee']]);
    expect(new Set(callsAt(a, /bulk-content/))).toEqual(new Set(['POST']));
    expect(a.calls.filter(({ method, url }) => method !== 'GET' && !url.startsWith('/tools/'))).toEqual([]);
    expect(callsAt(b, /labels|metadata|instances$/)).toEqual(['PUT', 'PUT', 'POST']);
  });

  test('does not suffice alone', async () => {
    const orthanc = await started();
    b.decide = () => 'cut';
    await waitFor(() => !orthanc.availability.isReady);
    expect(orthanc.availability.state.problem).toContain('ReadOnly');
  });
});

test('a node that alone has lost the database is not asked again for a picture that it could not give', async () => {
  const orthanc = client({}, 5000);
  await orthanc.availability.start(async () => undefined);
  expect(await codeOf(render(orthanc, stored()))).toBe('fine');
  a.calls.length = 0;
  a.decide = ({ url }) => (url.includes('/frames/') ? 415 : url.startsWith('/changes') ? 503 : 'pass');
  const failed = async () => {
    const id = stored();
    const error = await render(orthanc, id).catch((caught: unknown) => caught);
    return error instanceof PlainviewError && { id, error };
  };
  const { id, error } = await waitFor(failed, { what: 'a picture that this node is asked for' });
  expect(error.code).toBe('instance_not_renderable');
  expect(await orthanc.isAway(error)).toBe(false);
  for (let time = 0; time < 3; time++) expect(await codeOf(render(orthanc, id))).toBe('fine');
  expect(callsAt(a, /frames/)).toHaveLength(1);
});

describe('a picture that ends Orthanc', () => {
  const hasLongRun = () => {
    fake.intercept = ({ path }) =>
      path === '/tools/metrics-prometheus'
        ? { status: 200, headers: {}, body: 'orthanc_up_time_s 3600 1792000000000\n' }
        : undefined;
  };

  test('is judged at the node that was asked, and asked for twice, ever, over all nodes', async () => {
    hasLongRun();
    const dead = new Set<FaultyProxy>();
    for (const node of [a, b])
      node.decide = ({ url }) => {
        if (url.includes('/frames/')) dead.add(node);
        return dead.has(node) ? 'cut' : 'pass';
      };
    const orthanc = await started();
    for (const id of Array.from({ length: 8 }, stored)) {
      const codes = [];
      for (let time = 0; time < 3; time++) {
        await waitFor(() => answersOf(orthanc).every(Boolean));
        codes.push(await codeOf(render(orthanc, id)));
        await waitFor(() => dead.size === 0 || answersOf(orthanc).includes(false));
        dead.clear();
      }
      expect(codes).toEqual(['orthanc_unreachable', 'orthanc_unreachable', 'orthanc_toppled']);
    }
    const asked = [callsAt(a, /frames/).length, callsAt(b, /frames/).length];
    expect(asked.every((times) => times > 0)).toBe(true);
    expect(asked).toEqual([expect.any(Number), 16 - (asked[0] ?? 0)]);
  });

  test('is no suspect where the node that was asked has run all the time', async () => {
    const id = stored();
    hasLongRun();
    for (const node of [a, b]) node.decide = ({ url }) => (url.includes('/frames/') ? 'cut' : 'pass');
    const orthanc = await started();
    for (let time = 0; time < 4; time++)
      expect(await codeOf(render(orthanc, id))).toBe('orthanc_unreachable');
    for (const node of [a, b]) node.decide = () => 'pass';
    expect(await codeOf(render(orthanc, id))).toBe('fine');
  });
});

describe('what belongs to one node stays with it', () => {
  const noSignal = new AbortController().signal;

  test('sending: the first node, also for its jobs and while it is away', async () => {
    const id = stored();
    let state = 'Running';
    fake.intercept = ({ path }) => {
      if (path === '/peers/p/store') return { status: 200, headers: {}, body: '{"ID":"job"}' };
      return path === '/jobs/job'
        ? { status: 200, headers: {}, body: JSON.stringify({ State: state }) }
        : undefined;
    };
    const destination = new OrthancDestination(
      'peer',
      'p',
      loadConfig({ PLAINVIEW_ORTHANC_URL: `${a.url} ${b.url}` }),
    );
    ends.push(() => destination.close());
    const [instance] = await client().hierarchy.instances([id]);
    if (instance === undefined) throw new Error('it is stored');
    const route = { to: 'peer:p', rule: 'r', of: 'w', decision: 'category', asked: '' } as const;
    const send = () =>
      destination.send(
        [{ resource: instance, route: { ...route, state: 'pending' }, sentBefore: false }],
        noSignal,
      );
    const first = send();
    await waitFor(() => callsAt(a, /jobs/).length > 2);
    a.decide = () => 'cut';
    // Not `route_unreachable`: the route waits until the node is back, and does not fail.
    await expect(first).rejects.toMatchObject({ code: 'orthanc_unreachable' });
    await expect(send()).rejects.toMatchObject({ code: 'orthanc_unreachable' });
    a.decide = () => 'pass';
    state = 'Success';
    await expect(send()).resolves.toBeUndefined();
    expect(callsAt(b, /jobs|peers/)).toEqual([]);
  });

  test("an archive: its job is asked for at the node that makes it, although the list's first is back", async () => {
    let state = 'Running';
    const json = (body: object) => ({ status: 200, headers: {}, body: JSON.stringify(body) });
    fake.intercept = ({ path }) => {
      if (path === '/tools/create-media') return json({ ID: 'job' });
      if (path === '/jobs/job') return json({ State: state, Progress: 50 });
      return path === '/jobs/job/archive' ? { status: 200, headers: {}, body: 'zip' } : undefined;
    };
    const orthanc = await started();
    a.decide = () => 'cut';
    await waitFor(() => answersOf(orthanc)[0] === false);
    const chunks = (async () => {
      const all: Buffer[] = [];
      for await (const chunk of orthanc.archives.zip([stored()], () => undefined, noSignal)) all.push(chunk);
      return Buffer.concat(all).toString();
    })();
    await waitFor(() => callsAt(b, /jobs/).length > 0);
    a.decide = () => 'pass';
    await waitFor(() => answersOf(orthanc)[0]);
    state = 'Success';
    expect(await chunks).toBe('zip');
    expect(callsAt(a, /jobs/)).toEqual([]);
  });
});

describe('a node that Plainview cannot work with is not used', () => {
  const withOther = async (options: FakeOrthancOptions, env: NodeJS.ProcessEnv) => {
    const other = await startFakeOrthanc(options);
    ends.push(() => other.stop());
    fake.store(image());
    other.store(image());
    const orthanc = await started({ PLAINVIEW_ORTHANC_URL: `${a.url},${other.url}`, ...env });
    await orthanc.labels.add(`instances/${stored()}`, 'knee');
    return { orthanc, other };
  };

  test.each([
    ['another database', {}, {}, /another database/],
    ['no declared metadata', { userMetadata: {} }, {}, /RadiographCategory/],
    [
      'before 1.13.0, with PLAINVIEW_TAGS: it edits what another node has replaced',
      { overwriteInstances: true },
      { PLAINVIEW_TAGS: 'absent' },
      /PLAINVIEW_TAGS needs 1\.13\.0/,
    ],
  ])('%s', async (_what, options, env, problem) => {
    for (const end of ends.splice(0).reverse()) await end();
    await begin('1.13.0', { overwriteInstances: true });
    const { orthanc, other } = await withOther(options, env);
    expect(orthanc.nodes.states).toMatchObject([
      { answers: true },
      { answers: false, problem: expect.stringMatching(problem) },
    ]);
    other.calls.length = 0;
    await Promise.all(Array.from({ length: 6 }, () => render(orthanc, stored())));
    expect(other.calls.filter(({ path }) => !isHealthCheck(path))).toEqual([]);
    expect(orthanc.availability.isReady).toBe(true);
  });
});
