import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { modelCommand } from '../../../src/commands/model.js';
import { serveCommand } from '../../../src/commands/serve.js';
import { loadConfig } from '../../../src/config/load.js';
import { packageRoot, shipped } from '../../../src/files/places.js';
import { networkFiles } from '../../../src/networks/classifier-options.js';
import { imageEnvironment, isSent, read, stageNamed, stages, stepsOf } from './files.js';

const targets = ['cpu', 'gpu'];
const manifest = JSON.parse(read('package.json')) as {
  scripts: { build: string };
};

test('the linter finds no problem', () => {
  expect(
    validate(read('Dockerfile')).map(({ message, range }) => `${range.start.line + 1}: ${message}`),
  ).toEqual([]);
});

test('every copied file exists, and is sent to the build', () => {
  const copied = stages
    .flatMap(({ steps }) => steps)
    .filter(({ instruction, rest }) => instruction === 'COPY' && !rest.startsWith('--from='))
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  expect(copied).not.toHaveLength(0);
  // `network.p[b]` is a pattern, so the file may be absent.
  for (const source of copied.map((path) => path.replace(/\[(.)\]/, '$1'))) {
    expect([source, isSent(source)]).toEqual([source, true]);
    if (copied.includes(source)) expect([source, existsSync(shipped(source))]).toEqual([source, true]);
  }
});

test('data files that the code reads are sent', () => {
  for (const path of [
    'model/categories.json',
    'model/views.json',
    'model/upright.json',
    'model/side.pb',
    'model/side.json',
    'model/mirrored.pb',
    'model/mirrored.json',
    'model/self-test.json',
    'orders/regions.yaml',
    'orders/words/de.yaml',
  ])
    expect([path, isSent(path)]).toEqual([path, true]);
});

test('nothing else is sent: no secret, no history, no dependency of this machine', () => {
  const unsent = [
    '.git/config',
    '.env',
    'secrets/orthanc_password',
    'node_modules/sharp/package.json',
    'dist/cli.js',
  ];
  for (const path of unsent) expect([path, isSent(path)]).toEqual([path, false]);
  const tracked = execFileSync('git', ['ls-files'], { cwd: packageRoot, encoding: 'utf8' })
    .trim()
    .split('\n');
  const folders = new Set(
    tracked.filter(isSent).map((path) => (path.includes('/') ? path.split('/')[0] : path)),
  );
  expect([...folders].sort()).toEqual(
    [
      '.npmrc',
      'lua',
      'model',
      'orthanc',
      'orders',
      'package-lock.json',
      'package.json',
      'scripts',
      'src',
      'tsconfig.build.json',
      'tsconfig.json',
    ].sort(),
  );
});

test('it builds with the same steps as without Docker', () => {
  const steps = stepsOf('build', 'RUN').join('\n');
  expect(steps).toMatch(/^npm ci /);
  expect(steps).toContain(manifest.scripts.build);
  expect(steps).toContain('npm prune --omit=dev');
  // sharp and onnxruntime-node have their binaries in optional dependencies.
  expect(steps).not.toContain('optional');
  expect(steps).toContain('node dist/cli.js model fetch');
  const fetch = modelCommand().commands.find((command) => command.name() === 'fetch');
  expect(fetch?.options.map(({ long }) => long)).toContain('--from');
});

test('every file of the repository that the program reads is in the image', () => {
  // The sandbox runs only in a clone, not in an image.
  const sources = execFileSync('git', ['grep', '-hoE', 'shipped\\([^)]+', '--', 'src', ':!src/sandbox'], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  const files = sources
    .split('\n')
    .map((call) => [...call.matchAll(/'([^']+)'/g)].map(([, part]) => part).join('/'))
    .filter((file) => /\.\w+$/.test(file));
  expect(files).toContain('model/categories.json');
  const copied = stepsOf('build', 'COPY').join(' ').split(' ');
  for (const file of files)
    expect(
      copied.some((each) => each === file || file.startsWith(`${each}/`)),
      file,
    ).toBe(true);
});

test('the image contains the files of both networks', () => {
  const copied = stepsOf('build', 'COPY').join(' ').split(' ');
  for (const network of ['embedded', 'nncpr']) {
    const { graph, labels = 'no names' } = networkFiles({ network, labels: undefined });
    // `model fetch` writes NNCPR's graph to its default place.
    const files = network === 'nncpr' ? [labels] : [graph, labels, graph.replace(/\.pb$/, '.json')];
    for (const file of files) expect(copied).toContain(relative(packageRoot, file));
  }
});

describe.each(targets)('the image %s', (target) => {
  test('runs the service as an unprivileged user, with a health check', () => {
    expect(stepsOf(target, 'USER').at(-1)).toMatch(/^[1-9]\d*$/);
    expect(JSON.parse(stepsOf(target, 'CMD').at(-1) ?? '')).toEqual([
      'node',
      'dist/cli.js',
      serveCommand().name(),
    ]);
    const { port } = loadConfig({});
    expect(stepsOf(target, 'EXPOSE')).toEqual([String(port)]);
    expect(stepsOf(target, 'HEALTHCHECK').at(-1)).toContain(`http://127.0.0.1:${port}/health/ready`);
  });

  test('has labels, the SBOM of what is in it, and neither sources nor browsers’ files', () => {
    const labels = stepsOf(target, 'LABEL').join(' ');
    for (const name of ['title', 'description', 'licenses', 'revision'])
      expect(labels).toContain(`org.opencontainers.image.${name}=`);
    expect(
      stages.filter(({ steps }) => steps.some(({ instruction }) => instruction === 'LABEL')),
    ).toHaveLength(1);
    const steps = stepsOf('trimmed', 'RUN').at(-1) ?? '';
    expect(steps).toMatch(/npm sbom --sbom-format=cyclonedx > sbom\.cdx\.json/);
    expect(steps).toContain('node scripts/trim-modules.mjs .');
    expect(steps).toContain('rm -rf src');
  });

  test('sends no usage reports', () => {
    expect(imageEnvironment(target).ORT_DISABLE_TELEMETRY).toBe('1');
  });

  test('sets only known options, and listens on all interfaces', () => {
    const config = loadConfig(imageEnvironment(target));
    expect(config).toMatchObject({ host: '0.0.0.0', engine: target === 'gpu' ? 'gpu' : 'auto' });
    expect(stepsOf(target, 'VOLUME')).toEqual([config.stateDir]);
    expect(stepsOf(target, 'RUN').join('\n')).toContain(config.stateDir);
  });
});

test('the last stage, which a build without a target uses, is `cpu`', () => {
  expect(stages.at(-1)?.name).toBe('cpu');
});

test('the image has a supported Node.js', () => {
  const [, major] = /^node:(\d+)-/.exec(stageNamed('build').from) ?? [];
  expect(Number(major)).toBeGreaterThanOrEqual(20);
  expect(stageNamed('runtime').from).toBe(stageNamed('build').from);
});

test('the image `gpu` has the files of the engine `cuda` where the program looks for them', () => {
  expect(stepsOf('cuda', 'RUN').at(-1)).toMatch(/^sh scripts\/fetch-cuda\.sh /);
  const modules = '/app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/';
  expect(stageNamed('gpu').steps.filter(({ instruction }) => instruction === 'COPY')).toMatchObject([
    { rest: '--from=cuda /app/cuda /app/cuda' },
    { rest: `--from=cuda ${modules}libonnxruntime_providers_*.so ${modules}` },
  ]);
  expect(read('scripts/fetch-cuda.sh')).toContain('-d "$package/bin/napi-v6/linux/x64"');
});
