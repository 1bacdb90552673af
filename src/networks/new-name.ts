import { createError } from '../errors/errors.js';
import { folderName } from './classifier-options.js';

/** Names of the networks that come with Plainview. A folder of the same name could not be chosen. */
const taken = ['embedded', 'nncpr'];

/** @throws usage where `network use` could not choose a network by this name */
export function requireNetworkName(name: string): void {
  if (!folderName.test(name) || taken.includes(name))
    throw createError('usage', {
      problem: `--name: "${name}" cannot be the name of a network: at most 64 letters, digits, ., _ and -, not . first, and neither ${taken.join(' nor ')}`,
    });
}

/** A name that says from which network it comes, and when. That of an earlier training is replaced. */
export function newName(base: string, when: Date): string {
  const time = when.toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-');
  const fit = base
    .replace(/-\d{8}-\d{4}$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 50);
  return `${fit === '' ? 'network' : fit}-${time}`;
}
