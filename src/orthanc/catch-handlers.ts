import { createError, PlainviewError } from '../errors/errors.js';
import type { InstanceId } from './ids.js';

const isAbsent = (error: unknown): error is PlainviewError =>
  error instanceof PlainviewError && error.code === 'orthanc_absent';

/** For `catch`: gives this value where Orthanc does not have the resource (HTTP 404), and rethrows other errors. */
export const ifAbsent =
  <T>(value: T) =>
  (error: unknown): T => {
    if (isAbsent(error)) return value;
    throw error;
  };

/** For `catch`. @throws instance_gone where Orthanc does not have the instance (HTTP 404), else the caught error */
export const goneIfAbsent =
  (instance: InstanceId) =>
  (error: unknown): never => {
    throw isAbsent(error) ? createError('instance_gone', { instance }, error) : error;
  };

/** For `catch` of a rendering. @throws instance_gone, instance_not_renderable, else the caught error */
export const notRendered =
  (id: InstanceId) =>
  (error: unknown): never => {
    if (error instanceof PlainviewError && error.code === 'orthanc_unsupported')
      throw createError('instance_not_renderable', { why: 'HTTP 415' }, error);
    return goneIfAbsent(id)(error);
  };

/** For `catch`: the value that stands for a picture that Orthanc cannot decode. Other errors go on. */
export const ifNotRenderable =
  <T>(value: T) =>
  (error: unknown): T => {
    if (error instanceof PlainviewError && error.code === 'instance_not_renderable') return value;
    throw error;
  };

/** For `catch`: the value that stands for what Orthanc must not be asked for again. Other errors go on. */
export const ifToppled =
  <T>(value: T) =>
  (error: unknown): T => {
    if (error instanceof PlainviewError && error.code === 'orthanc_toppled') return value;
    throw error;
  };

/** For `catch`: the value that stands for what Orthanc cannot give of this file. Other errors go on. */
export const ifRejected =
  <T>(value: T) =>
  (error: unknown): T => {
    if (error instanceof PlainviewError && ['orthanc_rejected', 'orthanc_unsupported'].includes(error.code))
      return value;
    throw error;
  };
