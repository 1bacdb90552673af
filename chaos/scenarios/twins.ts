import { waitForZero } from '../../testkit/wait-for.js';
import { audit, countUndecided } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

/** Two services on one Orthanc, the second by mistake. Both read the change log, and the hook calls one of them. */
export const twins: Scenario = (options) =>
  withDeployment(async ({ orthanc, newService }) => {
    const { random } = options;
    const items = testInstances('twins', sized(300, options), await smallPictures(12, random), random);
    const both = [await newService(), await newService()];
    for (const service of both) service.start();
    for (const service of both) await service.ready();
    const uploader = new Uploader(orthanc.url);
    await uploader.send(items);
    const undecided = await waitForZero(() => countUndecided(orthanc.url, uploader.stored));
    const decided = await Promise.all(
      both.map((service) => service.metric('plainview_stage_seconds_count{stage="total"}')),
    );
    const faults = both.flatMap((service) => service.faults());
    for (const service of both) await service.stop();
    const found = await audit(orthanc.url, { instances: uploader.stored });
    return {
      title: `Two services on one Orthanc: ${items.length} instances`,
      rows: {
        'decided by the first': { value: decided[0] ?? 0 },
        'decided by the second': { value: decided[1] ?? 0 },
        'instances decided': { value: Object.values(found.decisions).reduce((sum, count) => sum + count, 0) },
        'undecided at the end': { value: undecided },
      },
      violations: [...found.violations, ...faults],
    };
  });
