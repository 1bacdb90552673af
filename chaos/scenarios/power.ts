import { startOrthanc } from '../../src/sandbox/orthanc.js';
import type { Disk } from '../../testkit/power-cut/disk.js';
import { everyMomentStands } from '../../testkit/power-cut/every-moment.js';
import { loopDevice } from '../../testkit/power-cut/loop-device.js';
import { replay } from '../../testkit/power-cut/replay.js';
import { answersStand, type Outcome, othersDataStands } from '../../testkit/power-cut/trial.js';
import { type Scenario, sized } from '../report.js';

/** The power of the service's machine is cut after each answer, and before Orthanc replaces a file. */
export const power: Scenario = async (options) => {
  const orthanc = await startOrthanc({ configuration: { OverwriteInstances: true } });
  const rows: Record<string, Record<string, string | number>> = {};
  const violations: string[] = [];
  const trial = async <D extends Disk>(
    name: string,
    disk: D | undefined,
    use: (disk: D) => Promise<Outcome>,
  ) => {
    options.log(name);
    if (disk === undefined) {
      rows[name] = { cuts: 'skipped: this user may not' };
      return;
    }
    const { cuts, broken } = await use(disk).finally(() => disk.discard());
    rows[name] = { cuts, broken: broken.length };
    violations.push(...broken.map((each) => `${name}: ${each}`));
  };
  const record = () => replay(options.random);
  const { url } = orthanc;
  try {
    for (const [kind, make] of [
      ['loop device', loopDevice] as const,
      ['replay', async () => record()] as const,
    ]) {
      await trial(`answers, ${kind}`, await make(), (disk) =>
        answersStand({ disk, orthanc: url }, sized(16, options)),
      );
      await trial(`what others attached, ${kind}`, await make(), (disk) =>
        othersDataStands({ disk, orthanc: url }, sized(5, options)),
      );
    }
    await trial('every moment, replay', record(), (disk) => everyMomentStands(disk, url, sized(10, options)));
  } finally {
    await orthanc.discard();
  }
  return { title: 'Power cuts', rows, violations };
};
