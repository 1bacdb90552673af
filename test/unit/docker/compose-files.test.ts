import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { shipped } from '../../../src/files/places.js';
import { runCommand } from '../../../src/sandbox/command.js';
import { compose, composeScale, read } from './files.js';
import { useSecrets } from './secrets.js';

const secrets = useSecrets();

function composeSpecification() {
  // The validator knows its dialect by another address.
  const { $schema: _, ...schema } = JSON.parse(read('testkit/compose/compose-spec.json')) as {
    $schema: string;
  };
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  return ajv.compile(schema);
}

describe.each([
  { name: 'docker-compose.yml', file: compose, profiles: ['cpu', 'gpu'] },
  { name: 'docker-compose.scale.yml', file: composeScale, profiles: [] },
])('$name', ({ name, file, profiles }) => {
  test('contains no secret: all come from files that git ignores', () => {
    expect(read('.env').trim().split('\n')).toEqual(['COMPOSE_PROFILES=cpu']);
    expect(read('.gitignore').split('\n')).toContain('/secrets/');
    for (const secret of Object.values(file.secrets)) expect(secret.file).toMatch(/^\.\/secrets\//);
    for (const service of Object.values(file.services)) {
      const mounted = service.secrets.map(({ target }) => `/run/secrets/${target}`);
      for (const [name, value] of Object.entries(service.environment)) {
        if (name.endsWith('_FILE')) expect(mounted).toContain(value);
        else expect(name).not.toMatch(/SECRET|PASSWORD|TOKEN|KEY/);
      }
    }
  });

  test('mounts only existing files', () => {
    for (const { volumes, secrets: mounted } of Object.values(file.services)) {
      for (const { source, mode } of volumes) {
        if (!source.startsWith('.')) expect(Object.keys(file.volumes)).toContain(source);
        else {
          expect([source, existsSync(shipped(source))]).toEqual([source, true]);
          expect(mode).toBe('ro');
        }
      }
      for (const { source } of mounted) expect(Object.keys(file.secrets)).toContain(source);
    }
    for (const secret of Object.values(file.secrets))
      expect([secret.file, existsSync(join(secrets.folder, secret.file))]).toEqual([secret.file, true]);
  });

  test('is of the shape that the Compose Specification demands', () => {
    const validate = composeSpecification();
    const isValid = validate(parse(read(name), { merge: true }));
    expect([isValid, validate.errors]).toEqual([true, null]);
  });

  test('builds images that know their commit', () => {
    const built = parse(read(name), { merge: true }) as {
      services: Record<string, { build?: { args: Record<string, string> } }>;
    };
    const args = Object.values(built.services).flatMap(({ build }) =>
      build === undefined ? [] : [build.args],
    );
    expect(args).toHaveLength(profiles.length || 1);
    for (const each of args) expect(each.SOURCE_COMMIT).toBe(`\${SOURCE_COMMIT:-}`);
  });

  test('docker compose accepts it', async (context) => {
    const version = await runCommand('docker', ['compose', 'version']);
    if (version.status !== 0) return context.skip('no docker compose on this machine');
    const chosen = profiles.flatMap((profile) => ['--profile', profile]);
    const result = await runCommand('docker', [
      ...['compose', '-f', shipped(name), ...chosen],
      ...['config', '--quiet'],
    ]);
    expect(result).toMatchObject({ status: 0, stderr: '' });
  });
});
