import { createError, hasCode, PlainviewError } from '../errors/errors.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

const isAbsent = (error: unknown): error is PlainviewError => hasCode(error, 'orthanc_absent');

/** For `catch`: gives this value where Orthanc does not have the resource (HTTP 404), and rethrows other errors. */
export const ifAbsent =
  <T>(value: T) =>
  (error: unknown): T => {
    if (isAbsent(error)) return value;
    throw error;
  };

/** For `catch` of a rendering. @throws instance_not_renderable, else the caught error */
export const notRendered = (error: unknown): never => {
  if (hasCode(error, 'orthanc_unsupported'))
    throw createError('instance_not_renderable', { why: 'HTTP 415' }, error);
  if (isAbsent(error)) throw createError('instance_not_renderable', { why: 'HTTP 404' }, error);
  throw error;
};

/** For `catch`: the value that stands for a picture that Orthanc cannot decode. Other errors go on. */
export const ifNotRenderable =
  <T>(value: T) =>
  (error: unknown): T => {
    if (hasCode(error, 'instance_not_renderable')) return value;
    throw error;
  };

/** For `catch`: the value that stands for what Orthanc must not be asked for again. Other errors go on. */
export const ifToppled =
  <T>(value: T) =>
  (error: unknown): T => {
    if (hasCode(error, 'orthanc_toppled')) return value;
    throw error;
  };

/** For `catch`: the value that stands for what Orthanc cannot give of this file. Other errors go on. */
export const ifRejected =
  <T>(value: T) =>
  (error: unknown): T => {
    if (
      error instanceof PlainviewError &&
      ['orthanc_rejected', 'orthanc_unsupported', 'orthanc_absent'].includes(error.code)
    )
      return value;
    throw error;
  };

/**
 * For `catch` of a call about what is below an instance. Orthanc answers HTTP 404 where the instance is deleted, and also
 * where it cannot give only this: so it is asked for the instance itself.
 * @throws instance_gone, else the caught error
 */
export const goneIfAbsent =
  (transport: Transport, instance: InstanceId) =>
  async (error: unknown): Promise<never> => {
    if (isAbsent(error))
      await transport.call({ method: 'GET', url: `/instances/${instance}` }).catch((second: unknown) => {
        throw isAbsent(second) ? createError('instance_gone', { instance }, error) : second;
      });
    throw error;
  };
