import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createError } from '../errors/errors.js';
import { temporaryFolder } from '../files/temporary.js';
import { type Member, startMember } from './member.js';
import { type SandboxOrthanc, startOrthanc } from './orthanc.js';
import { freePort } from './ports.js';
import { type PostgresqlServer, startPostgresqlServer } from './postgresql.js';

/** One archive: two Orthancs on one PostgreSQL database, and services that keep their state in it. */
export interface Several {
  postgresql: PostgresqlServer;
  orthancs: { name: string; orthanc: SandboxOrthanc }[];
  members: Member[];
  /** The one of `members` that leads after the start. */
  leader: Member;
  /** Folder of the services' logs and of Orthanc's files. `stop` deletes it. */
  folder: string;
  stop(): Promise<void>;
}

type Report = (line: string) => void;

const leaderTimeoutMs = 120_000;

/**
 * Starts PostgreSQL, two Orthancs on it and `count` services, all on loopback and each a process of its own.
 * @param report.onProgress is called with a line of text before something that takes long
 * @param report.onEvent is called when a service ends or runs again, and when another one leads
 * @returns when one of the services leads
 * @throws sandbox_without_postgresql, sandbox_unavailable, sandbox_not_started
 */
export async function startSeveral(
  count: number,
  { onProgress, onEvent }: { onProgress: Report; onEvent: Report },
): Promise<Several> {
  /** Stops what has been started, in reverse order. */
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
  };
  try {
    onProgress('Starting PostgreSQL …');
    const postgresql = await startPostgresqlServer(['orthanc', 'plainview']);
    if (postgresql === undefined)
      throw createError('sandbox_without_postgresql', { why: 'the command pg_virtualenv is not installed' });
    stops.push(() => postgresql.stop());

    const folder = await temporaryFolder('plainview-several-');
    const secret = randomBytes(24).toString('base64url');
    const urls: string[] = [];
    for (let index = 0; index < count; index++) urls.push(`http://127.0.0.1:${await freePort(8104 + index)}`);

    const orthancs: Several['orthancs'] = [];
    for (const [index, name] of ['Orthanc A', 'Orthanc B'].entries()) {
      onProgress(`Starting ${name} …`);
      const orthanc = await startOrthanc({
        port: await freePort(8042 + index),
        // With Docker each would have a storage of its own.
        runtime: 'debian',
        // One service for each. While that is away, the instance is found in the change log.
        hook: { url: `${urls[index % count]}/hook`, secret },
        plugins: ['dicomweb', 'gdcm', 'postgresql'],
        explorer: true,
        configuration: {
          Name: name,
          StorageDirectory: join(folder, 'storage'),
          PostgreSQL: {
            EnableIndex: true,
            EnableStorage: false,
            Lock: false,
            IndexConnectionsCount: 5,
            Host: postgresql.host,
            Port: postgresql.port,
            Username: postgresql.user,
            Password: postgresql.password,
            Database: 'orthanc',
          },
          // Orthanc listens on loopback without a login, so each of its users is the user of this machine.
          Plainview: { DefaultRole: 'admin' },
        },
        onProgress,
      });
      stops.push(() => orthanc.discard());
      orthancs.push({ name, orthanc });
    }

    const members: Member[] = [];
    for (const [index, url] of urls.entries()) {
      const name = `Plainview ${index + 1}`;
      onProgress(`Starting ${name} …`);
      const member = await startMember({
        name,
        url,
        env: {
          PLAINVIEW_WORKERS: '1',
          ...process.env,
          PLAINVIEW_ORTHANC_URL: orthancs.map(({ orthanc }) => orthanc.url).join(','),
          PLAINVIEW_SECRET: secret,
          PLAINVIEW_SECRET_FILE: '',
          PLAINVIEW_DATABASE_URL: postgresql.url('plainview'),
          PLAINVIEW_DATABASE_URL_FILE: '',
          PLAINVIEW_HOST: '127.0.0.1',
          PLAINVIEW_PORT: new URL(url).port,
          PLAINVIEW_STATE_DIR: join(folder, `state-${index + 1}`),
          // By default a service gives the others this machine's name, at which it does not listen here.
          PLAINVIEW_ADDRESS: url,
        },
        logFile: join(folder, `plainview-${index + 1}.log`),
        onEvent,
      });
      stops.push(() => member.stop());
      members.push(member);
    }
    const leader = await firstLeader(members, folder);
    stops.push(watchLeader(members, leader.pid, onEvent));

    // Not before all has started: an error names a log in this folder.
    const deleteFolder = () => rmSync(folder, { recursive: true, force: true });
    process.once('exit', deleteFolder);
    stops.unshift(async () => {
      process.off('exit', deleteFolder);
      deleteFolder();
    });
    return { postgresql, orthancs, members, leader, folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function leaderOf(members: readonly Member[]): Promise<Member | undefined> {
  const leads = await Promise.all(members.map((member) => member.leads()));
  return members.find((_, index) => leads[index]);
}

async function firstLeader(members: readonly Member[], folder: string): Promise<Member> {
  const deadline = Date.now() + leaderTimeoutMs;
  while (Date.now() < deadline) {
    const leader = await leaderOf(members);
    if (leader) return leader;
    await delay(200);
  }
  const why = `no service leads after ${leaderTimeoutMs / 1000} s`;
  throw createError('sandbox_not_started', {
    program: 'Plainview',
    why,
    log: join(folder, 'plainview-1.log'),
  });
}

/** Reports each change of the process that leads. @returns a function that ends this */
function watchLeader(members: readonly Member[], first: number, onEvent: Report): () => Promise<void> {
  const stopping = new AbortController();
  const watch = async () => {
    for (let last = first; !stopping.signal.aborted; ) {
      const leader = await leaderOf(members);
      if (leader && leader.pid !== last) {
        last = leader.pid;
        onEvent(`${leader.name} leads now: process ${last}.`);
      }
      await delay(500, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const watched = watch();
  return () => {
    stopping.abort();
    return watched;
  };
}
