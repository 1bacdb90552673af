import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** A temporary folder with a file of routing rules and the secret of a webhook. */
export interface RulesFolder {
  file: string;
  /** The webhook's secret, as the receiver has it. */
  secret: string;
  write(rules: unknown): Promise<string>;
  discard(): Promise<void>;
}

export async function rulesFolder(): Promise<RulesFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'plainview-rules-'));
  const file = join(folder, 'rules.yaml');
  const secret = randomBytes(32).toString('base64');
  await writeFile(join(folder, 'hook.secret'), `${secret}\n`);
  return {
    file,
    secret,
    write: async (rules) => {
      await writeFile(file, typeof rules === 'string' ? rules : stringify(rules));
      return file;
    },
    discard: () => rm(folder, { recursive: true }),
  };
}

/** The top-level keys of every file of rules. */
export const head = { version: 1, since: '2020-01-01', timeZone: 'UTC', perMinute: 60_000 };
