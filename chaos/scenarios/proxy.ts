import { waitForZero } from '../../testkit/wait-for.js';
import { audit, countUndecided } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { startUnreliableProxy } from '../unreliable-proxy.js';
import { Uploader } from '../uploader.js';

const patienceMs = 2000;

/** Everything the service says to Orthanc passes a proxy that loses, delays, cuts and repeats. */
export const proxy: Scenario = (terms) =>
  withDeployment(async ({ orthanc, newService }) => {
    const { random } = terms;
    const items = testInstances('proxy', sized(300, terms), await smallPictures(12, random), random);
    const between = await startUnreliableProxy(orthanc.url, random, 1.5 * patienceMs);
    try {
      const service = await newService({
        orthanc: between.url,
        env: { PLAINVIEW_ORTHANC_TIMEOUT_MS: String(patienceMs) },
      });
      const began = Date.now();
      service.start();
      const uploader = new Uploader(orthanc.url);
      await uploader.send(items);
      const bare = await waitForZero(() => countUndecided(orthanc.url, uploader.stored));
      const seconds = (Date.now() - began) / 1000;
      const faults = service.faults();
      await service.stop();
      const found = await audit(orthanc.url, { instances: uploader.stored });
      return {
        title: `A bad proxy between service and Orthanc: ${items.length} instances`,
        rows: {
          requests: { value: between.requests() },
          ...Object.fromEntries(Object.entries(between.counts).map(([fate, value]) => [fate, { value }])),
          ...Object.fromEntries(
            Object.entries(found.decisions).map(([name, value]) => [`decision ${name}`, { value }]),
          ),
          'bare at the end': { value: bare },
          seconds: { value: Math.round(seconds) },
        },
        violations: [...found.violations, ...faults],
      };
    } finally {
      await between.stop();
    }
  });
