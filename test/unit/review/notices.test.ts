import { expect, test, vi } from 'vitest';
import { ApiError } from '../../../src/review/api/client.js';
import { until, usePage } from './support/page.js';

const page = usePage();

test('an error becomes a notice that stays, except where the request was aborted', async () => {
  const { notices } = page();
  vi.useFakeTimers();
  notices.notifyOnError(Promise.reject(new DOMException('aborted', 'AbortError')));
  notices.notifyOnError(Promise.reject(new ApiError('Orthanc does not answer.', 503, 'orthanc_away')));
  await until(() => notices.notice.value !== undefined);
  expect(notices.notice.value).toEqual({ kind: 'problem', message: 'Orthanc does not answer.' });
  vi.advanceTimersByTime(60_000);
  expect(notices.notice.value).toBeDefined();
  notices.dismiss();
  expect(notices.notice.value).toBeUndefined();
});

test('a notice of what is done disappears by itself, but not before its own time', () => {
  const { notices } = page();
  vi.useFakeTimers();
  notices.notifyDone('One.');
  vi.advanceTimersByTime(7000);
  notices.notifyDone('Two.');
  vi.advanceTimersByTime(7000);
  expect(notices.notice.value?.message).toBe('Two.');
  vi.advanceTimersByTime(1000);
  expect(notices.notice.value).toBeUndefined();
});
