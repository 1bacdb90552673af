import { classifyErrors } from './classify.js';
import { hangingErrors } from './hanging.js';
import { httpErrors } from './http.js';
import { orthancErrors } from './orthanc.js';
import { routeErrors } from './route.js';
import { runningErrors } from './running.js';

/** Every error that Plainview can report. Each room's stand in `errors/`. */
const catalogue = {
  ...orthancErrors,
  ...classifyErrors,
  ...hangingErrors,
  ...httpErrors,
  ...routeErrors,
  ...runningErrors,
};

type Catalogue = typeof catalogue;
export type ErrorCode = keyof Catalogue;

export class PlainviewError extends Error {
  override readonly name = 'PlainviewError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** May mend itself: worth another try. */
    readonly transient: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Builds an error of the catalogue. `cause` is what was caught, kept for the log. */
export function createError<C extends ErrorCode>(
  code: C,
  params: Parameters<Catalogue[C]['message']>[0],
  cause?: unknown,
): PlainviewError {
  const entry = catalogue[code];
  // Each entry's `message` takes its own parameters, which the signature above has tied to `code`.
  const message = entry.message as (p: typeof params) => string;
  return new PlainviewError(
    code,
    message(params),
    entry.transient,
    cause === undefined ? undefined : { cause },
  );
}

/** It looks as if Orthanc as a whole were away or refused us, whatever was asked. */
export const isAway = (error: PlainviewError): boolean =>
  error.code === 'orthanc_unreachable' || error.code === 'orthanc_refused';

/** What was caught, as an error of the catalogue: anything foreign is a fault of ours. */
export const asPlainviewError = (caught: unknown): PlainviewError =>
  caught instanceof PlainviewError ? caught : createError('internal', {}, caught);
