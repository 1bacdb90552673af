import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { createError, type PlainviewError } from '../../../src/errors/errors.js';
import { Metrics } from '../../../src/metrics/metrics.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { createHandler } from '../../../src/pipeline/attempt.js';
import type { Job } from '../../../src/queue/queue.js';

const job: Job = {
  instance: instanceId.parse('00000001-00000002-00000003-00000004-00000005'),
  reason: 'hook',
  attempt: 1,
};
const unreachable = createError('orthanc_unreachable', { url: 'http://orthanc', why: 'ECONNRESET' });

function handled({ isAway, error = unreachable }: { isAway: boolean; error?: PlainviewError }) {
  const process = vi.fn(async () => {
    throw error;
  });
  const recordFailure = vi.fn(async () => ({ kind: 'decided' as const, decision: 'failed' as const, ms: 0 }));
  const metrics = new Metrics();
  const handler = createHandler({
    process,
    recordFailure,
    pauseMs: () => 0,
    orthanc: { isAway: async () => isAway },
    attempts: 2,
    metrics,
    log: pino({ level: 'silent' }),
  });
  return { handler, process, recordFailure };
}

test('while Orthanc is away, no attempt counts', async () => {
  const { handler, recordFailure } = handled({ isAway: true });
  for (let outage = 0; outage < 4; outage++)
    expect(await handler({ ...job, attempt: 2 })).toMatchObject({ kind: 'retry', countsAsAttempt: false });
  expect(recordFailure).not.toHaveBeenCalled();
});

test('an instance on which only this call fails is retried with back-off, and then recorded as failed', async () => {
  const { handler, recordFailure } = handled({ isAway: false });
  const outcome = await handler(job);
  expect(outcome).toMatchObject({ kind: 'retry', countsAsAttempt: true });
  expect(outcome.kind === 'retry' && outcome.afterMs).toBeGreaterThanOrEqual(1000);
  expect(await handler({ ...job, attempt: 2 })).toEqual({ kind: 'settled' });
  expect(recordFailure).toHaveBeenCalledWith(
    expect.anything(),
    expect.objectContaining({
      code: 'orthanc_unreachable',
      params: { url: 'http://orthanc', why: 'ECONNRESET' },
    }),
  );
});

test('an instance whose job ends in an outage five times is recorded as failed', async () => {
  const { handler, process, recordFailure } = handled({ isAway: true });
  for (let outage = 0; outage < 5; outage++) await handler(job);
  expect(await handler(job)).toEqual({ kind: 'settled' });
  expect(process).toHaveBeenCalledTimes(5);
  expect(recordFailure).toHaveBeenCalledWith(job, expect.objectContaining({ code: 'orthanc_toppled' }));
});

const notRenderable = createError('instance_not_renderable', { why: 'HTTP 415' });

test('that Orthanc cannot render a picture is recorded when it says so twice', async () => {
  const { handler, process, recordFailure } = handled({ isAway: false, error: notRenderable });
  const first = await handler(job);
  expect(first).toMatchObject({ kind: 'retry', countsAsAttempt: true });
  expect(first.kind === 'retry' && first.afterMs).toBeGreaterThanOrEqual(2000);
  expect(recordFailure).not.toHaveBeenCalled();
  expect(await handler({ ...job, attempt: 2 })).toEqual({ kind: 'settled' });
  expect(process).toHaveBeenCalledTimes(2);
  expect(recordFailure).toHaveBeenCalledWith(
    expect.anything(),
    expect.objectContaining({ code: 'instance_not_renderable' }),
  );
});

test('while the database of Orthanc is away, no answer is a verdict, however often it comes', async () => {
  const { handler, recordFailure } = handled({ isAway: true, error: notRenderable });
  for (let outage = 0; outage < 20; outage++)
    expect(await handler(job)).toMatchObject({ kind: 'retry', countsAsAttempt: false });
  expect(recordFailure).not.toHaveBeenCalled();
});

test('while the state folder cannot be written, no attempt counts, and the pauses grow', async () => {
  const full = createError('state_unusable', { folder: '/state', why: 'ENOSPC' });
  const { handler, recordFailure } = handled({ isAway: false, error: full });
  const pauses: number[] = [];
  for (let times = 0; times < 8; times++) {
    const outcome = await handler({ ...job, attempt: 2 });
    expect(outcome).toMatchObject({ kind: 'retry', countsAsAttempt: false });
    if (outcome.kind === 'retry') pauses.push(outcome.afterMs);
  }
  expect(recordFailure).not.toHaveBeenCalled();
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(60_000);
});
