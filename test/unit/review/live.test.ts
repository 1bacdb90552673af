import { expect, test, vi } from 'vitest';
import { until, usePage } from './support/page.js';

const page = usePage();

const status = {
  network: { name: 'fake', sha256: '0'.repeat(64), purpose: 'research' },
  engine: { engine: 'fake', device: 'cpu', declined: [] },
  queue: { waiting: 0, running: 0, delayed: 0 },
  sweep: { state: 'idle', done: 0, total: 0 },
  orthanc: { up: true },
  orthancPages: 'http://orthanc.example/',
  viewers: [],
  version: '0.1.0',
  streams: true,
};

test('where the service streams, events are followed until it is stopped', async () => {
  const { api, live } = page();
  api.on('GET status', () => status);
  const emit = api.streamEvents();
  const stop = live.startLive();
  await until(() => live.connection.value === 'events');
  expect(live.status.value?.orthanc.up).toBe(true);
  emit('status', { ...status, orthanc: { up: false } });
  await until(() => live.status.value?.orthanc.up === false);
  stop();
  await until(() => live.connection.value === 'polling');
  expect(live.ticks.value).toBe(0);
});

test('where it does not, the page polls; a service away is lost until it answers again', async () => {
  vi.useFakeTimers();
  const { api, live, run } = page();
  api.on('GET status', () => ({ ...status, streams: false }));
  run(live.startLive);
  await until(() => live.ticks.value === 1);
  api.on('GET status', () => Promise.reject(new TypeError('failed')));
  await vi.advanceTimersByTimeAsync(5000);
  await until(() => live.ticks.value === 2);
  expect(live.connection.value).toBe('lost');
  api.on('GET status', () => ({ ...status, streams: false }));
  await vi.advanceTimersByTimeAsync(5000);
  await until(() => live.ticks.value === 3);
  expect(live.connection.value).toBe('polling');
  expect(api.requests.filter((request) => request === 'GET events')).toHaveLength(0);
});

test('a page that nobody sees, or whose reader must sign in, asks for nothing', async () => {
  vi.useFakeTimers();
  const { api, client, live, run } = page();
  client.signInNeeded.value = true;
  run(live.startLive);
  await vi.advanceTimersByTimeAsync(60_000);
  client.signInNeeded.value = false;
  Object.assign(document, { hidden: true });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(api.requests).toEqual([]);
});
