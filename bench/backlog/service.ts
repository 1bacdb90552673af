import type { SandboxOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { freshState } from '../../testkit/service.js';
import { ServiceProcess } from '../../testkit/service-process.js';
import { waitFor } from '../../testkit/wait-for.js';
import { cpuMs } from './cpu.js';

/** What a run over so many films took. */
export interface Run {
  films: number;
  seconds: number;
  /** CPU time of Plainview, or of who calls Orthanc in its place, and of Orthanc, milliseconds a film. */
  plainviewMs: number;
  orthancMs: number;
}

export const perSecond = ({ films, seconds }: Run): number => films / seconds;

/** Takes times and CPU of both processes around a task. */
export async function measured(
  pids: { plainview: number; orthanc: number },
  films: number,
  task: () => Promise<unknown>,
): Promise<Run> {
  const before = { plainview: cpuMs(pids.plainview), orthanc: cpuMs(pids.orthanc) };
  const began = performance.now();
  await task();
  return {
    films,
    seconds: (performance.now() - began) / 1000,
    plainviewMs: (cpuMs(pids.plainview) - before.plainview) / films,
    orthancMs: (cpuMs(pids.orthanc) - before.orthanc) / films,
  };
}

/** The whole service, from its change log, as one more process. */
export async function withBacklog(
  orthanc: SandboxOrthanc,
  env: Record<string, string>,
  use: (service: ServiceProcess, decided: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const stateDir = await freshState(orthanc.url, true);
  const service = new ServiceProcess({
    orthanc: orthanc.url,
    port: await freePort(),
    secret: 'bench-bench-bench-bench',
    stateDir,
    env: { PLAINVIEW_LOG_LEVEL: 'warn', ...env },
  });
  try {
    service.start();
    await service.ready();
    await use(service, () => service.metric('plainview_stage_seconds_count{stage="total"}'));
  } finally {
    await service.stop();
    await service.discard();
  }
}

export const waitForDecided = (decided: () => Promise<number>, count: number) =>
  waitFor(async () => (await decided()) >= count, {
    what: `${count} decided`,
    timeout: 36_000_000,
    everyMs: 250,
  });
