import { randomUUID } from 'node:crypto';
import { type SandboxOrthanc, startOrthanc } from '../../src/sandbox/orthanc.js';
import { freePort } from '../../src/sandbox/ports.js';
import { Listener } from '../../testkit/listener.js';
import { shuffled } from '../../testkit/random.js';
import { type ServiceProcess, startServiceProcess } from '../../testkit/service-process.js';
import { waitFor } from '../../testkit/wait-for.js';
import { longest, median, sum } from '../statistics.js';
import { remove, store, withinMs } from './orthanc.js';
import { type Exposure, newInstance } from './pictures.js';

export const hangingName = 'hook, service hangs';

/** One Orthanc and what answers its hook. */
interface UploadSetup {
  name: string;
  orthanc: SandboxOrthanc;
  /** Milliseconds that each upload of each round took. */
  rounds: number[][];
  /** How often the hook called; undefined where nobody counts. */
  calls?: () => Promise<number>;
  service?: ServiceProcess;
  close: () => Promise<void>;
}

export interface UploadRow {
  name: string;
  /** Uploads per second: the median round, and all rounds together. */
  perSecond: number;
  overall: number;
  /** Against 'without the hook' in the same round, the median of the rounds; and of all together. */
  ratio: number;
  overallRatio: number;
  longestMs: number;
  medianMs: number;
  calls: number | undefined;
}

/**
 * Uploads by REST, one after the other, to an Orthanc without the hook and to one for each thing that can become
 * of the hook's call. Each round visits all of them in another order, so that a slower minute of the machine
 * is everybody's.
 */
export async function measureUploads(options: {
  rounds: number;
  uploads: number;
  exposure: Exposure;
  random: () => number;
  say: (line: string) => void;
}): Promise<UploadRow[]> {
  const { rounds, uploads, exposure, random, say } = options;
  const sites: UploadSetup[] = [];
  try {
    for (const open of [
      withoutHook,
      withoutHookButService,
      withService,
      withInstantAnswer,
      withServiceDown,
      withHangingService,
    ])
      sites.push(await open());
    // What the hook passes over, so that no breaker has been tripped before the clock runs.
    for (const site of sites) await round(site, 20, exposure, 'CT');
    for (let index = 1; index <= rounds; index++)
      for (const site of shuffled(sites, random)) {
        const times = await round(site, uploads, exposure, 'CR');
        site.rounds.push(times);
        say(`round ${index}/${rounds}, ${site.name}: ${rate(times).toFixed(0)} uploads/s`);
      }
    const baseline = sites[0]?.rounds ?? [];
    return await Promise.all(sites.map((site) => row(site, baseline)));
  } finally {
    for (const site of sites) await site.close();
  }
}

/** @returns milliseconds of each upload; the Orthanc is empty again, and the service has caught up */
async function round(
  site: UploadSetup,
  uploads: number,
  exposure: Exposure,
  modality: 'CR' | 'CT',
): Promise<number[]> {
  const files = Array.from({ length: uploads }, () =>
    newInstance(exposure, { modality, patientId: 'BENCH' }),
  );
  const decided = (await site.service?.metric(decidedCount)) ?? 0;
  const times: number[] = [];
  let patient = '';
  for (const file of files) {
    const began = performance.now();
    patient = (await store(site.orthanc.url, file)).ParentPatient;
    times.push(performance.now() - began);
  }
  const { service } = site;
  if (service && modality === 'CR')
    await waitFor(async () => (await service.metric(decidedCount)) >= decided + uploads, {
      what: 'all decided',
      timeout: withinMs,
    });
  await remove(site.orthanc.url, patient);
  return times;
}

const decidedCount = 'plainview_stage_seconds_count{stage="total"}';

const rate = (times: readonly number[]): number => (1000 * times.length) / sum(times);

async function row(site: UploadSetup, baseline: readonly number[][]): Promise<UploadRow> {
  const rates = site.rounds.map(rate);
  const overall = rate(site.rounds.flat());
  return {
    name: site.name,
    perSecond: median(rates),
    overall,
    ratio: median(rates.map((value, index) => value / rate(baseline[index] ?? []))),
    overallRatio: overall / rate(baseline.flat()),
    longestMs: longest(site.rounds.flat()),
    medianMs: median(site.rounds.flat()),
    calls: await site.calls?.(),
  };
}

const withoutHook = async (): Promise<UploadSetup> => {
  const orthanc = await startOrthanc();
  return { name: 'without the hook', orthanc, rounds: [], close: () => orthanc.discard() };
};

/** The classifying takes its share of the processor however the service learns of an instance: this tells it apart. */
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

/** The hook's own cost: nothing else uses the processor or Orthanc. */
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
