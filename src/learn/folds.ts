import { createHash } from 'node:crypto';
import { groupBy } from '../evaluate/statistics.js';
import type { GroupedSample } from './distinct.js';

type Grouped = Pick<GroupedSample, 'picture' | 'group'>;

/** An order that only the seed and the names determine. */
export const shuffled = <T>(items: readonly T[], nameOf: (item: T) => string, seed: number): T[] =>
  items
    .map((item) => ({
      item,
      key: createHash('sha256')
        .update(`${seed} ${nameOf(item)}`)
        .digest('hex'),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item);

/**
 * The fold of each sample. No group of patients is in two folds, and each label is spread evenly: groups with the rarest label
 * come first, each into the fold that has the fewest pictures of that label, then the fewest pictures.
 */
export function foldsOf(samples: readonly Grouped[], count: number, seed: number): number[] {
  const byLabel = groupBy(samples, ({ picture }) => picture.label);
  const frequency = (label: string) => byLabel.get(label)?.length ?? 0;
  const groups = shuffled([...groupBy(samples, ({ group }) => group)], ([group]) => group, seed)
    .map(([group, members]) => {
      const [rarest = ''] = members
        .map(({ picture }) => picture.label)
        .sort((a, b) => frequency(a) - frequency(b) || (a < b ? -1 : 1));
      return { group, members, rarest };
    })
    .sort((a, b) => frequency(a.rarest) - frequency(b.rarest) || b.members.length - a.members.length);
  const folds = Array.from({ length: count }, (_, fold) => ({
    fold,
    size: 0,
    labels: new Map<string, number>(),
  }));
  const foldOf = new Map<string, number>();
  for (const { group, members, rarest } of groups) {
    const [least] = folds.toSorted(
      (a, b) => (a.labels.get(rarest) ?? 0) - (b.labels.get(rarest) ?? 0) || a.size - b.size,
    );
    if (least === undefined) break;
    foldOf.set(group, least.fold);
    least.size += members.length;
    for (const { picture } of members)
      least.labels.set(picture.label, (least.labels.get(picture.label) ?? 0) + 1);
  }
  return samples.map(({ group }) => foldOf.get(group) ?? 0);
}
