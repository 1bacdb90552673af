import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { version } from '../../src/config/version.js';
import { shipped } from '../../src/files/places.js';
import { run } from './run.js';

/** What all files of a release have in common. */
export interface Facts {
  version: string;
  /** As `plainview --version` says it. */
  commit: string;
  /** Of the commit, in seconds of Unix time: the date of all files, so that one commit always makes the same files. */
  date: number;
}

/** Of the commit that is checked out and built. @throws where this is no checkout */
export function factsOf(): Facts {
  const { commit } = z
    .object({ commit: z.string().optional() })
    .parse(JSON.parse(readFileSync(shipped('dist', 'build.json'), 'utf8')));
  if (commit === undefined) throw new Error('A release is made of a checkout: git must know its commit.');
  return { version, commit, date: Number(run('git', ['show', '-s', '--format=%ct', 'HEAD'])) };
}
