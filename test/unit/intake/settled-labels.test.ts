import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CorrectionStore } from '../../../src/decisions/correction-store.js';
import { SettledLabels } from '../../../src/intake/settled-labels.js';
import { instanceId } from '../../../src/orthanc/ids.js';
import { FolderStore } from '../../../src/store/folder-store.js';
import { LocalLocks } from '../../../src/store/local-locks.js';
import { decidedAs, silent } from '../../../testkit/fake-site.js';
import { waitFor } from '../../../testkit/wait-for.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plainview-settled-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('each instance that people have decided about, also as an older version kept it, gets one job, in one start alone, and none as a sweep', async () => {
  const store = new FolderStore(folder);
  const corrections = new CorrectionStore(store, new LocalLocks(), silent);
  const ids = [1, 2, 3].map((n) => instanceId.parse(`0000000${n}-00000000-00000000-00000000-00000000`));
  for (const [n, id] of ids.entries())
    await corrections.keep(id, {
      pixels: `picture ${n}`,
      sopInstanceUid: `1.2.${n}`,
      traits: 'same',
      decision: decidedAs('knee_ap', { who: 'person' }),
    });
  const older = instanceId.parse('00000004-00000000-00000000-00000000-00000000');
  await store.write(`corrections/00/${older}`, decidedAs('knee_ap', { who: 'person' }));
  const jobs: string[] = [];
  const start = async () => {
    const part = new SettledLabels({
      store,
      corrections,
      queue: { enqueue: (instance, reason) => void jobs.push(`${instance} ${reason}`) },
      log: silent,
    });
    part.start();
    await waitFor(() => store.has('settled-labels'));
    await part.stop();
  };
  await start();
  expect(jobs.sort()).toEqual([...ids, older].map((id) => `${id} changes`));
  await start();
  expect(jobs).toHaveLength(4);
});
