import { untilNothingIsLeft } from '../../testkit/wait-for.js';
import { audit, countBare } from '../audit.js';
import { startBadProxy } from '../proxy.js';
import { type Scenario, sized } from '../report.js';
import { onStage } from '../stage.js';
import { smallPictures, stock } from '../stock.js';
import { Uploader } from '../uploader.js';

const patienceMs = 2000;

/** Everything the service says to Orthanc passes a proxy that loses, delays, cuts and repeats. */
export const proxy: Scenario = (terms) =>
  onStage(async ({ orthanc, newService }) => {
    const { random } = terms;
    const items = stock('proxy', sized(300, terms), await smallPictures(12, random), random);
    const between = await startBadProxy(orthanc.url, random, 1.5 * patienceMs);
    try {
      const service = await newService({
        orthanc: between.url,
        env: { PLAINVIEW_ORTHANC_TIMEOUT_MS: String(patienceMs) },
      });
      const began = Date.now();
      service.start();
      const uploader = new Uploader(orthanc.url);
      await uploader.send(items);
      const bare = await untilNothingIsLeft(() => countBare(orthanc.url, uploader.stored));
      const seconds = (Date.now() - began) / 1000;
      const faults = service.faults();
      await service.stop();
      const found = await audit(orthanc.url, { instances: uploader.stored });
      return {
        title: `A bad proxy between service and Orthanc: ${items.length} instances`,
        rows: {
          requests: { value: between.requests() },
          ...Object.fromEntries(Object.entries(between.met).map(([fate, value]) => [fate, { value }])),
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
