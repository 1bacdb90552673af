import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Config, secretOptions, variableOf } from '../config/options.js';
import { type Finding, finding } from './findings.js';

/** Node.js 20 gets no updates since this release line ended, in April 2026. */
const oldestKept = 22;

/** The version of Node.js. */
export const examineNode = (version = process.versions.node): Finding[] =>
  Number(version.split('.')[0]) < oldestKept ? [finding('node_ended', { version })] : [];

/** Files with secrets: whether others can read them. */
export async function examineSecrets(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const files = secretOptions.flatMap((name) => env[`${variableOf(name)}_FILE`] || []);
  const modes = await Promise.all(files.map(async (file) => ({ file, mode: (await stat(file)).mode })));
  return modes.filter(({ mode }) => mode & 0o004).map(({ file }) => finding('secret_readable', { file }));
}

const megabyte = 1024 * 1024;
const low = 2000;
const full = 200;

/** The folder that the service writes, and its disk. Features and networks are there also with a database. */
export async function examineFolder({ stateDir: folder }: Pick<Config, 'stateDir'>): Promise<Finding[]> {
  const there = await nearest(folder);
  if (there !== folder) return [finding('state_absent', { folder }), ...(await examineDisk(there))];
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return [finding('state_unwritable', { folder, why: (error as Error).message })];
  }
  return examineDisk(folder);
}

async function examineDisk(folder: string): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(folder);
  const megabytes = Math.floor((bavail * bsize) / megabyte);
  if (megabytes < full) return [finding('disk_full', { folder, megabytes })];
  return megabytes < low ? [finding('disk_low', { folder, megabytes })] : [];
}

/** The folder itself, or the nearest one above it that is there. */
async function nearest(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

/** PostgreSQL's clock may differ by this many seconds. */
const clockSlack = 5;

/** The database of the state. @throws database_… */
export async function examineDatabase(url: string): Promise<Finding[]> {
  const { inspectDatabase } = await import('../store/postgresql/open.js');
  const { place, isStandby, clockOffset } = await inspectDatabase(url);
  return [
    ...(isStandby ? [finding('database_read_only', { place })] : []),
    ...(Math.abs(clockOffset) > clockSlack
      ? [finding('database_clock', { seconds: Math.round(clockOffset) })]
      : []),
  ];
}
