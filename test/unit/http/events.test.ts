import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { authenticator } from '../../../src/access/authenticate.js';
import { Signatures } from '../../../src/access/signature.js';
import type { DecidedEvent, Status } from '../../../src/contract/review.js';
import { Events, eventOperations } from '../../../src/http/api/events.js';
import { withDescription } from '../../../src/http/api/openapi.js';
import { apiRouter } from '../../../src/http/api/router.js';
import { createApp } from '../../../src/http/app.js';
import { failedAuthenticationLimiter } from '../../../src/http/failed-authentication-limiter.js';
import { waitFor } from '../../../testkit/orthanc.js';
import { fetchSigned } from '../../../testkit/signed.js';

const secret = 'a-secret-of-the-tests';
const log = pino({ level: 'silent' });
const status: Status = {
  version: '0',
  network: { name: 'n', sha256: '00', purpose: 'research' },
  engine: { engine: 'wasm', device: 'cpu', declined: [] },
  queue: { waiting: 0, running: 0, delayed: 0 },
  sweep: { state: 'idle', done: 0, total: 0 },
  orthanc: { up: true },
  orthancPages: 'http://orthanc.test',
  viewers: [],
  listeners: 0,
  streams: true,
};
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

/** Serves the events, and connects listeners to them. */
async function served() {
  const events = new Events((listeners) => ({ ...status, listeners }));
  const options = {
    authenticate: authenticator(new Signatures(secret), []),
    limiter: failedAuthenticationLimiter(10),
    perMinute: 10_000,
    audit: async () => undefined,
    log,
  };
  const operations = withDescription(eventOperations(events), '0');
  const server = createServer(createApp([apiRouter(operations, options)], log));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    events.stop();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/events`;
  const listen = async (who: string) => {
    const leave = new AbortController();
    const answer = await fetchSigned(secret, url, { who, signal: leave.signal });
    return { answer, leave: () => leave.abort() };
  };
  return { events, listen };
}

test('a hundred listeners are accepted, and one more after one of them disconnects', async () => {
  const { events, listen } = await served();
  const all = await Promise.all(Array.from({ length: 100 }, (_, n) => listen(`user ${n % 10}`)));
  expect(new Set(all.map(({ answer }) => answer.status))).toEqual(new Set([200]));
  const { answer } = await listen('one more');
  expect(answer.status).toBe(429);
  expect(await answer.json()).toMatchObject({ code: 'busy' });
  all[0]?.leave();
  await waitFor(() => events.status().listeners === 99);
  expect((await listen('one more')).answer.status).toBe(200);
});

test('a listener that does not read is disconnected, and the others still receive events', async () => {
  const { events, listen } = await served();
  const { answer: unread } = await listen('does not read');
  const { answer } = await listen('reads');
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error('an answer with a body');
  /** Events so large that a few hundred fill the network's buffers of some megabytes. */
  const largeEvent = (when: string): DecidedEvent => ({
    instance: 'i'.repeat(50_000),
    study: 's',
    decision: 'unknown_view',
    who: 'network',
    when,
  });
  const receive = async (when: string) => {
    for (let text = ''; !text.includes(`"when":"${when}"`); ) text += (await reader.read()).value ?? '';
  };
  let sent = 0;
  for (; events.status().listeners === 2 && sent < 1000; sent++) {
    events.decided(largeEvent(`${sent}`));
    await receive(`${sent}`);
  }
  expect(events.status().listeners).toBe(1);
  events.decided(largeEvent('after that'));
  await receive('after that');
  await expect(unread.text()).rejects.toThrow();
});
