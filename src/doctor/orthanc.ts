import type { Config } from '../config/options.js';
import { isSqlite, requireCapabilities, warningsOf } from '../orthanc/capabilities.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { type Finding, finding } from './findings.js';
import { weaknesses, weaknessesOf } from './weaknesses.js';

/** Orthanc's pages cannot reach Plainview where the clocks differ by more seconds: see `src/access/signature.ts`. */
const clockLimit = 60;
/** Orthanc tells whole seconds, and a call takes some time. */
const clockSlack = 5;

/** Without the index, 10,000 instances take about 4 ms more than another call; with it, less than one. */
const leastSlowMs = 2;

/** Whether Plainview can work with this Orthanc. @throws orthanc_… */
export async function examineOrthanc(orthanc: Orthanc, config: Config): Promise<Finding[]> {
  const system = await orthanc.system();
  requireCapabilities(system, config);
  const plugins = await orthanc.plugins();
  return [
    ...warningsOf(system, plugins, config).map(({ code, message }) => finding(code, { text: message })),
    ...weakFindings('orthanc', system.Version),
    ...(plugins === undefined ? [finding('plugins_untold', {})] : await examinePlugins(orthanc, plugins)),
    ...(plugins?.includes('authorization') && config.labelPrefix === ''
      ? [finding('labels_grant_access', {})]
      : []),
    ...(await examineClock(orthanc)),
    ...(await examineConnections(orthanc, config)),
    ...(isSqlite(system) ? await examineIndex(orthanc) : []),
  ];
}

const weakFindings = (program: string, version: string): Finding[] =>
  weaknessesOf(program, version).map((each) => finding('weak_version', { ...each, version }));

async function examinePlugins({ inspection }: Orthanc, plugins: readonly string[]): Promise<Finding[]> {
  const known = plugins.filter((name) => weaknesses.some(({ program }) => program === name));
  const found = await Promise.all(
    known.map(async (name) => weakFindings(name, (await inspection.pluginVersion(name)) ?? '')),
  );
  return found.flat();
}

async function examineClock({ inspection }: Orthanc): Promise<Finding[]> {
  const offset = (await inspection.clockOffset()) ?? 0;
  const seconds = Math.round(offset);
  if (Math.abs(offset) > clockLimit) return [finding('clocks_apart', { seconds })];
  return Math.abs(offset) > clockSlack ? [finding('clocks_drift', { seconds })] : [];
}

async function examineConnections(
  { inspection }: Orthanc,
  { orthancConnections: connections }: Config,
): Promise<Finding[]> {
  const [free, seconds] = [await inspection.freeHttpThreads(), await inspection.keepAliveSeconds()];
  return [
    ...(free === undefined ? [finding('threads_untold', {})] : []),
    ...(free !== undefined && free < connections ? [finding('threads_few', { free, connections })] : []),
    ...(seconds !== undefined && seconds <= 1 ? [finding('keep_alive_short', { seconds })] : []),
  ];
}

/** With SQLite, Orthanc reads all resources of a level for each call that names one, unless an index was added. */
async function examineIndex({ inspection }: Orthanc): Promise<Finding[]> {
  const lookup = await inspection.lookup();
  if (lookup === undefined) return [];
  const { instances, ms, othersMs } = lookup;
  // Over a network, calls differ by more.
  const isSlow = ms > leastSlowMs + 1.25 * othersMs;
  return isSlow ? [finding('index_slow', { instances, ms: Math.round(ms) })] : [];
}
