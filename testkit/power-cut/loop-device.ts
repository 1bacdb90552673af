import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Disk } from './disk.js';

const run = promisify(execFile);
const bytes = 32 * 2 ** 20;

/**
 * An ext4 on a loop device. What the system has not sent to the device yet is not in the file behind it: a copy of that
 * file is what a power cut leaves.
 * @returns undefined where this user may not mount one
 */
export async function loopDevice(): Promise<Disk | undefined> {
  const place = await mkdtemp(join(tmpdir(), 'plainview-power-'));
  const [device, mounted] = [join(place, 'device'), join(place, 'mounted')];
  let copies = 0;
  try {
    await writeFile(device, '');
    await truncate(device, bytes);
    await run('mkfs.ext4', ['-q', '-F', device]);
    await mkdir(mounted);
    // Nothing reaches the device by mere time, as it may not in the first seconds: only what is synced.
    await run('mount', ['-o', 'loop,commit=600', device, mounted]);
  } catch {
    await rm(place, { recursive: true });
    return undefined;
  }
  return {
    kind: 'loop device',
    stateDir: join(mounted, 'state'),
    under: [],
    async cut(service) {
      const name = join(place, `cut ${copies++}`);
      const [image, mount] = [`${name}.device`, `${name}.mounted`];
      // A copy that takes its parts at different moments would be no state of the device.
      service.freeze();
      await run('cp', ['--sparse=always', device, image]).finally(() => service.thaw());
      await mkdir(mount);
      // The file system replays its journal.
      await run('mount', ['-o', 'loop', image, mount]);
      await run('cp', ['-a', mount, name]).finally(() => run('umount', [mount]));
      await rm(image);
      return join(name, 'state');
    },
    async discard() {
      await run('umount', [mounted]);
      await rm(place, { recursive: true });
    },
  };
}
