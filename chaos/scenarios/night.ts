import { waitForZero } from '../../testkit/wait-for.js';
import { audit, countUndecided } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

/** The service starts only after all instances of a night are stored. */
export const night: Scenario = (options) =>
  withDeployment(async ({ orthanc, newService }) => {
    const { random, log } = options;
    const items = testInstances('night', sized(2000, options), await smallPictures(12, random), random);
    const uploader = new Uploader(orthanc.url);
    await uploader.send(items);
    log(`${uploader.stored.size} stored; the service starts`);
    const service = await newService();
    const began = Date.now();
    service.start();
    const undecided = await waitForZero(() => countUndecided(orthanc.url, uploader.stored));
    const seconds = (Date.now() - began) / 1000;
    const { peak } = service.memory();
    const faults = service.faults();
    await service.stop();
    const found = await audit(orthanc.url, { instances: uploader.stored });
    const radiographs = Object.values(found.decisions).reduce((sum, count) => sum + count, 0);
    return {
      title: `Down for a night: ${items.length} instances stored meanwhile`,
      rows: {
        radiographs: { value: radiographs },
        'undecided at the end': { value: undecided },
        'seconds to catch up': { value: Math.round(seconds) },
        'radiographs a second': { value: Math.round(radiographs / seconds) },
        'peak memory, MB': { value: Math.round(peak) },
      },
      violations: [...found.violations, ...faults],
    };
  });
