import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useSecrets } from './secrets.js';

const secrets = useSecrets();
const all = () => readdirSync(join(secrets.folder, 'secrets')).map((name) => [name, secrets.content(name)]);

test('all secrets are different and long', () => {
  const files = [
    'plainview_secret',
    'postgresql_password',
    'orthanc_database_password',
    'plainview_database_password',
  ];
  const values = [...files.map(secrets.content), ...Object.values(secrets.users())];
  expect(new Set(values).size).toBe(6);
  for (const value of values) expect(value).toMatch(/^[0-9a-f]{48}$/);
});

test('the service has the password of its user in Orthanc', () => {
  expect(secrets.users().plainview).toBe(secrets.content('orthanc_password'));
});

test('the service has the password of its user in PostgreSQL', () => {
  const url = new URL(secrets.content('plainview_database_url').trim());
  expect(url.username).toBe('plainview');
  expect(url.password).toBe(secrets.content('plainview_database_password'));
});

test('a second run does not change them', () => {
  const before = all();
  secrets.make();
  expect(all()).toEqual(before);
});

test('only the owner can open the folder, and a service’s user can read the mounted files', () => {
  const mode = (...path: string[]) => statSync(join(secrets.folder, 'secrets', ...path)).mode & 0o777;
  expect(mode()).toBe(0o700);
  for (const name of readdirSync(join(secrets.folder, 'secrets')))
    expect([name, mode(name)]).toEqual([name, name === 'orthanc-users.json' ? 0o600 : 0o644]);
});

test('a database’s password that was changed on one side is an error', () => {
  writeFileSync(join(secrets.folder, 'secrets', 'plainview_database_password'), 'another');
  expect(() => secrets.make()).toThrow('plainview_database_url does not have the password');
});

test('a password that was deleted on one side is an error', () => {
  rmSync(join(secrets.folder, 'secrets', 'orthanc_password'));
  expect(() => secrets.make()).toThrow('No user in secrets/orthanc-users.json has the password');
});
