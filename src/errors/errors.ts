import { inspect } from 'node:util';
import { type Catalogue, catalogue, type ErrorCode } from './catalogue.js';
import type { ErrorEntry } from './entry.js';

export { codesOfJobs, type ErrorCode } from './catalogue.js';

/** By the names that the catalogue's entry uses. */
export type ErrorParams = Readonly<Record<string, unknown>>;

/** An error of the catalogue. `cause` is what was caught, for the log. */
export class PlainviewError extends Error {
  override readonly name = 'PlainviewError';
  /** An own property, so that the log shows it. */
  readonly transient: boolean;
  readonly #params: ErrorParams;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ErrorOptions & { params?: ErrorParams | undefined } = {},
  ) {
    super(message, options);
    this.transient = catalogue[code].transient;
    this.#params = options.params ?? {};
  }

  /** What the message is about, for a sentence in another language. Not in the log, which has the message. */
  get params(): ErrorParams {
    return this.#params;
  }

  /** HTTP status of the service's answer. */
  get status(): ErrorEntry['status'] {
    return catalogue[this.code].status;
  }

  /** Exit status of the command line. */
  get exit(): ErrorEntry['exit'] {
    return catalogue[this.code].exit;
  }
}

/** Builds an error of the catalogue. `cause` is what was caught. */
export function createError<C extends ErrorCode>(
  code: C,
  params: Parameters<Catalogue[C]['message']>[0],
  cause?: unknown,
): PlainviewError {
  // Each entry's `message` takes its own parameters, which the signature above has tied to `code`.
  const message = catalogue[code].message as (p: typeof params) => string;
  return new PlainviewError(code, message(params), {
    params: { ...params },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What is told of an error outside of the process: in metadata, and where an answer names it. */
export interface ErrorDetail {
  code: string;
  message: string;
  params?: ErrorParams | undefined;
}

export const detailOf = ({ code, message, params }: PlainviewError): ErrorDetail => ({
  code,
  message,
  ...(Object.keys(params).length === 0 ? {} : { params }),
});

/** What was caught, as an error of the catalogue. Anything unknown is a fault of Plainview. */
export const asPlainviewError = (caught: unknown): PlainviewError =>
  caught instanceof PlainviewError ? caught : createError('internal', {}, caught);

export const hasCode = (caught: unknown, code: ErrorCode): boolean =>
  caught instanceof PlainviewError && caught.code === code;

/** What a terminal shows of an error. A command has no log, so a fault of Plainview is shown with its cause. */
export function terminalMessage(caught: unknown): string {
  const error = asPlainviewError(caught);
  return error.code === 'internal' ? `${error.message}\n${inspect(error.cause)}` : error.message;
}
