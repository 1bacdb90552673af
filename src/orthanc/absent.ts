import { createError, PlainviewError } from '../errors/errors.js';
import type { InstanceId } from './ids.js';

const isAbsent = (error: unknown): error is PlainviewError =>
  error instanceof PlainviewError && error.code === 'orthanc_absent';

/** For `catch`: what stands for a resource that Orthanc does not have (HTTP 404); every other error goes on. */
export const ifAbsent =
  <T>(value: T) =>
  (error: unknown): T => {
    if (isAbsent(error)) return value;
    throw error;
  };

/** For `catch`: an instance that Orthanc does not have is one that has been deleted. @throws instance_gone */
export const goneIfAbsent =
  (instance: InstanceId) =>
  (error: unknown): never => {
    throw isAbsent(error) ? createError('instance_gone', { instance }, error) : error;
  };
