import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/sandbox/ports.js';
import { type Scenario, sized } from '../report.js';
import { ServiceProcess } from '../service.js';
import { SimulatedOrthanc } from '../simulated.js';
import { until } from '../until.js';

const parts = 5;

/** A long backlog: memory stays flat, the rate steady, and a kill in the middle costs nothing that was done. */
export const flat: Scenario = async (terms) => {
  const count = sized(100_000, terms);
  const orthanc = new SimulatedOrthanc(count);
  const stateDir = await mkdtemp(join(tmpdir(), 'plainview-chaos-'));
  const service = new ServiceProcess({
    orthanc: await orthanc.listen(),
    port: await freePort(),
    secret: 'chaos-chaos-chaos-chaos',
    stateDir,
    env: { PLAINVIEW_LOG_LEVEL: 'warn', PLAINVIEW_CONCURRENCY: '16', PLAINVIEW_ORTHANC_CONNECTIONS: '16' },
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
      await until(`${goal} are decided`, async () => orthanc.decided >= goal, {
        everyMs: 100,
        withinMs: 900_000,
      });
      const rate = (orthanc.decided - from) / ((performance.now() - began) / 1000);
      const { now, peak } = service.memory();
      rates.push(rate);
      memories.push(now);
      terms.say(`${orthanc.decided} of ${count}`);
      rows[`until ${orthanc.decided}`] = {
        'a second': Math.round(rate),
        'memory, MB': Math.round(now),
        'peak, MB': Math.round(peak),
      };
      if (part === Math.ceil(parts / 2)) {
        await service.kill();
        const [cursor, done] = [service.cursor(), orthanc.decided];
        rows['killed here'] = { cursor, decided: done };
        const passed = orthanc.bareUpTo(cursor);
        if (passed > 0) violations.push(`after the kill the cursor had passed ${passed} undecided instances`);
        if (done - cursor > 2000)
          violations.push(`after the kill the cursor stood at ${cursor}, far behind ${done}`);
        service.start();
        await service.ready();
      }
    }
    await until('the cursor stands at the end', async () => service.cursor() === count);
    const [second = 0, last = 0] = [memories[1], memories.at(-1)];
    if (last > second * 1.5)
      violations.push(`memory grew from ${Math.round(second)} to ${Math.round(last)} MB`);
    if (Math.min(...rates) < Math.max(...rates) / 3) violations.push('the rate is not steady');
    violations.push(...service.faults());
    await service.stop();
  } finally {
    await service.kill();
    await orthanc.close();
    await rm(stateDir, { recursive: true, force: true });
  }
  return { title: `A backlog of ${count} bare instances (a simulated Orthanc)`, rows, violations };
};
