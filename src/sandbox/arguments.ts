import { parseArgs } from 'node:util';
import { createError } from '../errors/errors.js';

export const help = `npm start                    the service, and an Orthanc of its own unless PLAINVIEW_ORTHANC_URL names one
npm start -- --several 3     for a trial: PostgreSQL, two Orthancs on it and three services (1 to 9)`;

export type StartArguments = { mode: 'one' } | { mode: 'several'; count: number } | { mode: 'help' };

/**
 * Arguments of `npm start`.
 * @throws usage
 */
export function startArguments(args: string[], env: NodeJS.ProcessEnv): StartArguments {
  const { several, help: wantsHelp } = parsed(args);
  if (wantsHelp) return { mode: 'help' };
  if (several === undefined) return { mode: 'one' };
  if (!/^[1-9]$/.test(several))
    throw createError('usage', { problem: `--several takes a number from 1 to 9, not ${several}` });
  if (env.PLAINVIEW_ORTHANC_URL)
    throw createError('usage', {
      problem: '--several starts Orthancs of its own, so PLAINVIEW_ORTHANC_URL must not be set',
    });
  return { mode: 'several', count: Number(several) };
}

function parsed(args: string[]): { several?: string; help?: boolean } {
  try {
    return parseArgs({ args, options: { several: { type: 'string' }, help: { type: 'boolean' } } }).values;
  } catch (cause) {
    throw createError('usage', { problem: (cause as Error).message }, cause);
  }
}

/** For a shell. Without the header, curl asks first and waits a second for an answer that Orthanc does not give. */
export const uploadCommand = (orthanc: string | undefined): string =>
  `curl -X POST -H 'Expect:' ${orthanc}/instances --data-binary @radiograph.dcm`;
