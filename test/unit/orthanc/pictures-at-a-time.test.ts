import { expect, test } from 'vitest';
import { instanceId } from '../../../src/orthanc/ids.js';
import { image } from '../../../testkit/dicom.js';
import { useFakeSite } from '../../../testkit/fake-site.js';

const site = useFakeSite();
/** So large that no two of them are in work at a time. */
const large = { rows: 12_000, columns: 12_000, samples: 1, bitsAllocated: 16, frames: 1, isSigned: false };

test('fingerprints of large pictures are made one at a time', async () => {
  const { orthanc } = site.process();
  const isAsked = ({ path }: { path: string }) => path.endsWith('/image-uint16');
  const held = site.fake.hold(isAsked);
  const ids = [image(), image()].map((file) => instanceId.parse(site.store(file).instance));
  const both = Promise.all(ids.map((id) => orthanc.renderings.fingerprint(id, large)));
  await held.reached;
  // Other calls go on meanwhile.
  for (const id of ids) await orthanc.hierarchy.instance(id);
  expect(site.fake.calls.filter(isAsked)).toHaveLength(1);
  held.release();
  await both;
  expect(site.fake.calls.filter(isAsked)).toHaveLength(2);
});
