import { pMapIterable } from 'p-map';
import type { Classifier } from '../classify/classifier.js';
import { type Decision, decide, otherClass, type ScoredCategory } from '../classify/decide.js';
import { asPlainviewError, type PlainviewError } from '../errors/errors.js';
import type { GroundTruth, LabelledPicture } from './ground-truth.js';

/** What a network said of a picture. Nothing else of the picture is kept, so memory stays small. */
export interface EvaluatedPicture {
  readonly picture: LabelledPicture;
  readonly best: ScoredCategory;
  /** The best three, best first. */
  readonly top: readonly ScoredCategory[];
  readonly decision: Decision['decision'];
}

export interface UnreadPicture {
  readonly picture: LabelledPicture;
  readonly error: PlainviewError;
}

export interface EvaluationRun {
  /** For each classifier, what it said, in the pictures' order; all of them saw the same pictures. */
  readonly results: readonly EvaluatedPicture[][];
  readonly unread: readonly UnreadPicture[];
}

/** What the network says if it must name a category: the best class that is not `other`. */
export const forcedChoice = ({ top }: Pick<EvaluatedPicture, 'top'>): string | undefined =>
  top.find(({ category }) => category !== otherClass)?.category;

/**
 * Shows every picture to every classifier. A picture that cannot be read or classified stops no other, and counts
 * for none of the classifiers.
 * @param concurrency how many pictures are in memory at a time
 */
export async function evaluatePictures(
  truth: GroundTruth,
  classifiers: readonly Classifier[],
  concurrency: number,
  onPicture: () => void,
): Promise<EvaluationRun> {
  const results: EvaluatedPicture[][] = classifiers.map(() => []);
  const unread: UnreadPicture[] = [];
  const show = async (picture: LabelledPicture): Promise<EvaluatedPicture[] | UnreadPicture> => {
    try {
      const file = await truth.read(picture);
      // Each classifier takes the memory that it is given.
      return await Promise.all(
        classifiers.map(async (classifier) => classifyPicture(picture, classifier, Buffer.from(file))),
      );
    } catch (error) {
      return { picture, error: asPlainviewError(error) };
    }
  };
  const answers = pMapIterable(truth.pictures, show, { concurrency });
  for await (const answer of answers) {
    onPicture();
    if ('error' in answer) unread.push(answer);
    else for (const [i, one] of answer.entries()) results[i]?.push(one);
  }
  return { results, unread };
}

async function classifyPicture(
  picture: LabelledPicture,
  { classify, network }: Classifier,
  file: Buffer,
): Promise<EvaluatedPicture> {
  const { scores } = await classify(file);
  const { decision, top } = decide(scores, network, 3);
  return { picture, decision, top, best: top[0] ?? { category: otherClass, score: 0 } };
}
