import { pMapIterable } from 'p-map';
import type { Classifier } from '../classify/classifier.js';
import { type Decision, decideOn, otherClass, type ScoredCategory } from '../classify/decide.js';
import { formatOf } from '../classify/prepare/decode.js';
import { asPlainviewError, type PlainviewError } from '../errors/errors.js';
import type { GroundTruth, LabelledPicture } from './ground-truth.js';

/** The result of a network for a picture. The pixels are not kept, so memory stays small. */
export interface EvaluatedPicture {
  readonly picture: LabelledPicture;
  readonly best: ScoredCategory;
  /** The best three classes, best first. */
  readonly top: readonly ScoredCategory[];
  readonly decision: Decision['decision'];
}

export interface UnreadPicture {
  readonly picture: LabelledPicture;
  readonly error: PlainviewError;
}

export interface EvaluationRun {
  /** For each classifier, its results in the order of the pictures. All have results for the same pictures. */
  readonly results: readonly EvaluatedPicture[][];
  readonly unread: readonly UnreadPicture[];
  /** How many of the pictures are of a format that NNCPR's `label_image.py` does not read. */
  readonly beyond?: number;
}

/** The best class that is not `other`. */
export const forcedChoice = ({ top }: Pick<EvaluatedPicture, 'top'>): string | undefined =>
  top.find(({ category }) => category !== otherClass)?.category;

/**
 * Classifies every picture by every classifier. A picture that cannot be read or classified has no result of any
 * classifier, and does not stop the others.
 * @param concurrency most pictures in memory at a time
 * @param onPicture called after each picture
 */
export async function evaluatePictures(
  truth: GroundTruth,
  classifiers: readonly Classifier[],
  concurrency: number,
  onPicture: () => void,
): Promise<EvaluationRun> {
  const results: EvaluatedPicture[][] = classifiers.map(() => []);
  const unread: UnreadPicture[] = [];
  let beyond = 0;
  const evaluate = async (picture: LabelledPicture): Promise<EvaluatedPicture[] | UnreadPicture> => {
    try {
      const file = await truth.read(picture);
      const result = await Promise.all(
        classifiers.map(async (classifier) => classifyPicture(picture, classifier, file)),
      );
      if (formatOf(file)?.isOriginal === false) beyond++;
      return result;
    } catch (error) {
      return { picture, error: asPlainviewError(error) };
    }
  };
  const outcomes = pMapIterable(truth.pictures, evaluate, { concurrency });
  for await (const outcome of outcomes) {
    onPicture();
    if ('error' in outcome) unread.push(outcome);
    else for (const [i, one] of outcome.entries()) results[i]?.push(one);
  }
  return { results, unread, beyond };
}

async function classifyPicture(
  picture: LabelledPicture,
  { classify }: Classifier,
  file: Buffer,
): Promise<EvaluatedPicture> {
  const { decision, top } = decideOn(await classify(file), 3);
  return { picture, decision, top, best: top[0] ?? { category: otherClass, score: 0 } };
}
