import { waitForZero } from '../../testkit/wait-for.js';
import { audit, countUndecided } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { startUnreliableProxy } from '../unreliable-proxy.js';
import { Uploader } from '../uploader.js';

const timeoutMs = 2000;

/** Between service and Orthanc is a proxy that loses, delays, truncates and repeats requests. */
export const proxy: Scenario = (options) =>
  withDeployment(async ({ orthanc, newService }) => {
    const { random } = options;
    const items = testInstances('proxy', sized(300, options), await smallPictures(12, random), random);
    const unreliable = await startUnreliableProxy(orthanc.url, random, 1.5 * timeoutMs);
    try {
      const service = await newService({
        orthanc: unreliable.url,
        env: { PLAINVIEW_ORTHANC_TIMEOUT_MS: String(timeoutMs) },
      });
      const began = Date.now();
      service.start();
      const uploader = new Uploader(orthanc.url);
      await uploader.send(items);
      const undecided = await waitForZero(() => countUndecided(orthanc.url, uploader.stored));
      const seconds = (Date.now() - began) / 1000;
      const faults = service.faults();
      await service.stop();
      const found = await audit(orthanc.url, { instances: uploader.stored });
      return {
        title: `A bad proxy unreliable service and Orthanc: ${items.length} instances`,
        rows: {
          requests: { value: unreliable.requests() },
          ...Object.fromEntries(
            Object.entries(unreliable.counts).map(([fault, value]) => [fault, { value }]),
          ),
          ...Object.fromEntries(
            Object.entries(found.decisions).map(([name, value]) => [`decision ${name}`, { value }]),
          ),
          'undecided at the end': { value: undecided },
          seconds: { value: Math.round(seconds) },
        },
        violations: [...found.violations, ...faults],
      };
    } finally {
      await unreliable.stop();
    }
  });
