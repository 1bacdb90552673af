import type { Classified } from '../classify/classifier.js';
import { answersOf, decideOn, type ScoredCategory } from '../classify/decide.js';
import type { formatOf } from '../classify/prepare/decode.js';
import { type PlainviewError, terminalMessage } from '../errors/errors.js';

export type LabelledFile = { readonly path: string } & (
  | { readonly classification: Classified; readonly format: ReturnType<typeof formatOf> }
  | { readonly error: PlainviewError }
);

export interface LineOptions {
  readonly json: boolean;
  /** The number of best categories to show; undefined: one in text, five in JSON. */
  readonly top: number | undefined;
}

/** The output for one picture, and its stream. */
export interface Lines {
  readonly to: 'stdout' | 'stderr';
  readonly text: string;
}

export function linesOf(labelled: LabelledFile, options: LineOptions): Lines {
  const { path } = labelled;
  if ('error' in labelled) {
    const { code, message } = labelled.error;
    return options.json
      ? { to: 'stdout', text: `${JSON.stringify({ path, error: { code, message } })}\n` }
      : { to: 'stderr', text: `${path}: ${terminalMessage(labelled.error)}\n` };
  }
  const { network, seconds, orientation, side } = labelled.classification;
  const count = options.top ?? (options.json ? 5 : 1);
  const { decision, top } = decideOn(labelled.classification, count);
  if (!options.json)
    return { to: 'stdout', text: top.map((best) => textLine(path, best, seconds.infer)).join('') };
  const object = {
    path,
    category: top[0]?.category,
    score: top[0]?.score,
    decision,
    top,
    orientation,
    side,
    network: {
      name: network.name,
      sha256: network.sha256,
      purpose: network.purpose,
      precision: network.precision,
    },
    cascade: answersOf(labelled.classification, count),
    seconds: seconds.infer,
    // A format that `label_image.py` does not read.
    ...(isBeyond(labelled) ? { format: labelled.format?.name } : {}),
  };
  return { to: 'stdout', text: `${JSON.stringify(object)}\n` };
}

/** Whether NNCPR's `label_image.py` does not read this file, so that its score has no counterpart there. */
export const isBeyond = (labelled: LabelledFile): boolean =>
  'classification' in labelled && labelled.format?.isOriginal === false;

/** The same line as NNCPR's `label_image.py` prints, with its spaces around the tabs. */
const textLine = (path: string, { category, score }: ScoredCategory, seconds: number) =>
  `${path} \t ${category} \t ${score.toFixed(5)} \t ${seconds.toFixed(2)}s\n`;
