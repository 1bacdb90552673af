import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgresql } from '../../testkit/postgresql.js';
import { isInPostgresql } from '../../testkit/variants.js';
import { waitForZero } from '../../testkit/wait-for.js';
import { audit, countUndecided } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

/** PostgreSQL, which holds Orthanc's index, restarts every few seconds while a backlog is decided. */
export const database: Scenario = async (options) => {
  const title = 'PostgreSQL restarts every few seconds';
  const postgresql = isInPostgresql ? await startPostgresql() : undefined;
  if (postgresql === undefined)
    return { title: `${title}: left out, see CONTRIBUTING.md`, rows: {}, violations: [] };
  return withDeployment(async ({ orthanc, newService }) => {
    const { random, log } = options;
    const items = testInstances('database', sized(2500, options), await smallPictures(12, random), random);
    const uploader = new Uploader(orthanc.url);
    await uploader.send(items);
    log(`${uploader.stored.size} stored; the service starts`);
    const service = await newService();
    service.start();
    await service.ready();
    let restarts = 0;
    let isOver = false;
    const restarting = (async () => {
      while (!isOver) {
        await sleep(2000 + 3000 * random());
        await postgresql.restart();
        restarts++;
      }
    })();
    const undecided = await waitForZero(() =>
      // Orthanc answers HTTP 500 at times.
      countUndecided(orthanc.url, uploader.stored).catch(() => Number.POSITIVE_INFINITY),
    ).finally(() => {
      isOver = true;
    });
    await restarting;
    const faults = service.faults();
    await service.stop();
    await postgresql.stop();
    const found = await audit(orthanc.url, { instances: uploader.stored });
    return {
      title,
      rows: {
        instances: { value: items.length },
        restarts: { value: restarts },
        'undecided at the end': { value: undecided },
        failed: { value: found.decisions.failed ?? 0 },
        'of these, truncated': { value: items.filter(({ expected }) => expected === 'failed').length },
      },
      violations: [...found.violations, ...faults],
    };
  });
};
