import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { freshState, hookAddress, Reader } from '../../testkit/service.js';
import { useServices } from '../../testkit/services.js';

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { service, stop } = useServices(real, hook);
const reader = () => new Reader(real.orthanc.url);

test('what can be found again is set aside, told once, and found again', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const missed = await real.storeInstance(image());
  const names = ['changes.json', 'statistics.json', 'sweep.json'];
  for (const name of names) await writeFile(join(stateDir, name), '\0\0\0');
  const of = await service({ stateDir });
  // The log is read again from its start.
  await reader().decided(missed.orthancId);
  const counted = () => callApi(of, 'GET', '/statistics?days=7');
  await waitFor(async () => (await counted()).json.complete === true);
  await waitFor(async () => (await callApi(of, 'GET', '/sweep')).json.state === 'idle');
  for (const name of names) {
    expect(await readFile(join(stateDir, `${name}.damaged`), 'utf8')).toBe('\0\0\0');
    expect(of.log().split(`${name}.damaged`)).toHaveLength(2);
  }
  expect(of.log()).toContain('sweep begins');
  await stop();
  await rm(stateDir, { recursive: true });
});

test('requests that people made are nowhere else: the service does not start, and names their file', async () => {
  const stateDir = await freshState(real.orthanc.url);
  const file = join(stateDir, 'requests.json');
  await writeFile(file, '[{"id":');
  await expect(service({ stateDir })).rejects.toMatchObject({
    code: 'state_damaged',
    message: expect.stringContaining(file),
  });
  expect(await readFile(file, 'utf8')).toBe('[{"id":');
  // Another start is not hindered by the one that failed.
  await rm(file);
  await service({ stateDir });
  expect((await readdir(stateDir)).filter((name) => name.endsWith('.damaged'))).toEqual([]);
  await stop();
  await rm(stateDir, { recursive: true });
});
