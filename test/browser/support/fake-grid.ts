import { shownCategory } from '../../../src/decisions/correction.js';
import type { ConfirmationResults, Grid } from '../../../src/review/api/grid-schema.js';
import type { Entry } from '../../../src/review/api/schema.js';

const pictureOf = ({ instance, picture = `file of ${instance}` }: Entry): string => picture;

/** What can be confirmed together, as the service tells it. */
export function gridOf(entries: readonly Entry[], query: URLSearchParams): Grid {
  const all = entries.filter(
    ({ who, decision }) => who === 'network' && decision === (query.get('state') ?? 'needs_review'),
  );
  const counts = new Map<string, number>();
  for (const entry of all) {
    const name = shownCategory(entry);
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const categories = [...counts]
    .map(([category, count]) => ({ category, count }))
    .sort((one, other) => other.count - one.count);
  const category = query.get('category') ?? categories[0]?.category;
  const pictures = all
    .filter((entry) => shownCategory(entry) === category)
    .map((entry) => ({
      instance: entry.instance,
      of: entry.when,
      picture: pictureOf(entry),
      score: entry.top[0]?.score ?? 0,
      differs: entry.order?.answer === 'differs',
    }))
    .sort((one, other) => one.score - other.score)
    .slice(0, Number(query.get('limit')));
  return { ...(category === undefined ? {} : { category }), pictures, categories };
}

type Seen = readonly { instance: string; of: string; picture?: string }[];
const refused = (instance: string): ConfirmationResults['results'][number] => ({
  instance,
  outcome: 'refused',
  problem: { code: 'decision_changed', title: 'The decision changed after you read it.' },
});

/** @param entries the decided ones take the place of the others */
export function confirmTogether(
  entries: Entry[],
  pictures: Seen,
  byPerson: (entry: Entry) => Entry,
): ConfirmationResults {
  const results = pictures.map(({ instance, of, picture }) => {
    const at = entries.findIndex((each) => each.instance === instance);
    const entry = entries[at];
    if (entry === undefined || entry.when !== of || pictureOf(entry) !== picture) return refused(instance);
    const open = entry.order?.answer === 'differs' ? ['order_mismatch'] : [];
    entries[at] = { ...byPerson(entry), open };
    return { instance, outcome: 'done' as const, open };
  });
  return { results };
}

/** @param before what a person's decision took the place of */
export function undoTogether(
  entries: Entry[],
  pictures: Seen,
  before: ReadonlyMap<string, Entry>,
): ConfirmationResults {
  const results = pictures.map(({ instance, of }) => {
    const at = entries.findIndex((each) => each.instance === instance);
    const [entry, network] = [entries[at], before.get(instance)];
    const isOurs = entry?.person?.action === 'confirm' && network?.when === of;
    if (entry?.when !== of && !isOurs) return refused(instance);
    if (network !== undefined) entries[at] = network;
    return { instance, outcome: 'done' as const };
  });
  return { results };
}
