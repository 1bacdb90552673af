import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { z } from 'zod';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';

/** A process that is suspended accepts the connection but says nothing. */
const answerWithinMs = 2000;

const holder = z.object({ pid: z.number(), host: z.string(), since: z.string() });

export interface FolderLock {
  /** A second call does nothing. */
  release(): Promise<void>;
}

/**
 * Takes the state folder for this process: a socket in it, on which the process says who it is. The system closes the
 * socket with the process, however that ends, so a lock never outlives its holder. It holds between containers that
 * share a folder, not between machines. Of two that start at the same moment both can be refused, but never get both
 * the folder.
 * @throws state_in_use where another process has it, state_unusable
 */
export async function lockFolder(folder: string, log: Logger): Promise<FolderLock> {
  try {
    makeFolder(folder);
    return await take(folder);
  } catch (error) {
    if (error instanceof Held) throw createError('state_in_use', { folder, holder: error.message });
    if (!isWithoutSockets(error))
      throw createError('state_unusable', { folder, why: (error as Error).message }, error);
    log.warn({ err: error }, 'the state folder cannot be locked: make sure that no other service uses it');
    return { release: async () => undefined };
  }
}

async function take(folder: string): Promise<FolderLock> {
  // A socket's path may have about 100 bytes, and a longer one is cut off. A descriptor of the folder is short.
  const descriptor = openSync(folder, 'r');
  const place = process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : folder;
  const own = `service-${randomUUID()}.lock`;
  let server: Server | undefined;
  const free = async () => {
    // This also removes the socket.
    if (server !== undefined) await promisify(server.close.bind(server))();
    closeSync(descriptor);
  };
  let freed: Promise<void> | undefined;
  const release = () => {
    freed ??= free();
    return freed;
  };
  try {
    server = await listen(join(place, own));
    await requireNoOther(place, own);
    return { release };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Every process first has its own socket, then looks for others. So of two, at least one sees the other. The names are
 * never used twice: what nobody listens to can be removed.
 * @throws Held
 */
async function requireNoOther(place: string, own: string): Promise<void> {
  const names = await readdir(place);
  for (const name of names.filter((name) => name !== own && /^service-.+\.lock$/.test(name))) {
    const path = join(place, name);
    const held = await holderOf(path);
    if (held !== undefined) throw new Held(held);
    await rm(path, { force: true });
  }
  // Another start removed it, because it looked between the socket's creation and its first answer.
  if (!(await readdir(place)).includes(own)) throw new Held('a process that starts at this moment');
}

function listen(path: string): Promise<Server> {
  const self = JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() });
  return new Promise((resolve, reject) => {
    const server = createServer((connection) =>
      connection.on('error', () => undefined).end(self, () => connection.destroy()),
    );
    server.unref();
    server.once('error', reject).listen(path, () => resolve(server));
  });
}

/** @returns who has the lock, as a part of a sentence; undefined where nobody listens */
function holderOf(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const connection = createConnection(path)
      .setEncoding('utf8')
      .setTimeout(answerWithinMs, () => connection.destroy())
      .on('data', (data) => {
        answer += data;
      })
      .on('error', (error) => {
        if (['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '')) resolve(undefined);
        else if (codeOf(error) !== 'ECONNRESET') reject(error);
      })
      .on('close', () => resolve(describe(answer)));
  });
}

function describe(answer: string): string {
  try {
    const { pid, host, since } = holder.parse(JSON.parse(answer));
    return `process ${pid} on ${host}, since ${since}`;
  } catch {
    return 'a process that does not answer';
  }
}

/** The message is who has the lock. */
class Held extends Error {}

/** Some file systems have no sockets. */
const isWithoutSockets = (error: unknown): boolean =>
  ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EINVAL'].includes(codeOf(error) ?? '');

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
