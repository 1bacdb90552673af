import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { deriveKey } from '../src/access/keys.js';
import { inFolder } from '../src/app/in-folder.js';
import { createLeading, type Leading } from '../src/app/leading.js';
import { Lifecycle, type Part } from '../src/app/lifecycle.js';
import { createWork, type Work } from '../src/app/work.js';
import { loadConfig } from '../src/config/load.js';
import type { Config } from '../src/config/options.js';
import { corrected, oriented, undone } from '../src/decisions/correction.js';
import { RequestSeal } from '../src/decisions/request-seal.js';
import type { NewDecision } from '../src/decisions/schema.js';
import { Metrics } from '../src/metrics/metrics.js';
import type { InstanceId } from '../src/orthanc/ids.js';
import { Orthanc } from '../src/orthanc/orthanc.js';
import type { Stub } from './classifier.js';
import type { FakeOrthanc, FakeRequest } from './fake-orthanc.js';
import { isWrite, siteSecret } from './fake-site.js';
import { watchState } from './state-changes.js';
import { waitFor } from './wait-for.js';

class Killed extends Error {}

let started = 0;

/** The fake Orthanc, and all services that run on it: it cuts the calls of those that were killed. */
export class Stage {
  readonly fake: FakeOrthanc;
  readonly #services = new Map<string, MortalService>();

  constructor(fake: FakeOrthanc) {
    this.fake = fake;
    fake.intercept = (request) => this.#serviceOf(request)?.call(request);
  }

  add(name: string, service: MortalService): void {
    this.#services.set(name, service);
  }

  #serviceOf({ headers }: FakeRequest): MortalService | undefined {
    const [name = ''] = Buffer.from(headers.authorization?.slice('Basic '.length) ?? '', 'base64')
      .toString()
      .split(':');
    return this.#services.get(name);
  }
}

export interface MortalOptions {
  stage: Stage;
  classifier: Stub;
  env?: NodeJS.ProcessEnv;
  /** The state that an earlier service left. */
  stateDir?: string | undefined;
}

/**
 * The working parts of a service, in this process, on the fake Orthanc. It can be killed before any of its changes: writes
 * of Orthanc, and replaced or removed files of its state. What it does after that has no effect.
 */
export class MortalService {
  #work: (Work & Leading) | undefined;
  /** The state as it was when the service was killed, or as it is. */
  stateDir: string;
  /** Changes so far. */
  changes = 0;
  readonly orthanc: Orthanc;
  readonly #config: Config;
  readonly #classifier: Stub;
  #parts: Part[] = [];
  #lifecycle = new Lifecycle([]);
  readonly #metrics = new Metrics();
  readonly #unwatch: () => void;
  #killAt = Number.POSITIVE_INFINITY;
  #isDead = false;
  #onDeath: () => void = () => undefined;
  /** Resolves when it is killed. */
  readonly death = new Promise<void>((resolve) => {
    this.#onDeath = resolve;
  });
  /** Calls but for the polls that found nothing new. */
  #since = '';
  #quietPolls = 0;

  private constructor({ stage, classifier, env = {}, stateDir }: MortalOptions) {
    const name = `service${started++}`;
    this.stateDir = stateDir ?? newState();
    this.#classifier = classifier;
    this.#config = {
      ...loadConfig({
        PLAINVIEW_ORTHANC_URL: stage.fake.url,
        PLAINVIEW_ORTHANC_USERNAME: name,
        PLAINVIEW_ORTHANC_PASSWORD: 'x',
        PLAINVIEW_ORTHANC_RETRIES: '0',
        PLAINVIEW_STATE_DIR: this.stateDir,
        PLAINVIEW_BACKLOG_CONCURRENCY: '4',
        ...env,
      }),
      changesPollMs: 5,
    };
    stage.add(name, this);
    this.#unwatch = watchState(this.stateDir, () => this.#change());
    this.orthanc = new Orthanc(this.#config);
  }

  static async start(options: MortalOptions): Promise<MortalService> {
    const service = new MortalService(options);
    await service.#start();
    return service;
  }

  async #start(): Promise<void> {
    const state = inFolder(this.stateDir);
    const parts = {
      ...state,
      orthanc: this.orthanc,
      classifier: this.#classifier,
      config: this.#config,
      seal: new RequestSeal(deriveKey(siteSecret, 'seal')),
      metrics: this.#metrics,
      inWorkRestMs: 200,
      log: pino({ level: process.env.MORTAL_LOG ?? 'silent' }),
    };
    const work = createWork(parts);
    const leading = await createLeading({ ...parts, work });
    this.#work = { ...work, ...leading };
    const destinations = { resume: () => work.routing?.checkDestinations() };
    this.#parts = [destinations, work.reconciler, ...leading.parts, work.queue];
    this.#lifecycle = new Lifecycle(this.#parts);
    this.#lifecycle.pause();
    await this.#lifecycle.start();
    await this.orthanc.availability.start(() => this.#lifecycle.resume());
  }

  get work(): Work & Leading {
    if (this.#work === undefined) throw new Error('the service is not started');
    return this.#work;
  }

  /** Kills it before its next change but so many. */
  killAfter(changes: number): void {
    this.#killAt = this.changes + changes;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  async correct(id: InstanceId, category: string, who = 'alice'): Promise<void> {
    await this.#replace(id, (record) => corrected(record, category, { who, when: new Date().toISOString() }));
  }

  async orient(id: InstanceId, said: Parameters<typeof oriented>[1], who = 'alice'): Promise<void> {
    await this.#replace(id, (record) => oriented(record, said, { who, when: new Date().toISOString() }));
  }

  undo = (id: InstanceId) => this.#replace(id, undone);

  /** @param request `when` and more of a request for all instances of a selection */
  async reclassify(ids: InstanceId[], includingCorrected = false): Promise<void> {
    await this.work.reclassification.begin(
      { who: 'bob', selection: { ids: [...ids] as never }, includingCorrected },
      false,
    );
  }

  /** Waits until nothing is left to do, or until it is killed. */
  rest = () => MortalService.rest([this]);

  /** Waits until none of them has anything left to do, or until one is killed. */
  static async rest(services: readonly MortalService[]): Promise<void> {
    for (const service of services) service.#quietPolls = 0;
    await waitFor(
      async () => {
        for (const service of services) if (!(await service.#isIdle())) service.#quietPolls = 0;
        return services.some(({ isDead }) => isDead) || services.every((service) => service.#quietPolls > 10);
      },
      { what: 'rest', everyMs: 5, timeout: 60_000 },
    );
  }

  async #isIdle(): Promise<boolean> {
    const { queue, sweep, reclassification } = this.work;
    const { waiting, running, delayed } = queue.depth();
    return (
      waiting + running + delayed === 0 &&
      sweep.progress.state === 'idle' &&
      reclassification.list().every(({ state }) => state !== 'running') &&
      (await this.#routesWaiting()) === 0
    );
  }

  async sweep(): Promise<void> {
    this.work.sweep.begin();
    await this.rest();
  }

  /** As a stop does. What a killed service still does has no effect, so nobody waits for it. */
  async end(): Promise<void> {
    const ending = this.#parts.map(async (part) => part.stop?.(AbortSignal.abort()));
    this.orthanc.close();
    if (!this.#isDead) await Promise.all(ending).finally(this.#unwatch);
    else void Promise.allSettled(ending).then(this.#unwatch);
  }

  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    const left = newState();
    cpSync(this.stateDir, left, { recursive: true, filter: (path) => !path.endsWith('.lock') });
    this.stateDir = left;
    this.#onDeath();
  }

  call(request: FakeRequest): 'cut' | undefined {
    const since = request.path === '/changes' ? request.query.get('since') : null;
    if (since !== null && since === this.#since) this.#quietPolls++;
    else if (request.path !== '/system') this.#quietPolls = 0;
    if (since !== null) this.#since = since;
    if (!this.#isDead && isWrite(request)) this.#count();
    return this.#isDead ? 'cut' : undefined;
  }

  #change(): void {
    if (!this.#isDead) this.#count();
    if (this.#isDead) throw new Killed('the process is killed');
  }

  #count(): void {
    if (this.changes >= this.#killAt) this.kill();
    else this.changes++;
  }

  async #routesWaiting(): Promise<number> {
    const gauge = await this.#metrics.registry.getSingleMetric('plainview_route_waiting')?.get();
    return (gauge?.values ?? []).reduce((sum, { value }) => sum + Number(value), 0);
  }

  async #replace(id: InstanceId, next: Parameters<Work['recorder']['replace']>[1]): Promise<void> {
    await this.work.recorder.replace(id, (...standing): NewDecision => next(...standing));
    this.work.queue.enqueue(id, 'request');
  }
}

const states: string[] = [];

function newState(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plainview-mortal-'));
  states.push(folder);
  return folder;
}

/** Deletes the state of all services so far. */
export function discardStates(): void {
  for (const folder of states.splice(0)) rmSync(folder, { recursive: true, force: true });
}
