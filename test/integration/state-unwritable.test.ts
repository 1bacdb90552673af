import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { service } = useServices(real, hook);

test('pictures that come while the state folder cannot be written are decided once it can be', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const { log } = await service({ stateDir, env: { PLAINVIEW_ATTEMPTS: '1' } });
  // In the place of the file that is written first, so that root cannot write it either.
  const inTheWay = join(stateDir, 'in-work.json');
  rmSync(inTheWay);
  mkdirSync(inTheWay);
  const { orthancId } = await real.storeInstance(image());
  await waitFor(() => log().split('"code":"state_unusable"').length > 3, { what: 'three attempts' });
  const reader = new Reader(real.orthanc.url);
  expect(await reader.record(orthancId)).toBeUndefined();
  rmdirSync(inTheWay);
  expect(await reader.decided(orthancId)).toBe('knee_lateral');
});
