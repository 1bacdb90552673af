import { basename, dirname } from 'node:path';
import { run } from './run.js';

/** Packs a folder. The same files always give the same bytes: sorted, with the commit's date, and root as owner. */
export function archive(folder: string, file: string, date: number): void {
  const fixed = ['--sort=name', `--mtime=@${date}`, '--owner=0', '--group=0', '--numeric-owner'];
  run('tar', [
    ...fixed,
    // `gzip -n` writes no date.
    '--use-compress-program=gzip -n',
    '--mode=u=rwX,go=rX',
    '-cf',
    file,
    '-C',
    dirname(folder),
    basename(folder),
  ]);
}
