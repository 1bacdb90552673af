import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createToken } from '../../src/access/tokens.js';
import { shipped } from '../../src/files/places.js';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image } from '../../testkit/dicom.js';
import { useOrthanc } from '../../testkit/orthanc.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

const run = promisify(execFile);
/** Tools of Node.js; `npm ci` in their folder installs them. */
const tools = shipped('testkit', 'openapi');
const tool = (name: string) => join(tools, 'node_modules', '.bin', name);
const python = (name: string) => shipped('.venv', 'bin', name);

const hook = await hookAddress();
const real = useOrthanc({ hook });
const { token, line } = createToken('client', 'admin');
let folder: string;
let of: TestService;
let description: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-clients-'));
  const tokens = join(folder, 'tokens');
  await writeFile(tokens, line);
  of = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    classifier: stubClassifier(),
    env: { PLAINVIEW_TOKENS_FILE: tokens },
  });
  description = join(folder, 'openapi.json');
  await writeFile(description, JSON.stringify((await callApi(of, 'GET', '/openapi.json')).json));
  for (let number = 0; number < 2; number++) {
    const { orthancId } = await real.storeInstance(image());
    await new Reader(real.orthanc.url).decided(orthancId);
  }
});
afterAll(async () => {
  await of?.stop();
  await rm(folder, { recursive: true, force: true });
});

const expected = {
  seen: ['knee_lateral', 'knee_lateral'],
  read: 'wrist_ap',
  undone: 'knee_lateral',
  sweep: 202,
  conflict: 'decision_changed',
};

describe.skipIf(!existsSync(tool('spectral')))('with the tools of testkit/openapi (skipped without)', () => {
  test('Spectral has nothing to say about the description', { timeout: 120_000 }, async () => {
    const ruleset = join(tools, 'ruleset.yaml');
    const { stdout } = await run(tool('spectral'), [
      'lint',
      '--fail-severity=hint',
      `--ruleset=${ruleset}`,
      description,
    ]).catch((error: { stdout: string }) => error);
    expect(stdout).toContain('No results');
  });

  test('a client in TypeScript makes a round trip', { timeout: 120_000 }, async () => {
    const generated = join(tools, 'generated');
    await mkdir(generated, { recursive: true });
    await run(tool('openapi-typescript'), [description, '-o', join(generated, 'api.ts')]);
    await run(shipped('node_modules', '.bin', 'tsc'), ['-p', tools]);
    const { stdout } = await run(shipped('node_modules', '.bin', 'tsx'), [
      join(tools, 'round-trip.ts'),
      of.url,
      token,
    ]);
    expect(JSON.parse(stdout)).toEqual(expected);
  });
});

test.skipIf(!existsSync(python('openapi-python-client')))(
  'a client in Python makes a round trip (skipped without openapi-python-client)',
  { timeout: 120_000 },
  async () => {
    const client = join(folder, 'python');
    await run(python('openapi-python-client'), [
      'generate',
      `--path=${description}`,
      '--meta=none',
      `--output-path=${join(client, 'plainview_client')}`,
    ]);
    const { stdout } = await run(python('python'), [join(tools, 'round_trip.py'), client, of.url, token]);
    expect(JSON.parse(stdout)).toEqual(expected);
  },
);
