import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shipped } from '../../src/files/places.js';
import { until } from './orthanc.js';

export interface ServiceProcess {
  /** What stands at `/metrics` under that name with those labels; 0 where nothing was counted yet. */
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

/** `plainview serve` as a site runs it: a process of its own, so that it does not share this one's thread. */
export async function startServiceProcess(options: {
  orthanc: string;
  port: number;
  secret: string;
  env?: Record<string, string>;
}): Promise<ServiceProcess> {
  const state = await mkdtemp(join(tmpdir(), 'plainview-bench-'));
  const url = `http://127.0.0.1:${options.port}`;
  const child = spawn(process.execPath, [shipped('dist', 'cli.js'), 'serve'], {
    env: {
      PATH: process.env.PATH,
      PLAINVIEW_ORTHANC_URL: options.orthanc,
      PLAINVIEW_PORT: String(options.port),
      PLAINVIEW_SECRET: options.secret,
      PLAINVIEW_STATE_DIR: state,
      PLAINVIEW_LOG_LEVEL: 'error',
      ...options.env,
    },
    // Its log is progress; standard output is for the table.
    stdio: ['ignore', process.stderr, process.stderr],
  });
  const atExit = () => child.kill('SIGKILL');
  process.once('exit', atExit);
  const stop = async () => {
    if (!hasEnded(child)) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    process.off('exit', atExit);
    await rm(state, { recursive: true, force: true });
  };
  const metric = async (name: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  };
  try {
    await until('the service is ready', async () => {
      if (hasEnded(child)) throw new Error(`the service ended with status ${child.exitCode}`);
      const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok ?? false;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { metric, stop };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
