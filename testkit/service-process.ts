import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { options } from '../src/config/options.js';
import { cliFile } from './cli.js';
import { waitFor } from './wait-for.js';

const hasAddress = 'address' in options.shape;
const readiness = z.object({ leads: z.boolean().default(false) });
const watermark = z.object({ since: z.number() });

export interface ServiceProcessOptions {
  orthanc: string;
  port: number;
  secret: string;
  env?: Record<string, string>;
  /** Default: a new one, which `discard` deletes. */
  stateDir?: string;
  /** A command that runs the service as its own process, with arguments. */
  under?: readonly string[];
  /** Of another build. */
  cli?: string;
  command?: 'serve' | 'work';
}

/** `plainview serve` as a process that can be killed, stopped, frozen and started again. */
export class ServiceProcess {
  readonly url: string;
  readonly secret: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'plainview-service-'));
  readonly #logFile = join(this.#folder, 'service.log');
  readonly #stateDir: string;
  readonly #command: readonly string[];
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  readonly #killAtExit = () => this.#child?.kill('SIGKILL');

  constructor({
    orthanc,
    port,
    secret,
    env = {},
    stateDir,
    under = [],
    cli = cliFile,
    command = 'serve',
  }: ServiceProcessOptions) {
    this.url = `http://127.0.0.1:${port}`;
    this.secret = secret;
    this.#stateDir = stateDir ?? this.#folder;
    this.#command = [...under, process.execPath, cli, command];
    this.#env = {
      PATH: process.env.PATH ?? '',
      PLAINVIEW_ORTHANC_URL: orthanc,
      PLAINVIEW_PORT: String(port),
      PLAINVIEW_SECRET: secret,
      PLAINVIEW_STATE_DIR: this.#stateDir,
      // Others on its database reach it there: it listens on loopback only.
      ...(env.PLAINVIEW_DATABASE_URL !== undefined && hasAddress ? { PLAINVIEW_ADDRESS: this.url } : {}),
      ...env,
    };
    process.once('exit', this.#killAtExit);
  }

  /** Does not wait until it is ready. */
  start(): void {
    const log = openSync(this.#logFile, 'a');
    const [program = '', ...args] = this.#command;
    this.#child = spawn(program, args, {
      env: this.#env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
  }

  async ready(): Promise<void> {
    const isReady = async () => {
      if (this.hasEnded()) throw new Error(`the service ended: ${this.log().slice(-500)}`);
      const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok ?? false;
    };
    await waitFor(isReady, { what: 'readiness of the service', timeout: 60_000 });
  }

  /** Whether it leads those on its database, and is ready to answer. */
  async leads(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2000) });
      return readiness.parse(await answer.json()).leads && answer.ok;
    } catch {
      return false; // it ended, or does not answer
    }
  }

  kill = () => this.#end('SIGKILL');
  stop = () => this.#end('SIGTERM');

  /** Kills it and deletes its log, and its state unless that was given. */
  async discard(): Promise<void> {
    await this.kill();
    process.off('exit', this.#killAtExit);
    await rm(this.#folder, { recursive: true, force: true });
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Value of a metric. @param name with labels as in `/metrics` @returns 0 where there is no value yet */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Resident memory in megabytes: now, and the peak since the start. NaN without /proc. */
  memory(): { now: number; peak: number } {
    const status = this.#procStatus();
    const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    return { now: of('VmRSS'), peak: of('VmHWM') };
  }

  /** The stored watermark, from which the next start continues; 0 where there is none. */
  watermark(): number {
    try {
      return watermark.parse(JSON.parse(readFileSync(join(this.#stateDir, 'changes.json'), 'utf8'))).since;
    } catch {
      return 0;
    }
  }

  /** Internal errors and crashes in the log, of all starts. @returns no or one message */
  faults(): string[] {
    const lines = this.log()
      .split('\n')
      .filter((line) => line.includes('"code":"internal"') || /^\S*Error: /.test(line))
      // What a process of an archive says that others have gone on without.
      .filter((line) => !line.includes('have gone on without'));
    return lines.length === 0
      ? []
      : [`the log holds ${lines.length} faults of its own: ${lines[0]?.slice(0, 300)}`];
  }

  /** Of all starts so far. A line comes there later than the answer of which it tells: `logged` waits for it. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Waits until a line of the log matches. */
  async logged(line: RegExp): Promise<void> {
    await waitFor(() => line.test(this.log()), { what: `a line of the log that matches ${line}` });
  }

  #procStatus(): string {
    try {
      return readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    } catch {
      return '';
    }
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.hasEnded()) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Of the last process that ended by itself; null after a signal, and while it runs. */
  exitStatus(): number | null {
    return this.#child?.exitCode ?? null;
  }

  hasEnded(): boolean {
    return this.#child !== undefined && (this.#child.exitCode !== null || this.#child.signalCode !== null);
  }
}

/** Starts a service and waits until it is ready. */
export async function startServiceProcess(options: ServiceProcessOptions): Promise<ServiceProcess> {
  const service = new ServiceProcess(options);
  try {
    service.start();
    await service.ready();
    return service;
  } catch (error) {
    await service.discard();
    throw error;
  }
}
