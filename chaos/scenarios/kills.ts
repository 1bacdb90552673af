import { setTimeout as delay } from 'node:timers/promises';
import { shuffled } from '../../testkit/random.js';
import { waitForZero } from '../../testkit/wait-for.js';
import { addUserLabels, audit, countUndecided } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

/** Service and Orthanc are killed at random moments while instances are stored. */
export const kills: Scenario = (options) =>
  withDeployment(async ({ orthanc, newService }) => {
    const { random, log } = options;
    const items = testInstances('kills', sized(1000, options), await smallPictures(12, random), random);
    const [serviceKills, orthancKills] = [sized(20, options), sized(5, options)];
    const targets = shuffled(
      [...Array(serviceKills).fill('service'), ...Array(orthancKills).fill('Orthanc')] as const,
      random,
    );
    const uploader = new Uploader(orthanc.url);
    const service = await newService();
    const began = Date.now();
    service.start();
    const uploads: Promise<void>[] = [];
    const perKill = Math.ceil(items.length / targets.length);
    for (const [index, target] of targets.entries()) {
      uploads.push(uploader.send(items.slice(index * perKill, (index + 1) * perKill)));
      // The kill meets the start, the first writes, or the middle of the work.
      await delay(200 + 3500 * random());
      log(`kill ${index + 1}/${targets.length}: ${target}, ${uploader.stored.size} stored`);
      if (target === 'service') {
        await service.kill();
        service.start();
      } else {
        await orthanc.kill();
        await orthanc.restart();
      }
    }
    await Promise.all(uploads);
    const othersLabels = await addUserLabels(orthanc.url, uploader.studies);
    const undecidedAfterLastKill = await countUndecided(orthanc.url, uploader.stored);
    const undecided = await waitForZero(() => countUndecided(orthanc.url, uploader.stored));
    const seconds = (Date.now() - began) / 1000;
    const faults = service.faults();
    await service.stop();
    const found = await audit(orthanc.url, { instances: uploader.stored, othersLabels });
    return {
      title: `Killed at random: ${items.length} instances, service ${serviceKills} times, Orthanc ${orthancKills} times`,
      rows: {
        'instances stored': { value: uploader.stored.size },
        'uploads repeated': { value: uploader.repeats },
        studies: { value: found.studies },
        ...Object.fromEntries(
          Object.entries(found.decisions).map(([name, count]) => [`decision ${name}`, { value: count }]),
        ),
        'undecided after the last kill': { value: undecidedAfterLastKill },
        'undecided at the end': { value: undecided },
        seconds: { value: Math.round(seconds) },
      },
      violations: [...found.violations, ...faults],
    };
  });
