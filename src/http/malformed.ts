import type { z } from 'zod';
import { createError, type PlainviewError } from '../errors/errors.js';

/** For `safeParse`, so that what is missing can be told from what is wrong. */
export const withInput = { reportInput: true } as const;

/**
 * What is wrong with a request, field by field, and what it must be. What was given stays out of it: it may be
 * anything, a patient's name too.
 * @param where `body`, `path`, `query`
 */
export function requestMalformed({ issues }: z.ZodError, where: string): PlainviewError {
  const problems = issues.map((issue) => {
    const what = [where, ...issue.path].join('.');
    if (issue.code === 'unrecognized_keys') return `${what} has fields that are not known`;
    return issue.input === undefined ? `${what} is missing` : `${what}: ${issue.message}`;
  });
  return createError('request_malformed', { problem: [...new Set(problems)].join('; ') });
}
