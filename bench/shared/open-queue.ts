import { pino } from 'pino';
import { AdmissionPolicy } from '../../src/queue/admission-policy.js';
import { PostgresqlQueue } from '../../src/queue/postgresql.js';
import type { Handler, Queue } from '../../src/queue/queue.js';
import { Database, Membership, SharedLocks } from '../../src/store/postgresql/open.js';

interface OpenedQueue {
  queue: Queue;
  /** Ends its connections. */
  close(): Promise<void>;
}

/**
 * Opens the queue that several processes share. It begins with running jobs at once.
 * @param url address of a new, empty database
 */
export async function openQueue({
  url,
  concurrency,
  handler,
}: {
  url: string;
  concurrency: number;
  handler: Handler;
}): Promise<OpenedQueue> {
  const log = pino({ level: 'silent' });
  const database = await Database.open(url, log, new AbortController().signal);
  const membership = await Membership.join(database, { who: 'bench', url: '', mayLead: true, log });
  const limits = { concurrency, backlog: concurrency };
  const queue = new PostgresqlQueue({
    ...limits,
    database,
    membership,
    locks: new SharedLocks(database, membership),
    admission: new AdmissionPolicy(limits, 0),
    handler,
    log,
  });
  queue.start();
  return {
    queue,
    close: async () => {
      await queue.stop(AbortSignal.abort());
      await membership.leave();
      await database.close();
    },
  };
}
