import { otherClass } from '../classify/decide.js';
import type { Selection } from '../contract/selection.js';
import { networksDecision } from '../decisions/correction.js';
import { recordOf } from '../decisions/read.js';
import type { DecisionRecord, ShadowRecord } from '../decisions/schema.js';
import { outcomeOf, shadowOf } from '../decisions/shadow.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { select } from '../select/select.js';
import { type Comparison, comparisonOf } from './comparison.js';
import { labelOf } from './corrected-instances.js';
import type { EvaluatedPicture } from './evaluate-pictures.js';
import { counted, percent, pText } from './format.js';
import { groupBy, proportion } from './statistics.js';
import { comparisonText, table } from './terminal.js';

/** What a network and its shadow said of an instance that a person has decided. */
export interface ShadowedInstance {
  /** Orthanc's identifier. */
  readonly id: string;
  /** The person's category; any other text means none of them. */
  readonly label: string;
  readonly decided: DecisionRecord;
  readonly shadow: ShadowRecord;
}

/** A network and its shadow on the same pictures. */
interface ShadowPair {
  readonly network: DecisionRecord['network'];
  readonly shadow: ShadowRecord['network'];
  /** Instances of which both have an answer. */
  readonly pictures: number;
  /** Instances of which the shadow has none. */
  readonly failed: number;
  /** Where the shadow would have decided otherwise: each combination with its number, the most frequent first. */
  readonly partings: readonly { readonly network: string; readonly shadow: string; readonly n: number }[];
  /** Who was right. */
  readonly comparison: Comparison;
}

/** `--json` writes it unchanged. */
export interface ShadowReport {
  readonly version: 1;
  readonly data: string;
  /** Instances that a person has decided. */
  readonly decidedByPeople: number;
  readonly pairs: readonly ShadowPair[];
}

/**
 * Reads what was recorded of instances that people have decided. No network is loaded, and no picture is read.
 * @param onFound is told the number of instances that people have decided, page by page
 * @throws orthanc_…
 */
export async function shadowedInstances(
  orthanc: Orthanc,
  selection: Selection,
  modalities: readonly string[],
  onFound: (count: number) => void,
): Promise<ShadowedInstance[]> {
  const found: ShadowedInstance[] = [];
  for await (const page of select(orthanc, selection, modalities)) {
    let count = 0;
    for (const instance of page) {
      const label = labelOf(instance);
      const record = recordOf(instance)?.record;
      if (label === undefined || record === undefined) continue;
      count++;
      const shadow = shadowOf(record);
      if (shadow !== undefined)
        found.push({ id: instance.ID, label, decided: networksDecision(record), shadow });
    }
    onFound(count);
  }
  return found;
}

/** @param worst most examples on which exactly one is right */
export function shadowReportOf(
  instances: readonly ShadowedInstance[],
  { data, decidedByPeople, worst }: { data: string; decidedByPeople: number; worst: number },
): ShadowReport {
  const pairs = groupBy(
    instances,
    ({ decided, shadow }) => `${decided.network.sha256} ${shadow.network.sha256}`,
  );
  return {
    version: 1,
    data,
    decidedByPeople,
    pairs: [...pairs.values()].flatMap((group) => pairOf(group, worst) ?? []),
  };
}

function pairOf(group: readonly ShadowedInstance[], worst: number): ShadowPair | undefined {
  const [first] = group;
  if (first === undefined) return undefined;
  const answered = group.filter(({ shadow }) => shadow.decision !== 'failed');
  const parted = answered.filter(({ decided, shadow }) => outcomeOf(decided) !== outcomeOf(shadow));
  const partings = groupBy(parted, ({ decided, shadow }) => `${outcomeOf(decided)}\n${outcomeOf(shadow)}`);
  // The record does not say which categories a network has. A category that one of them lacks counts as wrong for it.
  const classes = [...new Set([...answered.map(({ label }) => label), otherClass])].sort();
  return {
    network: first.decided.network,
    shadow: first.shadow.network,
    pictures: answered.length,
    failed: group.length - answered.length,
    partings: [...partings.entries()]
      .map(([key, { length: n }]) => {
        const [network = '', shadow = ''] = key.split('\n');
        return { network, shadow, n };
      })
      .sort((a, b) => b.n - a.n || (a.network < b.network ? -1 : 1)),
    comparison: comparisonOf(
      answered.map((each) => evaluated(each, each.decided)),
      answered.map((each) => evaluated(each, each.shadow)),
      [{ classes }, { classes }],
      worst,
    ),
  };
}

const evaluated = (
  { id, label }: ShadowedInstance,
  { decision, top }: Pick<ShadowRecord, 'decision' | 'top'>,
): EvaluatedPicture => ({
  picture: { id, label },
  best: top[0] ?? { category: otherClass, score: 0 },
  top: top.slice(0, 3),
  decision: decision === 'failed' ? 'unknown_view' : decision,
});

/** For a terminal of 120 columns. */
export function shadowText({ data, decidedByPeople, pairs }: ShadowReport): string {
  return [
    table([
      ['data', data],
      ['decided by people', String(decidedByPeople)],
    ]),
    ...(pairs.length === 0 ? ['No decision of these has an answer of a shadow network beside it.'] : []),
    ...pairs.map(pairText),
    '! People look at what a network was unsure of or wrong about, and see what it said, but not what the shadow said: the figures favour the network.',
  ].join('\n\n');
}

function pairText({ network, shadow, pictures, failed, partings, comparison }: ShadowPair): string {
  const parted = proportion(
    partings.reduce((sum, { n }) => sum + n, 0),
    pictures,
  );
  const { onlyFirst, onlySecond, mcnemar } = comparison.best;
  return [
    table([
      ['network', `${network.name}, SHA-256 ${network.sha256}`],
      ['shadow', `${shadow.name}, SHA-256 ${shadow.sha256}`],
      ['pictures', `${pictures}, and ${failed} to which the shadow gave no answer`],
      ['it would have decided otherwise', `${counted(parted)}, ${percent(parted.share)} %`],
      ['only one of them right', `network ${onlyFirst}, shadow ${onlySecond}, p ${pText(mcnemar.exact)}`],
    ]),
    ...(partings.length === 0
      ? []
      : [
          'Where they part',
          table(
            partings
              .slice(0, 12)
              .map(({ network: one, shadow: other, n }) => [`  ${n}`, `${one} → ${other}`]),
          ),
        ]),
    comparisonText(comparison, [network.name, `${shadow.name} (shadow)`]),
    ...(comparison.splits.length === 0
      ? []
      : [
          'Examples on which one of them is right',
          table([
            ['  instance', 'people', 'network', 'shadow'],
            ...comparison.splits.map(({ first, second }) => [
              `  ${first.picture.id}`,
              first.picture.label,
              first.best.category,
              second.best.category,
            ]),
          ]),
        ]),
  ].join('\n');
}
