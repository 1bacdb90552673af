import type * as core from '@tensorflow/tfjs-core';
import { decide, otherClass } from '../classify/decide.js';
import { throughDense } from '../classify/graph/last-layer.js';
import type { Network, Thresholds } from '../classify/network.js';
import type { StartingNetwork } from '../classify/starting-network.js';
import { createError } from '../errors/errors.js';
import type { EvaluatedPicture } from '../evaluate/evaluate-pictures.js';
import { trueClass } from '../evaluate/ground-truth.js';
import { groupBy } from '../evaluate/statistics.js';
import { fewestOthers, scoresOf } from './calibrate.js';
import { crossValidate, fitAll, strengths, type TrainingSet } from './cross-validate.js';
import { distinctSamples } from './distinct.js';
import { changedHead, scaleOf } from './fit.js';
import { foldsOf } from './folds.js';
import { type Head, headOf, tempered, withNewOutputs } from './head.js';
import { type Enough, newOutputs } from './outputs.js';
import type { Sample } from './sample.js';
import { type Verdict, verdictOf } from './verdict.js';

const mostFolds = 5;
/** With less, nothing can be measured on patients that were left out. */
const fewest = { pictures: 10, patients: 5 };
/** Bounds of how much a picture counts for the sake of balance between the categories. */
const balance = { low: 0.3, high: 3 };

export interface Training {
  readonly head: Head;
  readonly thresholds: Thresholds;
  readonly strength: number;
  readonly temperature: number;
  readonly folds: number;
  /** Names of new outputs. */
  readonly added: readonly string[];
  /** Results of the network in use and of the candidate, out of fold, for the pictures that people labelled. */
  readonly results: readonly [EvaluatedPicture[], EvaluatedPicture[]];
  readonly verdict: Verdict;
  /** Labels that the network has no output for, and their pictures: left out of the training. */
  readonly leftOut: Readonly<Record<string, number>>;
  readonly used: {
    readonly person: number;
    readonly replay: number;
    readonly patients: number;
    /** Pictures that were left out because they repeat another one. */
    readonly repeated: number;
  };
}

export interface TrainingOptions {
  readonly enough: Enough;
  /** Stands before the categories in labels. */
  readonly labelPrefix: string;
  readonly seed: number;
  readonly onFit: () => void;
}

/** Number of calls of `onFit`. */
export const fitCount = mostFolds * strengths.length;

/**
 * Fits a new last layer to what people have said, and compares it with the old one on patients to which it was not fitted.
 * The same samples and seed give the same result.
 * @throws training_impossible
 */
export function train(
  tf: typeof core,
  { network, lastLayer }: Pick<StartingNetwork, 'network' | 'lastLayer'>,
  found: readonly Sample[],
  { enough, labelPrefix, seed, onFit }: TrainingOptions,
): Training {
  const { samples: all, repeated } = distinctSamples(found);
  const added = newOutputs(
    all.filter(({ from }) => from === 'person'),
    network.classes,
    enough,
    labelPrefix,
  );
  const old = headOf(lastLayer, network.classes);
  const start = withNewOutputs(old, added, otherClass);
  const { classes } = start;
  const targetOf = ({ picture }: Sample) => classes.indexOf(trueClass({ classes }, picture.label));
  const samples = all.filter((sample) => targetOf(sample) >= 0);
  const people = samples.filter(({ from }) => from === 'person');
  const patients = new Set(people.map(({ group }) => group)).size;
  if (people.length < fewest.pictures || patients < fewest.patients)
    throw createError('training_impossible', {
      problem: `it needs at least ${fewest.pictures} labelled pictures of ${fewest.patients} patients, and there are ${people.length} of ${patients}`,
    });
  const targets = samples.map(targetOf);
  const set: TrainingSet = {
    features: samples.map(({ features }) => features),
    targets,
    isSaid: samples.map(({ from }) => from === 'person'),
    weights: weightsOf(samples, targets),
    base: samples.map(({ features }) => logitsOf(start, features)),
    classes,
    scale: scaleOf(samples.map(({ features }) => features)),
  };
  const others = targets.filter((target) => classes[target] === otherClass).length;
  const folds = foldsOf(samples, Math.min(mostFolds, patients), seed);
  const checked = crossValidate(tf, set, folds, network.thresholds, others >= fewestOthers, onFit);
  const change = fitAll(tf, set, checked.strength);
  const head = tempered(changedHead(start, set.scale, change), checked.temperature);
  const before = people.map((sample) =>
    evaluatedAs(sample, scoresOf({ logits: Float64Array.from(logitsOf(old, sample.features)) }, 1), network),
  );
  const outOfFold = samples.flatMap((sample, i) => {
    const one = checked.outOfFold[i];
    if (one === undefined) return [];
    const { thresholds, temperature } = one;
    return [{ sample, result: evaluatedAs(sample, scoresOf(one, temperature), { classes, thresholds }) }];
  });
  const resultsFrom = (from: Sample['from']) =>
    outOfFold.filter(({ sample }) => sample.from === from).map(({ result }) => result);
  const replayed = resultsFrom('replay');
  const after = resultsFrom('person');
  const kept = replayed.filter(
    ({ best, picture }) => best.category === trueClass({ classes }, picture.label),
  );
  const isLeftOut = all.filter((sample) => targetOf(sample) < 0);
  return {
    head,
    thresholds: checked.thresholds,
    strength: checked.strength,
    temperature: checked.temperature,
    folds: new Set(folds).size,
    added,
    results: [before, after],
    verdict: verdictOf(
      before,
      after,
      { old: network, new: { classes } },
      { kept: { count: kept.length, of: replayed.length }, others },
    ),
    leftOut: Object.fromEntries(
      [...groupBy(isLeftOut, ({ picture }) => picture.label)].map(([label, some]) => [label, some.length]),
    ),
    used: { person: people.length, replay: samples.length - people.length, patients, repeated },
  };
}

const logitsOf = ({ inputs, classes, weights, bias }: Head, features: Float32Array): Float32Array =>
  throughDense({ inputs, outputs: classes.length, weights, bias, activation: 'linear' }, features);

function evaluatedAs(
  { picture }: Sample,
  scores: Float32Array,
  network: Pick<Network, 'classes' | 'thresholds'>,
): EvaluatedPicture {
  const { decision, top } = decide(scores, network, 3);
  return { picture, decision, top, best: top[0] ?? { category: otherClass, score: 0 } };
}

/** Rare categories count more, by the root of their rarity and within bounds. Replay is of all categories alike. */
function weightsOf(samples: readonly Sample[], targets: readonly number[]): number[] {
  const people = targets.filter((_, i) => samples[i]?.from === 'person');
  const byTarget = groupBy(people, (target) => target);
  const even = people.length / byTarget.size;
  return samples.map(({ from }, i) => {
    if (from === 'replay') return 1;
    const n = byTarget.get(targets[i] ?? -1)?.length ?? 1;
    return Math.min(Math.max(Math.sqrt(even / n), balance.low), balance.high);
  });
}
