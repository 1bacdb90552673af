import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Database } from './database.js';
import { type Membership, ofMember } from './membership.js';

/** Documents of a folder that belong to one machine, not to the archive. */
const ofTheMachine = new Set(['in-work', 'probe', 'chosen-network']);
const batchSize = 200;

export interface ImportResult {
  taken: number;
  /** These were there already, with the same content. */
  same: number;
  /** Keys that were there already with another content, which stays. */
  different: string[];
}

/**
 * Copies the documents of a state folder into the database. The folder stays as it is. What is in the database already
 * stays too, so it can be repeated after it was cut off.
 * @param onProgress is told the number of documents of each step
 * @throws lease_lost, database_unusable, and what the file system says
 */
export async function importFolder(
  folder: string,
  database: Database,
  membership: Membership,
  onProgress: (documents: number) => void,
): Promise<ImportResult> {
  const result: ImportResult = { taken: 0, same: 0, different: [] };
  const keys = await keysOf(folder);
  for (let from = 0; from < keys.length; from += batchSize) {
    const batch = keys.slice(from, from + batchSize);
    // As text: one that is damaged is damaged there too, and Plainview says of which.
    const texts = await Promise.all(batch.map((key) => readText(join(folder, `${key}.json`))));
    const inserted = await database.query<{ key: string }>(
      `WITH term AS (${ofMember}),
       given AS (SELECT unnest($2::text[]) AS key, unnest($3::text[]) AS content)
       INSERT INTO plainview.documents SELECT key, content FROM given, term
       ON CONFLICT (key) DO NOTHING RETURNING key`,
      [membership.term, batch, texts],
    );
    const known = await database.query<{ key: string; content: string }>(
      'SELECT key, content FROM plainview.documents WHERE key = ANY($1)',
      [batch],
    );
    if (known.count < batch.length) throw await membership.lose();
    const contents = new Map(known.rows.map(({ key, content }) => [key, content]));
    const taken = new Set(inserted.rows.map(({ key }) => key));
    for (const [index, key] of batch.entries())
      if (taken.has(key)) result.taken++;
      else if (contents.get(key) === texts[index]) result.same++;
      else result.different.push(key);
    onProgress(batch.length);
  }
  return result;
}

/** PostgreSQL refuses the character 0, which is in no JSON. Some file systems leave zeros after a power cut. */
async function readText(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replaceAll('\0', '\ufffd');
}

async function keysOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).slice(0, -'.json'.length))
    .filter((key) => !ofTheMachine.has(key) && !key.startsWith(`networks${sep}`));
}
