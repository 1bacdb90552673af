// `folder <path>` or `database <url>`: changes three documents of a store in turn, and says after each change how many are
// made, until it is killed. Each document holds the number of its change; every tenth change removes the document.
import { pino } from 'pino';
import { FolderStore } from '../src/store/folder-store.js';
import { Database, Membership, PostgresqlStore } from '../src/store/postgresql/open.js';
import type { Store } from '../src/store/store.js';

const [kind, place = ''] = process.argv.slice(2);

async function inDatabase(): Promise<Store> {
  const log = pino({ level: 'silent' });
  const database = await Database.open(place, log, new AbortController().signal);
  const who = `store writer ${process.pid}`;
  return new PostgresqlStore(
    database,
    await Membership.join(database, { who, url: '', mayLead: false, settings: {}, log }),
  );
}

const store = kind === 'folder' ? new FolderStore(place) : await inDatabase();
for (let n = 1; ; n++) {
  const key = `killed/${n % 3}`;
  if (n % 10 === 0) await store.remove(key);
  else await store.write(key, { n, filling: 'x'.repeat(20_000) });
  process.stdout.write(`${n}\n`);
}
