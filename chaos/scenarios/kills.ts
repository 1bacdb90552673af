import { setTimeout as delay } from 'node:timers/promises';
import { shuffled } from '../../testkit/random.js';
import { waitForZero } from '../../testkit/wait-for.js';
import { audit, countUndecided, labelSome } from '../audit.js';
import { withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

/** Service and Orthanc are killed at random moments while instances are stored. */
export const kills: Scenario = (terms) =>
  withDeployment(async ({ orthanc, newService }) => {
    const { random, log } = terms;
    const items = testInstances('kills', sized(1000, terms), await smallPictures(12, random), random);
    const [serviceKills, orthancKills] = [sized(20, terms), sized(5, terms)];
    const blows = shuffled(
      [...Array(serviceKills).fill('service'), ...Array(orthancKills).fill('Orthanc')] as const,
      random,
    );
    const uploader = new Uploader(orthanc.url);
    const service = await newService();
    const began = Date.now();
    service.start();
    const uploads: Promise<void>[] = [];
    const share = Math.ceil(items.length / blows.length);
    for (const [index, target] of blows.entries()) {
      uploads.push(uploader.send(items.slice(index * share, (index + 1) * share)));
      // Now in the start, now in the first writes, now in the middle of work.
      await delay(200 + 3500 * random());
      log(`blow ${index + 1}/${blows.length}: ${target}, ${uploader.stored.size} stored`);
      if (target === 'service') {
        await service.kill();
        service.start();
      } else {
        await orthanc.kill();
        await orthanc.restart();
      }
    }
    await Promise.all(uploads);
    const othersLabels = await labelSome(orthanc.url, uploader.studies);
    const bareAtLastBlow = await countUndecided(orthanc.url, uploader.stored);
    const bare = await waitForZero(() => countUndecided(orthanc.url, uploader.stored));
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
        'bare after the last blow': { value: bareAtLastBlow },
        'bare at the end': { value: bare },
        seconds: { value: Math.round(seconds) },
      },
      violations: [...found.violations, ...faults],
    };
  });
