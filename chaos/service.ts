import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { shipped } from '../src/files/places.js';
import { until } from './until.js';

const cursor = z.object({ since: z.number() });

/** `plainview serve` as a site runs it, to be killed, stopped, frozen and started again. */
export class ServiceProcess {
  readonly stateDir: string;
  readonly #url: string;
  readonly #env: Record<string, string>;
  readonly #logFile: string;
  #child: ChildProcess | undefined;

  constructor(options: {
    orthanc: string;
    port: number;
    secret: string;
    stateDir: string;
    env?: Record<string, string>;
  }) {
    this.stateDir = options.stateDir;
    this.#url = `http://127.0.0.1:${options.port}`;
    this.#logFile = join(options.stateDir, 'service.log');
    this.#env = {
      PATH: process.env.PATH ?? '',
      PLAINVIEW_ORTHANC_URL: options.orthanc,
      PLAINVIEW_PORT: String(options.port),
      PLAINVIEW_SECRET: options.secret,
      PLAINVIEW_STATE_DIR: options.stateDir,
      PLAINVIEW_CHANGES_POLL_MS: '500',
      ...options.env,
    };
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  /** Does not wait for it. @param env over what the constructor was given */
  start(env: Record<string, string> = {}): void {
    const log = openSync(this.#logFile, 'a');
    this.#child = spawn(process.execPath, [shipped('dist', 'cli.js'), 'serve'], {
      env: { ...this.#env, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
  }

  async ready(): Promise<void> {
    await until('the service is ready', async () => {
      if (this.#ended()) throw new Error(`the service ended: ${this.log().slice(-500)}`);
      const answer = await fetch(`${this.#url}/health/ready`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok ?? false;
    });
  }

  kill = () => this.#end('SIGKILL');
  stop = () => this.#end('SIGTERM');

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** What stands at `/metrics` under that name with those labels; 0 where nothing was counted yet. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  /** Megabytes: resident now, and at most since it started. NaN where there is no /proc. */
  memory(): { now: number; peak: number } {
    const status = this.#procStatus();
    const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    return { now: of('VmRSS'), peak: of('VmHWM') };
  }

  /** As a start after a kill would read it; 0 where there is none. */
  cursor(): number {
    try {
      return cursor.parse(JSON.parse(readFileSync(join(this.stateDir, 'changes.json'), 'utf8'))).since;
    } catch {
      return 0;
    }
  }

  /** Of all its runs. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Errors that the service itself calls its own fault, and ends that nobody asked for. */
  faults(): string[] {
    const own = this.log()
      .split('\n')
      .filter((line) => line.includes('"code":"internal"') || /^\S*Error: /.test(line));
    return own.length === 0
      ? []
      : [`the log holds ${own.length} faults of its own: ${own[0]?.slice(0, 300)}`];
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
    if (child === undefined || this.#ended()) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  #ended = (): boolean => this.#child?.exitCode !== null || this.#child.signalCode !== null;
}
