import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import {
  access,
  constants,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shipped } from '../../src/files/places.js';

let temporary = '';
let clone = '';
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'plainview-build-'));
  clone = join(temporary, 'Pläinview, 2nd "copy"; 50% of #1?');
  const parts = [
    'src',
    'scripts',
    'model/categories.json',
    'model/views.json',
    'orders',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ];
  for (const part of parts) await cp(shipped(part), join(clone, part), { recursive: true });
  await symlink(shipped('node_modules'), join(clone, 'node_modules'));
});
afterAll(() => rm(temporary, { recursive: true }));

/** The copy has no `.git`, so the environment names the commit, as in the Dockerfile. */
const commit = '0123456789ab';
const printed = `${(JSON.parse(readFileSync(shipped('package.json'), 'utf8')) as { version: string }).version} (${commit})\n`;

/** Like a person in a clone, with an npm that has not been used in it yet. */
const run = (command: string, ...args: string[]) =>
  promisify(execFile)(command, args, {
    cwd: clone,
    env: { PATH: process.env.PATH, HOME: temporary, npm_config_offline: 'true', SOURCE_COMMIT: commit },
  });
const build = () => run('npm', 'run', 'build');
const version = async () => (await run('npx', 'plainview', '--version')).stdout;

test('npx says what to do before the first build, and runs after each clean build', async () => {
  await expect(version()).rejects.toMatchObject({ stderr: expect.stringContaining('npm run build') });
  for (const which of ['first', 'second']) {
    await rm(join(clone, 'dist'), { recursive: true, force: true });
    await build();
    expect(await version(), which).toBe(printed);
    await access(join(clone, 'dist', 'cli.js'), constants.X_OK);
  }
});

test('a build deletes the output of deleted sources, and nothing else', async () => {
  const stale = join(clone, 'dist', 'record', 'gone.js');
  await mkdir(join(stale, '..'), { recursive: true });
  await writeFile(stale, '');
  await build();
  expect(existsSync(stale)).toBe(false);
  expect(await version()).toBe(printed);
  const page = await readFile(join(clone, 'dist', 'review', 'index.html'), 'utf8');
  const files = [...page.matchAll(/(?:href|src)="([\w.-]+\.(?:js|css))"/g)].map(([, file = '']) => file);
  expect(files).toEqual(expect.arrayContaining(['review.js', 'review-style.css']));
  for (const file of files) expect(existsSync(join(clone, 'dist', 'review', file)), file).toBe(true);
});

/** The files that a call of the program runs, as V8 tells at its end. */
async function filesOf(...args: string[]): Promise<string[]> {
  const folder = await mkdtemp(join(temporary, 'coverage-'));
  await promisify(execFile)(process.execPath, [shipped('dist', 'cli.js'), ...args], {
    env: { NODE_V8_COVERAGE: folder },
  });
  const urls: string[] = [];
  for (const file of await readdir(folder)) {
    const { result } = JSON.parse(await readFile(join(folder, file), 'utf8')) as {
      result: { url: string }[];
    };
    urls.push(...result.map(({ url }) => url).filter((url) => url.startsWith('file:')));
  }
  return urls;
}

test('help and version load no command, and a command loads no other', async () => {
  for (const option of ['--help', '--version']) {
    const files = await filesOf(option);
    expect(files.some((url) => url.endsWith('/dist/commands/main.js'))).toBe(true);
    expect(
      files.filter((url) => /dist\/commands\/(?!main)|node_modules\/(axios|sharp|pino)\//.test(url)),
    ).toEqual([]);
  }
  const files = await filesOf('label', '--help');
  expect(
    files.filter((url) => /dist\/(commands\/(serve|train|setup)|http|orthanc\/orthanc)\b/.test(url)),
  ).toEqual([]);
});
