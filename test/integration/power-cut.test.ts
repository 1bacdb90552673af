import { afterEach, expect, test } from 'vitest';
import { useOrthanc } from '../../testkit/orthanc.js';
import type { Disk } from '../../testkit/power-cut/disk.js';
import { everyMomentStands } from '../../testkit/power-cut/every-moment.js';
import { loopDevice } from '../../testkit/power-cut/loop-device.js';
import { replay } from '../../testkit/power-cut/replay.js';
import { answersStand, othersDataStands } from '../../testkit/power-cut/trial.js';
import { seeded } from '../../testkit/random.js';

const real = useOrthanc({ configuration: { OverwriteInstances: true } });

const open: Disk[] = [];
afterEach(async () => {
  for (const disk of open.splice(0)) await disk.discard();
});
/** @returns undefined where this user may not have one */
async function kept<D extends Disk>(made: D | undefined | Promise<D | undefined>): Promise<D | undefined> {
  const disk = await made;
  if (disk !== undefined) open.push(disk);
  return disk;
}
/** A replay sees more: on ext4, each sync of another file takes along what was not synced. `npm run chaos` does both. */
const anyDisk = async () => (await kept(replay(seeded(1)))) ?? kept(loopDevice());
const why = 'this user may neither mount a loop device nor record with strace';

test('after a power cut, every correction, undo and request that was answered stands', async ({ skip }) => {
  const disk = await anyDisk();
  if (disk === undefined) return skip(why);
  expect(await answersStand({ disk, orthanc: real.orthanc.url }, 2)).toEqual({ cuts: 5, broken: [] });
});

test('after a power cut, what others attached to a file that Orthanc replaces is there', async ({ skip }) => {
  const disk = await anyDisk();
  if (disk === undefined) return skip(why);
  expect(await othersDataStands({ disk, orthanc: real.orthanc.url }, 1)).toEqual({ cuts: 1, broken: [] });
});

test('no moment for a power cut leaves half a file, or another correction than the last', async ({
  skip,
}) => {
  const disk = await kept(replay(seeded(1)));
  if (disk === undefined) return skip('this user may not record with strace');
  const { cuts, broken } = await everyMomentStands(disk, real.orthanc.url, 2);
  expect(broken).toEqual([]);
  expect(cuts).toBeGreaterThan(50);
});
