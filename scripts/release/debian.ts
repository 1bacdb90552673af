import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { shipped } from '../../src/files/places.js';
import type { Facts } from './facts.js';
import { run } from './run.js';

/** In Debian's words. */
export const architecture = (): string => run('dpkg', ['--print-architecture']).trim();

/** Builds the package of a staged folder that has a Node.js. @param root a new folder, which becomes the package's root */
export function buildPackage(staged: string, root: string, file: string, { version, date }: Facts): void {
  const lib = join(root, 'usr', 'lib', 'plainview');
  mkdirSync(dirname(lib), { recursive: true });
  cpSync(staged, lib, { recursive: true, verbatimSymlinks: true });
  mkdirSync(join(root, 'usr', 'bin'));
  symlinkSync('../lib/plainview/bin/plainview', join(root, 'usr', 'bin', 'plainview'));
  renameSync(join(lib, 'share'), join(root, 'usr', 'share'));
  const doc = join(root, 'usr', 'share', 'doc', 'plainview');
  put(join(doc, 'copyright'), own('debian', 'copyright'));
  for (const name of ['README.md', 'CHANGELOG.md', 'docs'])
    symlinkSync(`../../../lib/plainview/${name}`, join(doc, name));
  const unit = own('systemd', 'plainview.service');
  put(join(root, 'usr', 'lib', 'systemd', 'system', 'plainview.service'), unit);
  const size = run('du', ['-sk', '--apparent-size', root]).split('\t')[0];
  put(
    join(root, 'DEBIAN', 'control'),
    own('debian', 'control')
      .replace('@version@', version)
      .replace('@architecture@', architecture())
      .replace('@size@', String(size)),
  );
  for (const script of ['postinst', 'prerm', 'postrm']) {
    put(join(root, 'DEBIAN', script), own('debian', script));
    chmodSync(join(root, 'DEBIAN', script), 0o755);
  }
  run('chmod', ['-R', 'u=rwX,go=rX', root]);
  // It takes owner, date and order of the files from these.
  run('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z9', '--build', root, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(date) },
  });
}

const own = (...path: string[]): string => readFileSync(shipped('deploy', ...path), 'utf8');

function put(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
