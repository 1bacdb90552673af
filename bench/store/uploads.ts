import { randomUUID } from 'node:crypto';
import { type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { Listener } from '../../testkit/listener.js';
import { shuffled } from '../../testkit/random.js';
import { type ServiceProcess, startServiceProcess } from '../../testkit/service-process.js';
import { waitFor } from '../../testkit/wait-for.js';
import { maximum, median, sum } from '../statistics.js';
import { remove, store, timeoutMs } from './orthanc.js';
import { type Exposure, newInstance } from './pictures.js';

export const hangingName = 'hook, service hangs';

/** An Orthanc and the server that its hook calls. */
interface UploadSetup {
  name: string;
  orthanc: SandboxOrthanc;
  /** Duration of each upload of each round, milliseconds. */
  rounds: number[][];
  /** Number of calls of the hook; undefined where nothing counts them. */
  calls?: () => Promise<number>;
  service?: ServiceProcess;
  close: () => Promise<void>;
}

export interface UploadRow {
  name: string;
  /** Uploads per second: the median round, and all rounds together. */
  perSecond: number;
  overall: number;
  /** Speed relative to 'without the hook': median of the ratios per round, and of all rounds together. */
  ratio: number;
  overallRatio: number;
  longestMs: number;
  medianMs: number;
  calls: number | undefined;
}

/**
 * Measures uploads by REST, one after the other, to an Orthanc without the hook, and to one for each possible result
 * of the hook's call. Each round runs all of them in random order, so that a slow minute of the machine affects all
 * alike.
 */
export async function measureUploads(options: {
  rounds: number;
  uploads: number;
  exposure: Exposure;
  random: () => number;
  log: (line: string) => void;
}): Promise<UploadRow[]> {
  const { rounds, uploads, exposure, random, log } = options;
  const setups: UploadSetup[] = [];
  try {
    for (const open of [
      withoutHook,
      withoutHookButService,
      withService,
      withInstantAnswer,
      withServiceDown,
      withHangingService,
    ])
      setups.push(await open());
    // Warm-up with CT, which the hook ignores, so that its circuit breaker stays closed.
    for (const setup of setups) await runRound(setup, 20, exposure, 'CT');
    for (let index = 1; index <= rounds; index++)
      for (const setup of shuffled(setups, random)) {
        const times = await runRound(setup, uploads, exposure, 'CR');
        setup.rounds.push(times);
        log(`round ${index}/${rounds}, ${setup.name}: ${rate(times).toFixed(0)} uploads/s`);
      }
    const baseline = setups[0]?.rounds ?? [];
    return await Promise.all(setups.map((setup) => row(setup, baseline)));
  } finally {
    for (const setup of setups) await setup.close();
  }
}

/** Empties Orthanc at the end, once the service has decided everything. @returns milliseconds of each upload */
async function runRound(
  setup: UploadSetup,
  uploads: number,
  exposure: Exposure,
  modality: 'CR' | 'CT',
): Promise<number[]> {
  const files = Array.from({ length: uploads }, () =>
    newInstance(exposure, { modality, patientId: 'BENCH' }),
  );
  const decided = (await setup.service?.metric(decidedCount)) ?? 0;
  const times: number[] = [];
  let patient = '';
  for (const file of files) {
    const began = performance.now();
    patient = (await store(setup.orthanc.url, file)).ParentPatient;
    times.push(performance.now() - began);
  }
  const { service } = setup;
  if (service && modality === 'CR')
    await waitFor(async () => (await service.metric(decidedCount)) >= decided + uploads, {
      what: 'all decided',
      timeout: timeoutMs,
    });
  await remove(setup.orthanc.url, patient);
  return times;
}

const decidedCount = 'plainview_stage_seconds_count{stage="total"}';

const rate = (times: readonly number[]): number => (1000 * times.length) / sum(times);

async function row(setup: UploadSetup, baseline: readonly number[][]): Promise<UploadRow> {
  const rates = setup.rounds.map(rate);
  const overall = rate(setup.rounds.flat());
  return {
    name: setup.name,
    perSecond: median(rates),
    overall,
    ratio: median(rates.map((value, index) => value / rate(baseline[index] ?? []))),
    overallRatio: overall / rate(baseline.flat()),
    longestMs: maximum(setup.rounds.flat()),
    medianMs: median(setup.rounds.flat()),
    calls: await setup.calls?.(),
  };
}

const withoutHook = async (): Promise<UploadSetup> => {
  const orthanc = await startOrthanc();
  return { name: 'without the hook', orthanc, rounds: [], close: () => orthanc.discard() };
};

/** Shows how much classifying alone slows down uploads: the service learns of instances without the hook. */
const withoutHookButService = () =>
  withServiceProcess('no hook, service classifies', {
    hook: false,
    env: { PLAINVIEW_CHANGES_POLL_MS: '100' },
  });

const withService = () => withServiceProcess('hook, service classifies', { hook: true, env: {} });

async function withServiceProcess(
  name: string,
  options: { hook: boolean; env: Record<string, string> },
): Promise<UploadSetup> {
  const [port, secret] = [await freePort(), randomUUID()];
  const orthanc = await startOrthanc({
    hook: options.hook && { url: `http://127.0.0.1:${port}/hook`, secret },
  });
  try {
    const service = await startServiceProcess({
      orthanc: orthanc.url,
      port,
      secret,
      env: { PLAINVIEW_LOG_LEVEL: 'error', ...options.env },
    });
    return {
      name,
      orthanc,
      rounds: [],
      service,
      calls: () => service.metric('plainview_hook_notices_total{outcome="accepted"}'),
      close: async () => {
        await service.discard();
        await orthanc.discard();
      },
    };
  } catch (error) {
    await orthanc.discard();
    throw error;
  }
}

/** The cost of the hook alone: nothing else uses the CPU or Orthanc. */
const withInstantAnswer = () => withListener('hook, answered at once, no work', new Listener());

function withHangingService(): Promise<UploadSetup> {
  const listener = new Listener();
  listener.answer = 'never';
  return withListener(hangingName, listener);
}

async function withListener(name: string, listener: Listener): Promise<UploadSetup> {
  await listener.listen();
  const orthanc = await startOrthanc({ hook: { url: listener.url, secret: randomUUID() } });
  return {
    name,
    orthanc,
    rounds: [],
    calls: async () => listener.requests.length,
    close: async () => {
      await orthanc.discard();
      await listener.close();
    },
  };
}

async function withServiceDown(): Promise<UploadSetup> {
  const url = `http://127.0.0.1:${await freePort()}/hook`;
  const orthanc = await startOrthanc({ hook: { url, secret: randomUUID() } });
  return { name: 'hook, service down', orthanc, rounds: [], close: () => orthanc.discard() };
}
