import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { z } from 'zod';
import { shipped } from '../../../src/files/places.js';
import { type ComposeFile, compose, type Service } from './files.js';

const usersFile = z.object({ RegisteredUsers: z.record(z.string(), z.string()) });

/** The secrets that `scripts/make-secrets.sh` writes, in a temporary folder that is deleted after the test file. */
export function useSecrets() {
  let root = '';
  const make = () =>
    execFileSync('sh', [join(root, 'scripts', 'make-secrets.sh')], { encoding: 'utf8', stdio: 'pipe' });
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'plainview-secrets-'));
    mkdirSync(join(root, 'scripts'));
    cpSync(shipped('scripts', 'make-secrets.sh'), join(root, 'scripts', 'make-secrets.sh'));
    make();
  });
  afterAll(() => rmSync(root, { recursive: true }));
  const content = (name: string) => readFileSync(join(root, 'secrets', name), 'utf8');
  return {
    get folder() {
      return root;
    },
    make,
    content,
    /** Orthanc's users and their passwords. */
    users: () => usersFile.parse(JSON.parse(content('orthanc-users.json'))).RegisteredUsers,
    /** A service's environment, with the paths in /run/secrets replaced by the paths in the temporary folder. */
    mounted(service: Service, of: ComposeFile = compose): Record<string, string> {
      const places = service.secrets.map(({ source, target }): [string, string] => [
        `/run/secrets/${target}`,
        join(root, of.secrets[source]?.file ?? ''),
      ]);
      const place = new Map(places);
      return Object.fromEntries(
        Object.entries(service.environment).map(([name, value]) => [name, place.get(value) ?? value]),
      );
    },
  };
}
