import { hookKey } from '../../src/access/keys.js';
import { freePort } from '../../src/sandbox/ports.js';
import { ServiceProcess } from '../../testkit/service-process.js';
import { SimulatedOrthanc } from '../../testkit/simulated-orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';
import { type Scenario, sized } from '../report.js';

const secret = 'chaos-chaos-chaos-chaos';
/** Orthanc sends its notices one after the other. Several at a time are worse than reality. */
const concurrency = 4;

/** A migration: the hook sends tens of thousands of notices, each as soon as the previous one is answered. */
export const burst: Scenario = async (options) => {
  const count = sized(50_000, options);
  const orthanc = new SimulatedOrthanc(count);
  const port = await freePort();
  const service = new ServiceProcess({
    orthanc: await orthanc.listen(),
    port,
    secret,
    env: { PLAINVIEW_CHANGES_POLL_MS: '500', PLAINVIEW_LOG_LEVEL: 'warn' },
  });
  const answers: number[] = [];
  const violations: string[] = [];
  const notify = async (instance: string) => {
    const began = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}/hook`, {
      method: 'POST',
      headers: { 'X-Plainview-Hook-Key': hookKey(secret) },
      body: JSON.stringify({
        instance,
        modality: 'DX',
        sopClass: '1.2.840.10008.5.1.4.1.1.1.1',
        change: 'stored',
      }),
    });
    const text = await response.text();
    answers.push(performance.now() - began);
    if (response.status !== 202 || text === '') violations.push(`a notice was answered ${response.status}`);
  };
  try {
    service.start();
    await service.ready();
    const began = performance.now();
    const instances = orthanc.instances().values();
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (const instance of instances) await notify(instance);
      }),
    );
    const notifiedAt = performance.now();
    const [waiting, memory] = [
      await service.metric('plainview_queue_jobs{state="waiting"}'),
      service.memory(),
    ];
    options.log(`${count} notices in ${Math.round((notifiedAt - began) / 1000)} s, ${waiting} wait`);
    await waitFor(() => orthanc.decided === count, {
      what: 'all decided',
      everyMs: 200,
      timeout: 1_800_000,
    });
    await waitFor(() => service.watermark() === count, { what: 'the watermark at the end', timeout: 60_000 });
    const seconds = (performance.now() - notifiedAt) / 1000;
    answers.sort((a, b) => a - b);
    violations.push(...service.faults());
    return {
      title: `A burst of ${count} notices (a simulated Orthanc)`,
      rows: {
        'notices a second': { value: Math.round((count * 1000) / (notifiedAt - began)) },
        'answered within, p99, ms': { value: Math.round(answers[Math.floor(count * 0.99)] ?? Number.NaN) },
        'answered within, longest, ms': { value: Math.round(answers.at(-1) ?? Number.NaN) },
        'waiting at its end': { value: waiting },
        'memory at its end, MB': { value: Math.round(memory.now) },
        'peak memory, MB': { value: Math.round(service.memory().peak) },
        'seconds until all were decided': { value: Math.round(seconds) },
      },
      violations,
    };
  } finally {
    await service.discard();
    await orthanc.close();
  }
};
