import type { Statistics } from '../../../src/review/api/schema.js';
import { sha256 } from './fake-entries.js';

const share: { [category: string]: number } = {
  chest_pa_ap: 0.34,
  hand_ap: 0.08,
  knee_ap: 0.07,
  knee_lateral: 0.07,
  pelvis_ap: 0.06,
  foot_ap: 0.05,
  lumbar_spine_lateral: 0.05,
  shoulder_ap: 0.05,
  wrist_ap: 0.04,
  ankle_ap: 0.04,
};

/** A month of a middling department. */
export function madeStatistics(): Statistics {
  const days = Array.from({ length: 30 }, (_, n) =>
    new Date(Date.UTC(2025, 11, 22 + n)).toISOString().slice(0, 10),
  );
  const wave = (n: number, scale: number) =>
    Math.round(scale * (n % 7 > 4 ? 0.35 : 1) * (1 + 0.25 * Math.sin(n * 1.7)));
  const decisions = days.map((at, n) => ({
    at,
    category: wave(n, 420),
    needs_review: wave(n + 1, 46),
    unknown_view: wave(n + 2, 61),
    failed: n % 11 === 3 ? 4 : 0,
  }));
  const judged = (
    category: string,
    confirmed: number,
    corrected: number,
    ...insteadOf: [string | null, number][]
  ) => ({
    category,
    confirmed,
    corrected,
    insteadOf: insteadOf.map(([name, count]) => ({ category: name, count })),
  });
  return {
    days: 30,
    bucket: 'day',
    throughput: decisions.map(({ at, ...each }) => ({
      at,
      decided: Object.values(each).reduce((sum, value) => sum + value),
    })),
    decisions,
    categories: Object.entries(share).map(([category, part]) => {
      const perDay = decisions.map(({ category: given }) => Math.round(given * part));
      return { category, perDay, total: perDay.reduce((sum, value) => sum + value) };
    }),
    agreement: [
      {
        network: { name: 'embedded', sha256 },
        confirmed: 338,
        corrected: 35,
        unsure: { confirmed: 203, corrected: 88 },
        categories: [
          judged('chest_pa_ap', 141, 2, ['abdomen_ap', 2]),
          judged('hand_ap', 90, 12, ['hand_oblique', 9], ['wrist_ap', 3]),
          judged('knee_ap', 88, 4, [null, 3]),
          judged('foot_oblique', 14, 11, ['foot_ap', 11]),
          judged('shoulder_outlet', 5, 6),
        ],
      },
    ],
    shadows: [
      {
        network: { name: 'embedded', sha256 },
        shadow: { name: 'ours', sha256: 'd'.repeat(64) },
        decided: 9800,
        failed: 3,
        partings: [
          { network: 'needs_review', shadow: 'hand_ap', count: 310 },
          { network: 'knee_ap', shadow: 'knee_lateral', count: 41 },
          { network: 'chest_pa_ap', shadow: 'unknown_view', count: 7 },
        ],
        right: { both: 402, onlyNetwork: 6, onlyShadow: 61, neither: 30, p: 1.2e-12 },
      },
    ],
    acknowledged: { order_wrong: 3, category_wrong: 1, no_matter: 2 },
    backlog: {
      needs_review: 30,
      unknown_view: 10,
      order_mismatch: 7,
      category_proposed: 2,
      classification_failed: 10,
    },
    complete: true,
  };
}
