import type { ErrorEntries } from './entry.js';

/** Training a network on a site's own pictures. */
export const learnErrors = {
  training_impossible: {
    message: (p: { problem: string }) => `No network can be trained: ${p.problem}.`,
    transient: false,
    status: 500,
    exit: 1,
    remedy: 'See [learning.md](learning.md).',
  },
  training_without_gain: {
    message: (p: { reasons: readonly string[] }) =>
      `No network was written, because the trained one is not better than the one in use: ${p.reasons.join('; ')}. Train again with more pictures.`,
    transient: false,
    status: 500,
    exit: 1,
    meaning:
      'Measured on patients to which the compared network was not fitted. `--anyway` writes it in spite of that, for people who want to look at it.',
  },
} satisfies ErrorEntries;
