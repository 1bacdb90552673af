import { z } from 'zod';
import { commandRole, signedHeaders } from '../access/signature.js';
import type { Config } from '../config/options.js';
import { receptionTime } from '../orthanc/dates.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { type Finding, finding } from './findings.js';

/** What the doctor reads of `/health/ready`. */
const health = z.object({
  ready: z.boolean(),
  orthanc: z.object({ problem: z.string().optional() }),
  state: z.object({ problem: z.string().optional() }),
  members: z.number().default(1),
  /** Absent where the process takes no notices (`plainview work`). */
  hook: z
    .object({
      since: z.string(),
      last: z.string().optional(),
      lastRefused: z.string().optional(),
    })
    .optional(),
});
type Health = z.output<typeof health>;
const starting = z.object({ starting: z.literal(true) });

const longestMs = 10_000;
/** The hook is silent for up to four minutes after a failure. */
const quietMs = 5 * 60_000;

/** The service that runs with this configuration, and what Orthanc's hook has told it. @throws orthanc_… */
export async function examineService(orthanc: Orthanc, config: Config, who: string): Promise<Finding[]> {
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
  let answer: unknown;
  try {
    answer = await (await ask(`${url}/health/ready`)).json();
  } catch (error) {
    if (error instanceof SyntaxError) return [finding('service_other', { url })];
    const { message, cause } = error as Error;
    const why = cause instanceof Error && cause.message !== '' ? cause.message : message;
    return [finding('service_away', { url, why })];
  }
  if (starting.safeParse(answer).success)
    return [finding('service_not_ready', { problem: 'it waits for its database.' })];
  const known = health.safeParse(answer);
  if (!known.success) return [finding('service_other', { url })];
  return [
    ...readinessFindings(known.data),
    ...(await examineSecret(url, config.secret ?? '', who)),
    ...(await examineHook(orthanc, config, known.data)),
  ];
}

const ask = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(longestMs) });

function readinessFindings({ ready, orthanc, state }: Health): Finding[] {
  if (ready) return [];
  const problem = orthanc.problem ?? state.problem ?? 'no process leads.';
  return [finding('service_not_ready', { problem })];
}

/** Whether the service has the secret of this environment: only then it takes a request that is signed with it. */
async function examineSecret(url: string, secret: string, who: string): Promise<Finding[]> {
  const target = '/api/v1/status';
  const { status } = await ask(
    url + target,
    signedHeaders(secret, { method: 'GET', target, who, role: commandRole }),
  );
  return status === 401 ? [finding('service_secret_differs', { url })] : [];
}

/**
 * Whether the hook reaches the service. Nothing is stored to try it: what has come is compared with what Orthanc received.
 */
async function examineHook(orthanc: Orthanc, config: Config, { hook, members }: Health): Promise<Finding[]> {
  if (hook === undefined) return [];
  const { since, last, lastRefused } = hook;
  if (lastRefused !== undefined && lastRefused > (last ?? ''))
    return [finding('hook_secret_differs', { when: lastRefused })];
  const heard = Date.parse(last ?? since);
  const received = await lastReception(orthanc, config);
  // Each of several processes knows only its own notices.
  if (members === 1 && received !== undefined && received > heard + quietMs)
    return [finding('hook_silent', { received: new Date(received).toISOString(), heard: last ?? since })];
  return last === undefined && members === 1 ? [finding('hook_untold', { since })] : [];
}

/** When Orthanc received the newest radiograph; undefined where none is among the newest series. */
async function lastReception(
  { search, hierarchy }: Orthanc,
  { modalities }: Pick<Config, 'modalities'>,
): Promise<number | undefined> {
  const series = await search.seriesByUpdate({ order: 'newest', since: 0, limit: 20 });
  const ids = series
    .filter(({ modality }) => modalities.includes(modality.trim().toUpperCase()))
    .flatMap(({ instances }) => instances.slice(-10));
  const times = (await hierarchy.instances(ids.slice(0, 100))).flatMap(
    ({ Metadata }) => receptionTime(Metadata.ReceptionDate ?? '') ?? [],
  );
  return times.length === 0 ? undefined : Math.max(...times);
}
