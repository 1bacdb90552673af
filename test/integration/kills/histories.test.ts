import { afterAll, expect, test } from 'vitest';
import { runHistory } from '../../../testkit/history/history.js';
import { discardStates } from '../../../testkit/mortal-service.js';

afterAll(discardStates);

/** And those that have found a fault. */
const seeds = [...Array.from({ length: 12 }, (_, seed) => seed + 1), 511587077];

// `npm run chaos -- --only histories` runs a thousand. They run one after the other: each sets the clock of the process.
test.each(seeds)(
  'in random history %i nothing that was acknowledged is lost, and nothing is invented',
  { timeout: 60_000 },
  async (seed) => expect((await runHistory(seed)).problems).toEqual([]),
);
