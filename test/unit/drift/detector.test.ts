import { expect, test } from 'vitest';
import { cautiousShare, isChange, observed, threshold } from '../../../src/drift/detector.js';
import { addPicture, binOf, noPast, type Past, type Seen, signalsOf } from '../../../src/drift/past.js';
import { seeded } from '../../../testkit/random.js';

interface Site {
  unsure: number;
  unknown: number;
  /** By how many halvings what is missing to 1 is larger. */
  lower?: number;
}

function picture(random: () => number, { unsure, unknown, lower = 0 }: Site): Seen {
  const drawn = random();
  const isUnknown = drawn < unknown;
  const isUnsure = !isUnknown && drawn < unknown + unsure;
  const score = isUnsure ? 0.5 + 0.4 * random() : 1 - 2 ** -(4 + 14 * random() - lower);
  return { unsure: isUnsure, unknown: isUnknown, bin: binOf(score) };
}

/** @returns how many pictures came before the first change; undefined where none was found */
function firstChange(random: () => number, past: Past, site: Site, most: number): number | undefined {
  const evidence = new Map<string, number[]>();
  for (let n = 1; n <= most; n++) {
    const seen = picture(random, site);
    let isFound = false;
    for (const signal of signalsOf(past, seen)) {
      const next = observed(evidence.get(signal.name) ?? [], signal.observed);
      evidence.set(signal.name, next);
      isFound ||= isChange(next);
    }
    addPicture(past, seen);
    if (isFound) return n;
  }
  return undefined;
}

function after(random: () => number, site: Site, pictures: number): Past {
  const past = noPast();
  for (let n = 0; n < pictures; n++) addPicture(past, picture(random, site));
  return past;
}

test('finds nothing at 20 stations that stay as they are, a year of 50 pictures a working day each', () => {
  const random = seeded(1);
  for (let station = 0; station < 20; station++) {
    const site = { unsure: 0.02 + 0.2 * random(), unknown: 0.02 + 0.25 * random() };
    expect(firstChange(random, noPast(), site, 12_500)).toBeUndefined();
  }
});

test.each([
  ['a detector that was turned by 90°', { unsure: 0.5, unknown: 0.2, lower: 3 }],
  ['a new device with another look', { unsure: 0.3, unknown: 0.2, lower: 4 }],
])('finds %s within a day of 100 pictures, in 19 of 20 stations', (_, site) => {
  const delays = Array.from({ length: 100 }, (__, seed) => {
    const random = seeded(seed);
    const past = after(random, { unsure: 0.1, unknown: 0.1 }, 2200);
    return firstChange(random, past, site, 1000) ?? Number.POSITIVE_INFINITY;
  }).toSorted((a, b) => a - b);
  expect(delays[94]).toBeLessThanOrEqual(100);
});

test('a share that stays raises evidence by one for each observation at most, on the average', () => {
  const random = seeded(7);
  const runs = 4000;
  const length = 60;
  let sum = 0;
  for (let run = 0; run < runs; run++) {
    let evidence: number[] = [];
    for (let n = 0; n < length; n++) evidence = observed(evidence, [{ isYes: random() < 0.3, past: 0.3 }]);
    sum += evidence.reduce((total, each) => total + each, 0);
  }
  // By Markov's inequality, the mean number of observations before a false alarm is then at least the threshold.
  expect(sum / runs).toBeLessThan(length * 1.3);
});

test('a past of few observations is taken to be higher than it was seen', () => {
  expect(cautiousShare(0, 100)).toBeGreaterThan(0.03);
  expect(cautiousShare(10, 100)).toBeGreaterThan(0.16);
  expect(cautiousShare(500, 5000)).toBeLessThan(0.11);
  expect(cautiousShare(100, 100)).toBe(0.99);
});

test('evidence never becomes infinite or undefined', () => {
  let evidence: number[] = [];
  for (let n = 0; n < 10_000 && !isChange(evidence); n++)
    evidence = observed(evidence, [{ isYes: true, past: 0.99 }]);
  expect(evidence.every(Number.isFinite)).toBe(true);
  expect(evidence.reduce((sum, each) => sum + each, 0)).toBeLessThan(threshold * 20);
});
