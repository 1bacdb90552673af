import type { Classifier } from '../classify/classifier.js';
import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import { type Comparison, comparisonOf } from './comparison.js';
import type { EvaluatedPicture, EvaluationRun } from './evaluate-pictures.js';
import { type Figures, figuresOf } from './figures.js';
import { type GroundTruth, trueClass } from './ground-truth.js';

/** With fewer pictures than this, the figures of a category are hardly reliable. */
const fewPictures = 20;

export interface Evaluation {
  readonly network: Omit<Network, 'classes'> & { readonly classes: number };
  readonly engine: string;
  readonly figures: Figures;
  /** Wrong results: first those with a category given at the thresholds, then by score. */
  readonly worst: readonly EvaluatedPicture[];
  /** What a reader of the figures must know. */
  readonly warnings: readonly string[];
}

/** The result of an evaluation. `--json` writes it unchanged, and the other outputs show parts of it. */
export interface Report {
  readonly version: 1;
  readonly plainview: string;
  /** ISO 8601, UTC. */
  readonly when: string;
  readonly data: {
    readonly name: string;
    readonly sha256?: string;
    /** Column or attribute by which figures are grouped. */
    readonly by?: string;
    readonly pictures: number;
    /** Number of patients, where the data identify them. */
    readonly patients?: number;
    readonly unread: readonly { readonly id: string; readonly code: string; readonly message: string }[];
    readonly warnings: readonly string[];
  };
  /** One for each network, in the given order. */
  readonly evaluations: readonly Evaluation[];
  /** The first two networks compared. */
  readonly comparison?: Comparison;
}

export interface ReportOptions {
  readonly truth: GroundTruth;
  readonly run: EvaluationRun;
  readonly classifiers: readonly Pick<Classifier, 'network' | 'engine'>[];
  readonly plainview: string;
  readonly when: Date;
  readonly by: string | undefined;
  /** Most errors in `worst` and `splits`. */
  readonly worst: number;
}

export function reportOf({ truth, run, classifiers, plainview, when, by, worst }: ReportOptions): Report {
  const patients = new Set(truth.pictures.map(({ patient }) => patient).filter((id) => id !== undefined));
  const unread = run.unread.map(({ picture, error }) => ({
    id: picture.id,
    code: error.code,
    message: error.message,
  }));
  const [first, second] = classifiers;
  const comparison =
    first === undefined || second === undefined
      ? undefined
      : comparisonOf(run.results[0] ?? [], run.results[1] ?? [], [first.network, second.network], worst);
  return {
    version: 1,
    plainview,
    when: when.toISOString(),
    data: {
      name: truth.name,
      ...(truth.sha256 === undefined ? {} : { sha256: truth.sha256 }),
      ...(by === undefined ? {} : { by }),
      pictures: truth.pictures.length,
      ...(patients.size === 0 ? {} : { patients: patients.size }),
      unread,
      warnings: dataWarnings(truth, patients.size, run),
    },
    evaluations: classifiers.map(({ network, engine }, i) => {
      const evaluated = run.results[i] ?? [];
      const figures = figuresOf(evaluated, network);
      return {
        network: { ...network, classes: network.classes.length },
        engine: engine.engine,
        figures,
        worst: worstOf(evaluated, network, worst),
        warnings: warningsOf(network, figures),
      };
    }),
    ...(comparison === undefined ? {} : { comparison }),
  };
}

/** Errors: another category than the label, or any category given to an `other` picture. */
function worstOf(
  evaluated: readonly EvaluatedPicture[],
  network: Network,
  count: number,
): EvaluatedPicture[] {
  const isHarmful = ({ decision }: EvaluatedPicture) => decision === 'category';
  return evaluated
    .filter((one) => {
      const truth = trueClass(network, one.picture.label);
      return one.best.category !== truth && (truth !== otherClass || isHarmful(one));
    })
    .sort((a, b) => Number(isHarmful(b)) - Number(isHarmful(a)) || b.best.score - a.best.score)
    .slice(0, count);
}

function dataWarnings(truth: GroundTruth, patients: number, { unread, beyond = 0 }: EvaluationRun): string[] {
  const { length } = truth.pictures;
  const warnings = [
    'The figures are an estimate for other pictures only if the network was never trained on these pictures, nor on others of these patients.',
    ...truth.warnings,
  ];
  if (patients > 0 && patients < length)
    warnings.push(
      `${length} pictures are of ${patients} patients: the intervals take pictures as independent, so they are somewhat too narrow.`,
    );
  if (beyond > 0)
    warnings.push(
      `${beyond} of ${length} pictures are of a format that label_image.py does not read (DICOM, TIFF, WebP, BMP).`,
    );
  if (unread.length > 0)
    warnings.push(`${unread.length} of ${length} pictures could not be read and are in none of the figures.`);
  return warnings;
}

function warningsOf({ purpose, note }: Network, { categories, foreignLabels }: Figures): string[] {
  const warnings = purpose === 'research' ? [`The network is for evaluation and research only.`] : [];
  if (note !== undefined) warnings.push(`Its makers say: ${note}`);
  const foreign = Object.entries(foreignLabels).map(([label, n]) => `${label} (${n})`);
  if (foreign.length > 0)
    warnings.push(
      `Labels that are no category of this network were counted as ${otherClass}, none of the categories: ${foreign.join(', ')}. Where they are other names of categories, map them with --map.`,
    );
  const few = categories
    .filter(({ n }) => n > 0 && n < fewPictures)
    .map(({ category, n }) => `${category} (${n})`);
  if (few.length > 0)
    warnings.push(`Fewer than ${fewPictures} pictures, so go by the intervals: ${few.join(', ')}.`);
  const none = categories.filter(({ n }) => n === 0).map(({ category }) => category);
  if (none.length > 0) warnings.push(`No pictures at all: ${none.join(', ')}.`);
  return warnings;
}
