import { effect } from '@preact/signals';
import { afterEach, beforeEach, vi } from 'vitest';
import type { Entry } from '../../../../src/review/api/schema.js';
import { type FakeApi, stubApi } from './fake-api.js';
import { stubBrowser } from './fake-browser.js';

/** The page's modules as they are after a reload, since their state is in the modules. */
async function importPage() {
  vi.resetModules();
  return {
    client: await import('../../../../src/review/api/client.js'),
    live: await import('../../../../src/review/api/live.js'),
    notices: await import('../../../../src/review/state/notices.js'),
    review: await import('../../../../src/review/state/review.js'),
    routing: await import('../../../../src/review/state/route.js'),
    session: await import('../../../../src/review/state/session.js'),
    list: await import('../../../../src/review/state/worklist.js'),
    updates: await import('../../../../src/review/state/worklist-updates.js'),
  };
}

export type Page = Awaited<ReturnType<typeof importPage>> & {
  api: FakeApi;
  /** Starts something that is stopped when the test ends, or earlier by the function that it returns. */
  run(start: () => () => void): () => void;
};

/** A page before a fake browser and a fake service, anew for each test. */
export function usePage(): () => Page {
  let page: Page | undefined;
  let stops: (() => void)[] = [];
  beforeEach(async () => {
    stubBrowser();
    const api = stubApi();
    const run = (start: () => () => void) => {
      const stop = start();
      stops.push(stop);
      return stop;
    };
    page = { ...(await importPage()), api, run };
  });
  afterEach(() => {
    for (const stop of stops.reverse()) stop();
    stops = [];
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  return () => {
    if (page === undefined) throw new Error('the page is there only while tests run');
    return page;
  };
}

/** Resolves once a condition over signals holds. */
export const until = (condition: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    effect(() => {
      if (condition()) resolve();
    });
  });

/** Orthanc's identifier of the n-th instance. */
export const idOf = (n: number): string =>
  Array.from({ length: 5 }, () => n.toString(16).padStart(8, '0')).join('-');

export const timeOf = (n: number): string => new Date(Date.UTC(2026, 0, 1, 0, n)).toISOString();

/** The n-th instance; needs review, most probably a knee. */
export const entryOf = (n: number, fields: Partial<Entry> = {}): Entry => ({
  instance: idOf(n),
  series: idOf(1000 + n),
  study: idOf(2000),
  sopInstanceUid: `1.2.${n}.1.1`,
  seriesInstanceUid: `1.2.${n}.1`,
  studyInstanceUid: `1.2.${n}`,
  decision: 'needs_review',
  reason: 'The score is under the threshold.',
  top: [
    { category: 'knee_ap', score: 0.5 },
    { category: 'ankle_ap', score: 0.3 },
  ],
  who: 'network',
  network: { name: 'fake', sha256: '0'.repeat(64) },
  engine: 'fake',
  when: timeOf(n),
  dicom: {},
  labels: [],
  open: ['needs_review'],
  ...fields,
});

export const entries = (from: number, to: number): Entry[] =>
  Array.from({ length: to - from }, (_, n) => entryOf(from + n));
