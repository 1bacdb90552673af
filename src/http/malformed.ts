import type { z } from 'zod';
import { createError, type PlainviewError } from '../errors/errors.js';

/** Options for `safeParse`: with them, a missing field can be distinguished from a wrong one. */
export const withInput = { reportInput: true } as const;

/**
 * Makes the error for a request that does not match its schema. It names each wrong field and what it must be. It does
 * not repeat the given value, which can be a patient's name.
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
