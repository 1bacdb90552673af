import { createServer } from 'node:net';
import nock from 'nock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { createError, type PlainviewError } from '../../../src/errors/errors.js';
import { declaredMetadata, requireCapabilities } from '../../../src/orthanc/capabilities.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';

const base = 'http://orthanc.test/pacs';
const id = instanceId.parse('00000001-00000002-00000003-00000004-00000005');
const open: Orthanc[] = [];

function orthanc(env: NodeJS.ProcessEnv = {}): Orthanc {
  const config = loadConfig({
    PLAINVIEW_ORTHANC_URL: `${base}/`,
    ...env,
  });
  const client = new Orthanc(config, { everyMs: 5000, timeoutMs: 300 });
  open.push(client);
  return client;
}

/** For calls that get no answer: one try, with a short deadline. */
const impatient = { PLAINVIEW_ORTHANC_TIMEOUT_MS: '300', PLAINVIEW_ORTHANC_RETRIES: '0' };

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: PlainviewError) => error.code,
  );

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  for (const client of open.splice(0)) client.close();
  nock.cleanAll();
  nock.enableNetConnect();
});

const good = {
  Version: '1.12.7',
  HasLabels: true,
  UserMetadata: declaredMetadata,
};

describe('a database that cannot sort', () => {
  const refusal = { OrthancStatus: 2, Message: 'Not implemented yet' };
  const series = (client: Orthanc) => client.search.seriesByUpdate({ order: 'newest', since: 0, limit: 10 });

  test('is queried again without an order, and later queries have none', async () => {
    const asked: boolean[] = [];
    nock(base)
      .post('/tools/find')
      .times(3)
      .reply((_, body) => {
        const isOrdered = 'OrderBy' in (body as object);
        asked.push(isOrdered);
        return isOrdered ? [500, refusal] : [200, []];
      });
    const client = orthanc();
    for (let time = 0; time < 2; time++) expect(await series(client)).toEqual([]);
    expect(asked).toEqual([true, false, false]);
  });

  test('a query that it cannot do at all throws and is not repeated', async () => {
    nock(base).post('/tools/find').twice().reply(500, refusal);
    expect(await codeOf(series(orthanc()))).toBe('orthanc_unable');
  });
});

describe('a call', () => {
  test('uses the path prefix, user and password', async () => {
    nock(base).get('/system').basicAuth({ user: 'plainview', pass: 'pw' }).reply(200, good);
    const client = orthanc({ PLAINVIEW_ORTHANC_USERNAME: 'plainview', PLAINVIEW_ORTHANC_PASSWORD: 'pw' });
    expect((await client.system()).Version).toBe('1.12.7');
  });

  test.each([
    [401, 'orthanc_refused'],
    [403, 'orthanc_refused'],
    [404, 'orthanc_absent'],
    [400, 'orthanc_rejected'],
    [302, 'orthanc_rejected'],
  ])('answered %i fails at once as %s', async (status, code) => {
    const scope = nock(base).get('/system').reply(status, '', { location: 'http://elsewhere.test/' });
    expect(await codeOf(orthanc().system())).toBe(code);
    expect(scope.isDone()).toBe(true);
  });

  test.each([
    ['of what every Orthanc has', '/system', (client: Orthanc) => client.system(), true],
    ['of one resource', `/instances/${id}/file`, (client: Orthanc) => client.files.dicom(id), false],
  ])(
    'answered 404 %s: whether the message mentions the configured URL',
    async (_what, url, call, mentionsUrl) => {
      nock(base).get(url).reply(404);
      const error = await call(orthanc()).catch((caught: Error) => caught);
      expect((error as Error).message.includes('PLAINVIEW_ORTHANC_URL')).toBe(mentionsUrl);
    },
  );

  test('answered 500 is repeated and can succeed', async () => {
    nock(base).get('/system').reply(500).get('/system').reply(503).get('/system').reply(200, good);
    expect((await orthanc().system()).HasLabels).toBe(true);
  });

  test('answered 500 again and again fails after the last repeat', async () => {
    const scope = nock(base).get('/system').times(2).reply(500);
    expect(await codeOf(orthanc({ PLAINVIEW_ORTHANC_RETRIES: '1' }).system())).toBe('orthanc_failed');
    expect(scope.isDone()).toBe(true);
  });

  test.each([
    ['HTML of a proxy', '<html>login</html>'],
    ['half an answer', '{"Version": "1.1'],
    ['an empty body', ''],
    ['another shape', '["Version"]'],
  ])('answered with %s is garbage', async (_what, body) => {
    nock(base).get('/system').reply(200, body);
    expect(await codeOf(orthanc({ PLAINVIEW_ORTHANC_RETRIES: '0' }).system())).toBe('orthanc_garbage');
  });

  test('garbage is not quoted, because it may contain a name', async () => {
    nock(base)
      .get('/system')
      .reply(200, { Version: { PatientName: 'DOE^JANE' } });
    const error = await orthanc({ PLAINVIEW_ORTHANC_RETRIES: '0' })
      .system()
      .catch((caught: Error) => caught);
    expect(String((error as Error).message)).toContain('Version');
    expect(String((error as Error).message)).not.toContain('DOE');
  });

  test('without a response ends at its time-out', async () => {
    nock(base).get('/system').delay(60_000).reply(200, good);
    expect(await codeOf(orthanc(impatient).system())).toBe('orthanc_timeout');
    nock.abortPendingRequests();
  });

  test.each([
    ['hangs up', '', 'orthanc_unreachable'],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH\r\n', 'orthanc_unreachable'],
    ['breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Version"', 'orthanc_garbage'],
  ])('to a peer that %s fails', async (_what, bytes, code) => {
    nock.enableNetConnect('127.0.0.1');
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(bytes));
    });
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    const client = orthanc({
      PLAINVIEW_ORTHANC_URL: `http://127.0.0.1:${port}`,
      PLAINVIEW_ORTHANC_RETRIES: '0',
    });
    expect(await codeOf(client.system())).toBe(code);
    server.close();
  });

  test('of the health check may be slow once', async () => {
    nock(base).get('/system').delay(60_000).reply(200, good).get('/system').reply(200, good);
    nock(base).get('/changes?last').reply(200, { Changes: [], Done: true, Last: 0 });
    const { availability } = orthanc({ PLAINVIEW_ORTHANC_URL: base, PLAINVIEW_ORTHANC_RETRIES: '0' });
    const problems: string[] = [];
    availability.events.on('problem', ({ message }) => problems.push(message));
    await availability.start(async () => undefined);
    expect(availability.state).toEqual({ answers: true, version: '1.12.7' });
    expect(problems).toEqual([]);
    nock.abortPendingRequests();
  });

  test('whose response comes in slow pieces ends at the time-out', async () => {
    nock.enableNetConnect('127.0.0.1');
    const timers: NodeJS.Timeout[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      timers.push(setInterval(() => socket.write(' '), 20));
    });
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    const client = orthanc({ ...impatient, PLAINVIEW_ORTHANC_URL: `http://127.0.0.1:${port}` });
    expect(await codeOf(client.system())).toBe('orthanc_timeout');
    for (const timer of timers) clearInterval(timer);
    server.close();
  });

  test('that fails leaves no password and no body in the error', async () => {
    nock(base).get('/system').reply(500, 'PatientName DOE^JANE');
    const client = orthanc({
      PLAINVIEW_ORTHANC_RETRIES: '0',
      PLAINVIEW_ORTHANC_USERNAME: 'u',
      PLAINVIEW_ORTHANC_PASSWORD: 'hunter2',
    });
    const error = await client.system().catch((caught: Error) => caught);
    const { inspect } = await import('node:util');
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/hunter2|DOE/);
  });
});

describe('metadata under CheckRevisions', () => {
  test('a conflict is resolved with the present revision', async () => {
    const path = `/instances/${id}/metadata/Radiograph`;
    nock(base).put(path).reply(409).get(path).reply(200, 'old', { etag: '"7"' });
    const second = nock(base, { reqheaders: { 'if-match': '"7"' } })
      .put(path, 'new')
      .reply(200);
    await orthanc().metadata.put(`instances/${id}`, 'Radiograph', 'new');
    expect(second.isDone()).toBe(true);
  });
});

describe('an instance', () => {
  const contents = (answer: object) => nock(base).post('/tools/bulk-content').reply(200, answer);

  test('that is deleted throws instance_gone', async () => {
    contents([]);
    nock(base).get(`/instances/${id}/simplified-tags`).reply(404).get(`/instances/${id}`).reply(404);
    expect(await codeOf(orthanc().hierarchy.describe(id))).toBe('instance_gone');
  });

  test.each([
    ['no rendering', 'frames/0/rendered', 'instance_not_renderable'],
    ['no attributes', 'simplified-tags', 'orthanc_absent'],
    ['no list of elements', 'content', 'orthanc_absent'],
  ])('that exists, but has %s (HTTP 404), is not deleted', async (_what, path, code) => {
    nock(base).get(`/instances/${id}/${path}`).reply(404).get(`/instances/${id}`).reply(200, {});
    const { hierarchy, files, renderings } = orthanc();
    const call = {
      'simplified-tags': () => hierarchy.describe(id),
      content: () => files.elements(id, ['0010,0010']),
    }[path];
    expect(await codeOf(call?.() ?? renderings.whole(id, 0, async (picture) => picture, {}))).toBe(code);
  });

  test.each([
    ['415 of a rendering', createError('instance_not_renderable', { why: 'HTTP 415' })],
    ['500 of metadata', createError('orthanc_failed', { what: 'GET /instances', status: 500 })],
  ])('%s means that Orthanc is away where its index does not answer', async (_what, error) => {
    nock(base).persist().get('/system').reply(200, good);
    nock(base).get('/changes?last').reply(200, { Changes: [], Done: true, Last: 0 });
    const client = orthanc({ PLAINVIEW_ORTHANC_RETRIES: '0' });
    await client.availability.start(async () => undefined);
    const answer = nock(base).get('/changes?last').reply(200, { Changes: [], Done: true, Last: 0 });
    expect(await client.isAway(error)).toBe(false);
    expect(answer.isDone()).toBe(true);
    nock(base).persist().get('/changes?last').reply(500);
    expect(await client.isAway(error)).toBe(true);
  });

  test('that cannot be rendered throws instance_not_renderable', async () => {
    nock(base).get(`/instances/${id}/frames/0/rendered`).reply(415);
    expect(await codeOf(orthanc().renderings.whole(id, 0, async (picture) => picture, {}))).toBe(
      'instance_not_renderable',
    );
  });
});

describe('the check at start', () => {
  test.each([
    ['an old Orthanc', { ...good, Version: '1.11.3' }, /1\.12\.0/],
    ['a database without labels', { ...good, HasLabels: false }, /knows no labels/],
    ['a read-only Orthanc', { ...good, ReadOnly: true }, /"ReadOnly": false/],
    [
      'undeclared metadata',
      { ...good, UserMetadata: { Radiograph: 5101 } },
      /"RadiographCategory": 5100, "RadiographReclassify": 5102/,
    ],
  ])('names the remedy for %s', async (_what, system, line) => {
    nock(base).get('/system').reply(200, system);
    const answer = await orthanc().system();
    expect(() => requireCapabilities(answer)).toThrow(line);
  });

  test.each(['1.12.0', '1.13.0', '2.0.0', 'mainline-8a7b'])('accepts %s', async (Version) => {
    nock(base)
      .get('/system')
      .reply(200, { ...good, Version });
    const answer = await orthanc().system();
    expect(() => requireCapabilities(answer)).not.toThrow();
  });
});
