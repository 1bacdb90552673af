import { readFile } from 'node:fs/promises';
import { deriveKey } from '../access/keys.js';
import type { Config } from '../config/options.js';
import { createError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';

/** A key that is shorter could be guessed, and with it the pseudonyms of known identifiers. */
const leastKeyBytes = 16;

export const keyFileOption = [
  '--key-file <file>',
  'file with the secret from which pseudonyms are made (default: a key made from PLAINVIEW_SECRET)',
] as const;

/** The key from which pseudonyms are made. @throws usage, file_unreadable */
export async function pseudonymKey(
  file: string | undefined,
  { secret }: Pick<Config, 'secret'>,
): Promise<Buffer> {
  if (file === undefined) {
    if (secret !== undefined) return deriveKey(secret, 'pseudonym');
    throw createError('usage', {
      problem: 'pseudonyms need a secret: set PLAINVIEW_SECRET or give --key-file',
    });
  }
  const key = await readFile(file).catch((error: unknown) => {
    throw createError('file_unreadable', { problem: fileProblem(file, error) }, error);
  });
  if (key.length < leastKeyBytes)
    throw createError('usage', { problem: `${file} must hold ${leastKeyBytes} bytes or more` });
  return key;
}
