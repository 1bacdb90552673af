import { z } from 'zod';
import type { InstanceId } from '../orthanc/ids.js';
import { evidence, isChange, observed, strongest } from './detector.js';
import {
  addPicture,
  addVerdict,
  latest,
  noPast,
  past,
  type Seen,
  type Signal,
  type SignalName,
  signalName,
  signalsOf,
  verdictSignal,
} from './past.js';

/** Instances that are kept of each signal, the latest first. */
const mostExamples = 5;
/** Latest pictures of which the share is told. */
const shown = 50;

const change = z.object({
  /** ISO 8601 */
  when: z.string(),
  /** The share that was taken to be the past one, and that of the latest pictures. */
  before: z.number(),
  now: z.number(),
  examples: z.array(z.string()),
  /** Whether the webhook has it. */
  told: z.boolean(),
});

const group = z.object({
  past,
  evidence: z.partialRecord(signalName, evidence),
  examples: z.partialRecord(signalName, z.array(z.string())),
  changes: z.partialRecord(signalName, change),
});
type Group = z.output<typeof group>;

const newGroup = (): Group => ({ past: noPast(), evidence: {}, examples: {}, changes: {} });

/** What is kept of one station: of all its pictures, and of each category that the network saw first. */
export const stationDocument = z.object({
  version: z.literal(1),
  station: z.string(),
  /** SHA-256: another network has no past. */
  network: z.string(),
  all: group,
  categories: z.record(z.string(), group),
});
export type StationDocument = z.output<typeof stationDocument>;

export const newStation = (station: string, network: string): StationDocument => ({
  version: 1,
  station,
  network,
  all: newGroup(),
  categories: {},
});

export interface Change extends z.output<typeof change> {
  station: string;
  /** Absent where it is one of all pictures of the station. */
  category?: string;
  signal: SignalName;
}

/** A picture, or a person's verdict on one. */
export interface Observation {
  instance: InstanceId;
  /** What the network took it for. */
  category: string;
  when: string;
  what: Seen | { isCorrected: boolean };
}

/** @returns the changes that this observation shows, in the station as a whole and in the category */
export function observe(of: StationDocument, { instance, category, when, what }: Observation): Change[] {
  // A network's categories may have any name.
  const own = (Object.hasOwn(of.categories, category) ? of.categories[category] : undefined) ?? newGroup();
  of.categories[category] = own;
  return [of.all, own].flatMap((each) => {
    const signals =
      'isCorrected' in what ? verdictSignal(each.past, what.isCorrected) : signalsOf(each.past, what);
    const found = signals.flatMap((signal) => test(each, signal, instance, when));
    if ('isCorrected' in what) addVerdict(each.past, what.isCorrected);
    else addPicture(each.past, what);
    const named = each === own ? { category } : {};
    return found.map((one) => ({ ...one, ...named, station: of.station }));
  });
}

function test(
  of: Group,
  { name, observed: all }: Signal,
  instance: InstanceId,
  when: string,
): Omit<Change, 'station'>[] {
  if (all[0]?.isYes) of.examples[name] = [instance, ...(of.examples[name] ?? [])].slice(0, mostExamples);
  if (of.changes[name] !== undefined) return [];
  const next = observed(of.evidence[name] ?? [], all);
  of.evidence[name] = next;
  if (!isChange(next)) return [];
  const which = strongest(next);
  const found = {
    when,
    before: all[which]?.past ?? 0,
    now: shareNow(of, name, which, all[which]?.isYes === true),
    examples: of.examples[name] ?? [],
    told: false,
  };
  of.changes[name] = found;
  of.evidence[name] = [];
  return [{ ...found, signal: name }];
}

/** The share among the latest ones, this one included. @param which of the observations that are made of a picture */
function shareNow({ past: of }: Group, name: SignalName, which: number, isYes: boolean): number {
  const before: (boolean | undefined)[] =
    name === 'corrected'
      ? of.recentVerdicts.slice(1 - shown)
      : latest(of, shown - 1).map(
          (seen) => signalsOf(of, seen).find((signal) => signal.name === name)?.observed[which]?.isYes,
        );
  return [...before, isYes].filter(Boolean).length / (before.length + 1);
}

/** The changes that nobody has accepted. */
export function changesOf({ station, all, categories }: StationDocument): Change[] {
  const listed = ({ changes }: Group, category?: string): Change[] =>
    signalName.options.flatMap((signal) => {
      const known = changes[signal];
      return known === undefined
        ? []
        : [{ ...known, station, signal, ...(category === undefined ? {} : { category }) }];
    });
  return [...listed(all), ...Object.entries(categories).flatMap(([name, of]) => listed(of, name))];
}

export function markTold(
  of: StationDocument,
  { category, signal }: Pick<Change, 'category' | 'signal'>,
): void {
  const known = (category === undefined ? of.all : of.categories[category])?.changes[signal];
  if (known !== undefined) known.told = true;
}
