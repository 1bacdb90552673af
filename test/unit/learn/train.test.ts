import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../../../src/classify/engines/wasm.js';
import { softmax, throughDense } from '../../../src/classify/graph/last-layer.js';
import type { Head } from '../../../src/learn/head.js';
import type { Sample } from '../../../src/learn/sample.js';
import { train } from '../../../src/learn/train.js';
import { axesNetwork, films } from '../../../testkit/learn.js';
import { seeded } from '../../../testkit/random.js';

let tf: Awaited<ReturnType<typeof startWasm>>;
beforeAll(async () => {
  tf = await startWasm();
});

const enough = { pictures: 20, patients: 10 };
const trained = (samples: readonly Sample[], network = axesNetwork(), seed = 1, labelPrefix = '') =>
  train(tf, network, samples, { enough, labelPrefix, seed, onFit: () => undefined });

/** Of the samples, how many a head names right. */
function right({ classes, inputs, weights, bias }: Head, samples: readonly Sample[]): number {
  return samples.filter(({ picture, features }) => {
    const scores = softmax(
      throughDense({ inputs, outputs: classes.length, weights, bias, activation: 'linear' }, features),
    );
    return classes[scores.indexOf(Math.max(...scores))] === picture.label;
  }).length;
}

/** What the network knows, as it looks at home. */
const home = (seed: number, count = 30) =>
  films(seed, [
    { label: 'knee_ap', count, axes: { 0: 1 } },
    { label: 'hand_ap', count, axes: { 1: 1 } },
    { label: 'chest_pa_ap', count, axes: { 2: 1 } },
    { label: 'other', count, axes: { 3: 1 } },
  ]);
/** A site where knees look like hands to the network, and have a look of their own. */
const site = (seed: number, count = 30) =>
  films(seed, [
    { label: 'knee_ap', count, axes: { 0: 0.5, 1: 0.8, 5: 1 } },
    { label: 'hand_ap', count, axes: { 1: 1 } },
    { label: 'chest_pa_ap', count, axes: { 2: 1 } },
    { label: 'other', count, axes: { 3: 1 } },
  ]);

describe('a site with a look of its own', () => {
  test('is learnt, measured on patients that were left out, and home is not forgotten', () => {
    const { verdict, head, results } = trained(site(1));
    expect(verdict.objections).toEqual([]);
    expect(verdict.named).toMatchObject({ old: 90, n: 120 });
    expect(verdict.named.new).toBeGreaterThanOrEqual(118);
    expect(results.map(({ length }) => length)).toEqual([120, 120]);
    expect(right(head, site(2))).toBeGreaterThanOrEqual(118);
    expect(right(head, home(3))).toBe(120);
  });

  test('gives the same network for the same pictures and seed', () => {
    const [one, two] = [trained(site(1)), trained(site(1))];
    expect(one.head).toEqual(two.head);
    expect(one.thresholds).toEqual(two.thresholds);
  });

  test('does not let ten pictures break what the network knows', () => {
    // Ten wrong labels: knees of home, called hands.
    const wrong = films(4, [{ label: 'hand_ap', count: 10, axes: { 0: 1 } }]);
    const { head, verdict } = trained([...wrong, ...home(5, 10)]);
    expect(
      right(
        head,
        home(6).filter(({ picture }) => picture.label !== 'knee_ap'),
      ),
    ).toBe(90);
    expect(verdict.objections).not.toEqual([]);
  });

  test('keeps a category that no person looked at, by replay', () => {
    const people = films(7, [
      { label: 'knee_ap', count: 40, axes: { 1: 0.8, 2: 0.8, 0: 0.5 } },
      { label: 'hand_ap', count: 40, axes: { 1: 1 } },
    ]);
    const chest = films(8, [{ label: 'chest_pa_ap', count: 30, axes: { 2: 1, 1: 0.6 }, from: 'replay' }]);
    const { head, verdict } = trained([...people, ...chest]);
    expect(verdict.kept).toEqual({ count: 30, of: 30 });
    expect(verdict.named.n).toBe(80);
    expect(right(head, films(9, [{ label: 'chest_pa_ap', count: 50, axes: { 2: 1, 1: 0.6 } }]))).toBe(50);
  });
});

describe('never worse', () => {
  test('objects where there is nothing to gain', () => {
    const { verdict } = trained(home(1));
    expect(verdict.named).toMatchObject({ old: 120, new: 120, p: 1 });
    expect(verdict.objections.join()).toContain('can be chance');
  });

  test.each([1, 2, 3])('objects to labels of chance (seed %i)', (seed) => {
    const random = seeded(seed);
    const labels = ['knee_ap', 'hand_ap', 'chest_pa_ap'];
    const chance = home(seed).map((sample) => ({
      ...sample,
      picture: { ...sample.picture, label: labels[Math.floor(random() * 3)] ?? '' },
    }));
    expect(trained(chance).verdict.objections).not.toEqual([]);
  });

  test('names a category that gets worse', () => {
    // Hands with the look of the site's knees: what is gained with knees is lost with these.
    const samples = [
      ...site(1, 40),
      ...films(2, [{ label: 'hand_ap', count: 6, axes: { 0: 0.5, 1: 0.8, 5: 1 } }]),
    ];
    const { verdict } = trained(samples);
    expect(verdict.worse).toMatchObject([{ category: 'hand_ap', before: 46, n: 46 }]);
  });

  test.each([
    ['no', 0, true],
    ['19', 19, true],
    ['20', 20, false],
  ])('with %s pictures of none, objects: %#', (_, count, objects) => {
    const none = films(11, [{ label: 'other', count, axes: { 3: 1 } }]);
    const samples = [...site(1, 40).filter(({ picture }) => picture.label !== 'other'), ...none];
    const { verdict } = trained(samples);
    expect(verdict.objections.join().includes('pictures of none')).toBe(objects);
  });

  test('counts pictures of none that are replayed', () => {
    const none = films(11, [{ label: 'other', count: 20, axes: { 3: 1 }, from: 'replay' }]);
    const samples = [...site(1, 40).filter(({ picture }) => picture.label !== 'other'), ...none];
    expect(trained(samples).verdict.objections).toEqual([]);
  });

  test('does not hold back less without pictures of none', () => {
    const samples = site(1, 60).filter(({ picture }) => picture.label !== 'other');
    const { thresholds, temperature } = trained(samples);
    expect(thresholds.threshold).toBeGreaterThanOrEqual(0.8);
    expect(thresholds.unknownBelow).toBeGreaterThanOrEqual(0.4);
    expect(temperature).toBeGreaterThanOrEqual(1);
    expect(trained(site(1, 60)).thresholds.threshold).toBeLessThan(0.8);
  });

  test('counts a picture once that occurs under two patients, or as a decision too', () => {
    const people = site(1);
    const again = people.map((sample) => ({
      ...sample,
      picture: {
        ...sample.picture,
        id: `again ${sample.picture.id}`,
        patient: `p ${sample.picture.patient}`,
      },
    }));
    const replayed = people.slice(0, 10).map((sample) => ({
      ...sample,
      from: 'replay' as const,
      picture: { ...sample.picture, label: 'hand_ap', id: `decision ${sample.picture.id}` },
    }));
    const [once, twice] = [trained(people), trained([...people, ...again, ...replayed])];
    expect(twice.used).toEqual({ ...once.used, repeated: 130 });
    expect(once.used).toMatchObject({ person: 120, patients: 120, repeated: 0 });
    expect(twice.head).toEqual(once.head);
  });

  test('needs patients', () => {
    const few = films(1, [{ label: 'knee_ap', count: 40, patients: 4, axes: { 0: 1 } }]);
    expect(() => trained(few)).toThrow(/at least 10 labelled pictures of 5 patients, and there are 40 of 4/);
  });
});

describe('a name that the network does not have', () => {
  const calcaneus = (count: number, patients = count) =>
    films(10, [{ label: 'calcaneus_lateral', count, patients, axes: { 3: 0.6, 6: 1 } }]);

  test('becomes a category where people used it often enough', () => {
    const { head, added, verdict } = trained([...home(1), ...calcaneus(20, 10)]);
    expect(added).toEqual(['calcaneus_lateral']);
    expect(head.classes).toEqual(['knee_ap', 'hand_ap', 'chest_pa_ap', 'other', 'calcaneus_lateral']);
    expect(verdict.newCategories).toMatchObject([
      { category: 'calcaneus_lateral', n: 20, sensitivity: { count: 20 }, ppvWithOther: { share: 1 } },
    ]);
    expect(verdict.objections).toEqual([]);
  });

  test.each([
    ['pictures', 19, 19],
    ['patients', 40, 9],
  ])('is one of the others with too few %s', (_, count, patients) => {
    const { added, head } = trained([...site(1), ...calcaneus(count, patients)]);
    expect(added).toEqual([]);
    expect(head.classes).toHaveLength(4);
  });

  test('is left out where the network has no class for others, and told', () => {
    const network = axesNetwork(['knee_ap', 'hand_ap', 'chest_pa_ap']);
    const known = site(1).filter(({ picture }) => picture.label !== 'other');
    const { leftOut, added, used } = trained([...known, ...calcaneus(12)], network);
    expect(added).toEqual([]);
    expect(leftOut).toEqual({ calcaneus_lateral: 12 });
    expect(used.person).toBe(90);
  });

  test('makes a class for others, where the network has none and people often said so', () => {
    const { added } = trained(site(1), axesNetwork(['knee_ap', 'hand_ap', 'chest_pa_ap']));
    expect(added).toEqual(['other']);
  });

  test('is refused where it cannot be a label', () => {
    const skulls = films(1, [{ label: 'Skull AP', count: 30, axes: { 6: 1 } }]);
    expect(() => trained([...home(1), ...skulls])).toThrow(/"Skull AP" cannot be a label/);
  });

  test.each([
    ['needs_review', '', 'none of needs_review'],
    ['s'.repeat(41), 'p'.repeat(24), 'at most 64'],
  ])('is refused where it is %s, with the prefix "%s"', (name, prefix, says) => {
    const skulls = films(1, [{ label: name, count: 30, axes: { 6: 1 } }]);
    const samples = [...home(1), ...skulls];
    expect(() => trained(samples, axesNetwork(), 1, prefix)).toThrow(says);
    expect(() => trained(samples, axesNetwork(), 1, prefix)).toThrow(name);
  });

  test('does not come of few patients under pseudonyms', () => {
    const few = calcaneus(20, 9);
    const pseudonyms = few.map((sample, i) => ({
      ...sample,
      picture: { ...sample.picture, id: `again ${i}`, patient: `p ${sample.picture.patient}` },
    }));
    expect(trained([...home(1), ...few, ...pseudonyms]).added).toEqual([]);
  });
});
