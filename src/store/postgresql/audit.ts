import type { Database } from './database.js';

/** The audit trail of an archive: one row for each line, in the order in which they were written. */
export const auditTable = (database: Database) => ({
  name: database.place,
  append: async (lines: readonly string[]): Promise<void> => {
    await database.query('INSERT INTO plainview.audit (entry) SELECT unnest($1::text[])::jsonb', [lines]);
  },
});
