import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { hookKey } from '../src/access/keys.js';
import { startService, type Timings } from '../src/app/service.js';
import type { Classifier } from '../src/classify/classifier.js';
import { DecidingClassifier } from '../src/classify/deciding.js';
import { loadConfig } from '../src/config/load.js';
import { groupRecord, instanceRecord, readRecord } from '../src/decisions/schema.js';
import { freePort } from '../src/sandbox/ports.js';
import type { Tracing } from '../src/tracing/tracing.js';
import type { Stub } from './classifier.js';
import { waitFor } from './orthanc.js';

export interface TestService<C extends Classifier = Stub> {
  url: string;
  classifier: C;
  stateDir: string;
  secret: string;
  /** The log so far. */
  log(): string;
  metrics(): Promise<string>;
  /** Sends a notice as the hook does. */
  notice(instance: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

/** Address and secret of a service, chosen before Orthanc starts. */
export async function hookAddress(): Promise<{ url: string; secret: string; port: number }> {
  const port = await freePort();
  return { url: `http://127.0.0.1:${port}/hook`, secret: randomUUID(), port };
}

/** Starts the service in this process. */
export async function startTestService<C extends Classifier = Stub>(options: {
  orthanc: string;
  hook?: { secret: string; port: number };
  classifier: C;
  env?: NodeJS.ProcessEnv;
  /** Folder of an earlier service, to continue its work. Default: a new one that ignores earlier instances. */
  stateDir?: string;
  /** Whether to wait until the service is ready. Default: true. */
  ready?: boolean;
  /** Reads the change log from its beginning. */
  fromStart?: boolean;
  timings?: Timings;
  tracing?: Tracing;
}): Promise<TestService<C>> {
  const { classifier } = options;
  const secret = options.hook?.secret ?? randomUUID();
  const stateDir = options.stateDir ?? (await freshState(options.orthanc, options.fromStart));
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const config = loadConfig({
    PLAINVIEW_ORTHANC_URL: options.orthanc,
    PLAINVIEW_SECRET: secret,
    PLAINVIEW_PORT: String(options.hook?.port ?? 0),
    PLAINVIEW_STATE_DIR: stateDir,
    PLAINVIEW_CHANGES_POLL_MS: '100',
    PLAINVIEW_LOG_LEVEL: 'trace',
    ...options.env,
  });
  const service = await startService(
    config,
    new DecidingClassifier(classifier),
    {
      log: pino({ level: 'trace' }, sink),
      ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
    },
    options.timings,
  );
  if (options.ready === false) service.ready.catch(() => undefined);
  else await service.ready;
  return {
    url: service.url,
    classifier,
    stateDir,
    secret,
    log: () => lines.join(''),
    metrics: async () => (await fetch(`${service.url}/metrics`)).text(),
    notice: (instance, init) =>
      fetch(`${service.url}/hook`, {
        method: 'POST',
        headers: { 'x-plainview-hook-key': hookKey(secret) },
        body: JSON.stringify({ instance, modality: 'DX', sopClass: '1.2', change: 'NewInstance' }),
        ...init,
      }),
    stop: async () => {
      await service.stop();
      if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Creates a state folder with the cursor at the end of Orthanc's change log; at 0 where Orthanc does not answer. */
export async function freshState(orthanc: string, fromStart = false): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plainview-state-'));
  const since = fromStart ? 0 : await new Reader(orthanc).lastChange().catch(() => 0);
  await writeFile(join(folder, 'changes.json'), JSON.stringify({ since }));
  return folder;
}

/** Reads and writes labels and metadata of an Orthanc, as another client does. */
export class Reader {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async labels(resource: string): Promise<string[]> {
    return ((await (await fetch(`${this.#url}/${resource}/labels`)).json()) as string[]).sort();
  }

  async metadata(resource: string, name: string): Promise<string | undefined> {
    const answer = await fetch(`${this.#url}/${resource}/metadata/${name}`);
    const text = await answer.text();
    return answer.ok ? text : undefined;
  }

  async put(resource: string, name: string, value: string): Promise<void> {
    await fetch(`${this.#url}/${resource}/metadata/${name}`, { method: 'PUT', body: value });
  }

  async label(resource: string, label: string): Promise<void> {
    await fetch(`${this.#url}/${resource}/labels/${label}`, { method: 'PUT' });
  }

  async record(instance: string) {
    return readRecord(instanceRecord, await this.metadata(`instances/${instance}`, 'Radiograph'));
  }

  async group(resource: string) {
    return readRecord(groupRecord, await this.metadata(resource, 'Radiograph'));
  }

  /** Waits for the category, which is written last. */
  async decided(instance: string): Promise<string> {
    return waitFor(() => this.metadata(`instances/${instance}`, 'RadiographCategory'), {
      what: `RadiographCategory of ${instance}`,
    });
  }

  /** Sequence number of the newest change. */
  async lastChange(): Promise<number> {
    return ((await (await fetch(`${this.#url}/changes?last`)).json()) as { Last: number }).Last;
  }

  /** Number of metadata writes of a resource after a change. The log has no changes of labels. */
  async writesSince(change: number, id: string): Promise<number> {
    const answer = await fetch(`${this.#url}/changes?since=${change}&limit=1000`);
    const { Changes } = (await answer.json()) as { Changes: { ID: string; ChangeType: string }[] };
    return Changes.filter(({ ID, ChangeType }) => ID === id && ChangeType === 'UpdatedMetadata').length;
  }
}
