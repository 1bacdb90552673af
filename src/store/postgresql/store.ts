import type { z } from 'zod';
import { KeyedMutex } from '../../async/keyed-mutex.js';
import { createError } from '../../errors/errors.js';
import type { Store } from '../store.js';
import type { Database } from './database.js';
import { type Membership, ofMember } from './membership.js';

/** One row for each document, in PostgreSQL. Changes need the membership of their process. */
export class PostgresqlStore implements Store {
  readonly #database: Database;
  readonly #membership: Membership;
  readonly #writes = new KeyedMutex<string>();

  constructor(database: Database, membership: Membership) {
    this.#database = database;
    this.#membership = membership;
  }

  async read<T extends z.ZodType>(key: string, schema: T): Promise<z.output<T> | undefined> {
    const { rows } = await this.#database.query<{ content: string }>(
      'SELECT content FROM plainview.documents WHERE key = $1',
      [key],
    );
    const [document] = rows;
    if (document === undefined) return undefined;
    try {
      return schema.parse(JSON.parse(document.content));
    } catch {
      // Without the cause: it quotes the document, which can hold a patient's name.
      throw createError('state_damaged', { file: `The document ${key} in ${this.#database.place}` });
    }
  }

  async has(key: string): Promise<boolean> {
    const { count } = await this.#database.query('SELECT 1 FROM plainview.documents WHERE key = $1', [key]);
    return count > 0;
  }

  async names(folder: string): Promise<string[]> {
    // '0' is the character after '/'. Keys are compared byte by byte.
    const { rows } = await this.#database.query<{ name: string }>(
      `SELECT substr(key, $3) AS name FROM plainview.documents
       WHERE key > $1 AND key < $2 AND position('/' in substr(key, $3)) = 0`,
      [`${folder}/`, `${folder}0`, folder.length + 2],
    );
    return rows.map(({ name }) => name);
  }

  write(key: string, content: unknown): Promise<void> {
    return this.#change(
      key,
      `WITH term AS (${ofMember})
       INSERT INTO plainview.documents SELECT $2, $3 FROM term
       ON CONFLICT (key) DO UPDATE SET content = excluded.content`,
      [key, JSON.stringify(content)],
    );
  }

  remove(key: string): Promise<void> {
    return this.#change(
      key,
      `WITH term AS (${ofMember}),
       removed AS (DELETE FROM plainview.documents USING term WHERE key = $2)
       SELECT 1 FROM term`,
      [key],
    );
  }

  async setAside(key: string): Promise<string> {
    const kept = `${key}.damaged`;
    await this.#change(
      key,
      `WITH term AS (${ofMember}),
       moved AS (DELETE FROM plainview.documents USING term WHERE key = $2 RETURNING content),
       kept AS (
         INSERT INTO plainview.documents SELECT $3, content FROM moved
         ON CONFLICT (key) DO UPDATE SET content = excluded.content
       )
       SELECT 1 FROM term`,
      [key, kept],
    );
    return kept;
  }

  /** @param text of a statement that changes or returns a row where the term is that of a member */
  #change(key: string, text: string, values: readonly unknown[]): Promise<void> {
    return this.#writes.run(key, async () => {
      const { count } = await this.#database.query(text, [this.#membership.term, ...values]);
      if (count === 0) throw await this.#membership.lose();
    });
  }
}
