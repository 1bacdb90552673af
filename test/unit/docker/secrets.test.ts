import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useSecrets } from './secrets.js';

const secrets = useSecrets();
const all = () => readdirSync(join(secrets.folder, 'secrets')).map((name) => [name, secrets.content(name)]);

test('all secrets are different and long', () => {
  const values = [secrets.content('plainview_secret'), ...Object.values(secrets.users())];
  expect(new Set(values).size).toBe(3);
  for (const value of values) expect(value).toMatch(/^[0-9a-f]{48}$/);
});

test('the service has the password of its user in Orthanc', () => {
  expect(secrets.users().plainview).toBe(secrets.content('orthanc_password'));
});

test('a second run does not change them', () => {
  const before = all();
  secrets.make();
  expect(all()).toEqual(before);
});

test('only the owner can open the folder, and a service’s user can read the mounted files', () => {
  const mode = (...path: string[]) => statSync(join(secrets.folder, 'secrets', ...path)).mode & 0o777;
  expect(mode()).toBe(0o700);
  for (const name of ['plainview_secret', 'orthanc_password']) expect(mode(name)).toBe(0o644);
  expect(mode('orthanc-users.json')).toBe(0o600);
});

test('a password that was deleted on one side is an error', () => {
  rmSync(join(secrets.folder, 'secrets', 'orthanc_password'));
  expect(() => secrets.make()).toThrow('No user in secrets/orthanc-users.json has the password');
});
