import type { InstanceRecord } from '../decisions/schema.js';
import { catalogue, type ErrorCode } from '../errors/catalogue.js';

/** What Orthanc answers of an unreadable picture, and also of any picture while it has lost its database. */
const doubtful: ReadonlySet<string> = new Set<ErrorCode>([
  'instance_not_renderable',
  'orthanc_unsupported',
  'orthanc_rejected',
  'picture_undecodable',
]);

/** Whether an error is a verdict on the picture only if Orthanc gives it twice. */
export const isDoubtful = (code: string): boolean => doubtful.has(code);

/** Whether the cause of a failure may lie outside of the picture, and nothing has tried it again since. */
export function isWorthAnotherTry({ decision, failure }: InstanceRecord): boolean {
  if (decision !== 'failed' || failure === undefined || failure.isFinal === true) return false;
  return isDoubtful(failure.code) || (isCode(failure.code) && catalogue[failure.code].transient);
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(catalogue, code);
