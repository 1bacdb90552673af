import { figureNames, type QualityGroup } from '../../../src/contract/quality.js';
import { proportion } from '../../../src/evaluate/statistics.js';
import type { Figure, Quality } from '../../../src/review/api/quality-schema.js';

/** Of each figure: the share, and of what part of the radiographs it can be told. */
const shares: { [name in keyof QualityGroup['figures']]: [share: number, told: number] } = {
  withoutBodyPart: [0.11, 1],
  withoutView: [0.42, 1],
  wrongBodyPartByPerson: [0.19, 0.03],
  wrongBodyPartByNetwork: [0.14, 0.7],
  wrongViewByPerson: [0.06, 0.02],
  wrongViewByNetwork: [0.05, 0.5],
  wrongSide: [0.01, 0.3],
  orderMismatch: [0.02, 0.6],
  orderMismatchOpen: [0.6, 0.012],
  orderMismatchAnswered: [0.3, 0.012],
  undecided: [0.13, 1],
};

/** The report of a middling department. */
export function madeQuality(instances: readonly string[]): Quality {
  const group = (value: string, radiographs: number, factor = 1) => ({
    value,
    radiographs,
    figures: Object.fromEntries(
      figureNames.map((name, index) => {
        const [share, told] = shares[name];
        const of = Math.round(radiographs * told);
        const count = Math.min(of, Math.round(of * share * factor));
        const examples = instances.slice(index, index + Math.min(count, 3));
        return [name, { ...proportion(count, of), examples }];
      }),
    ) as { [name in (typeof figureNames)[number]]: Figure },
  });
  return {
    state: 'idle',
    report: {
      when: '2026-01-20T09:30:00.000Z',
      networkScore: 0.9,
      unread: 2,
      all: group('all', 21_480),
      by: {
        station: [group('ROOM1', 9200, 0.6), group('ROOM2', 7100, 1.1), group('MOBILE3', 5180, 1.9)],
        device: [group('ACME DR 500', 16_300, 0.8), group('ACME CR 10', 5180, 1.9)],
        department: [group('Emergency', 12_000, 1.4), group('(none)', 9480)],
        month: [group('2025-11', 7000, 1.2), group('2025-12', 7200), group('2026-01', 7280, 0.8)],
        category: [group('chest_pa_ap', 7000, 0.3), group('knee_ap', 3000, 1.5), group('(none)', 2790, 0)],
      },
    },
  };
}
