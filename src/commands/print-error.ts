import { asPlainviewError, type PlainviewError } from '../errors/errors.js';

/** Says on standard error what went wrong; of a fault of Plainview's own, also the cause. */
export function printError(caught: unknown): PlainviewError {
  const error = asPlainviewError(caught);
  console.error(error.message);
  if (error.code === 'internal') console.error(error.cause);
  return error;
}
