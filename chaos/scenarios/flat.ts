import { freePort } from '../../src/sandbox/ports.js';
import { ServiceProcess } from '../../testkit/service-process.js';
import { SimulatedOrthanc } from '../../testkit/simulated-orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';
import { type Scenario, sized } from '../report.js';

const parts = 5;

/** A long backlog: memory and rate stay constant, and a kill in the middle loses no decision. */
export const flat: Scenario = async (options) => {
  const count = sized(100_000, options);
  const orthanc = new SimulatedOrthanc(count);
  const service = new ServiceProcess({
    orthanc: await orthanc.listen(),
    port: await freePort(),
    secret: 'chaos-chaos-chaos-chaos',
    env: {
      PLAINVIEW_CHANGES_POLL_MS: '500',
      PLAINVIEW_LOG_LEVEL: 'warn',
      PLAINVIEW_CONCURRENCY: '16',
      PLAINVIEW_ORTHANC_CONNECTIONS: '16',
    },
  });
  const rows: Record<string, Record<string, string | number>> = {};
  const violations: string[] = [];
  const rates: number[] = [];
  const memories: number[] = [];
  try {
    service.start();
    await service.ready();
    for (let part = 1; part <= parts; part++) {
      const [from, began] = [orthanc.decided, performance.now()];
      const goal = Math.floor((count * part) / parts);
      await waitFor(() => orthanc.decided >= goal, {
        what: `${goal} decided`,
        everyMs: 100,
        timeout: 900_000,
      });
      const rate = (orthanc.decided - from) / ((performance.now() - began) / 1000);
      const { now, peak } = service.memory();
      rates.push(rate);
      memories.push(now);
      options.log(`${orthanc.decided} of ${count}`);
      rows[`until ${orthanc.decided}`] = {
        'a second': Math.round(rate),
        'memory, MB': Math.round(now),
        'peak, MB': Math.round(peak),
      };
      if (part === Math.ceil(parts / 2)) {
        await service.kill();
        const [settled, done] = [service.watermark(), orthanc.decided];
        rows['killed here'] = { watermark: settled, decided: done };
        const skipped = orthanc.undecidedUpTo(settled);
        if (skipped > 0)
          violations.push(`after the kill the watermark had passed ${skipped} undecided instances`);
        if (done - settled > 2000)
          violations.push(`after the kill the watermark was ${settled}, far behind ${done}`);
        service.start();
        await service.ready();
      }
    }
    await waitFor(() => service.watermark() === count, { what: 'the watermark at the end', timeout: 60_000 });
    const [second = 0, last = 0] = [memories[1], memories.at(-1)];
    if (last > second * 1.5)
      violations.push(`memory grew from ${Math.round(second)} to ${Math.round(last)} MB`);
    if (Math.min(...rates) < Math.max(...rates) / 3) violations.push('the rate is not steady');
    violations.push(...service.faults());
    await service.stop();
  } finally {
    await service.discard();
    await orthanc.close();
  }
  return { title: `A backlog of ${count} undecided instances (a simulated Orthanc)`, rows, violations };
};
