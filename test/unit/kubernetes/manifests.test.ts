import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../../../src/config/load.js';
import { options } from '../../../src/config/options.js';
import { shipped } from '../../../src/files/places.js';
import type { Readiness } from '../../../src/http/health.js';
import { runCommand } from '../../../src/sandbox/command.js';
import { imageEnvironment } from '../docker/files.js';

const folder = shipped('deploy', 'kubernetes');
const temporary = mkdtempSync(join(tmpdir(), 'plainview-manifests-'));
afterAll(() => rmSync(temporary, { recursive: true }));

const manifest = z.looseObject({ apiVersion: z.string(), kind: z.string() });
const manifests = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')))
  .map((document) => manifest.parse(document.toJS()));

const labels = z.record(z.string(), z.string());
const selector = z.object({ matchLabels: labels });
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const deployment = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    replicas: z.number().optional(),
    selector,
    template: z.object({
      metadata: z.object({ labels }),
      spec: z.looseObject({
        topologySpreadConstraints: z.tuple([z.object({ labelSelector: selector })]),
        containers: z.tuple([
          z.looseObject({
            args: z.tuple([z.literal('node'), z.literal('dist/cli.js'), z.string()]),
            env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
            ports: z.tuple([z.object({ name: z.string(), containerPort: z.number() })]),
            startupProbe: probe,
            livenessProbe: probe,
            readinessProbe: probe,
            volumeMounts: z.array(z.object({ mountPath: z.string(), readOnly: z.boolean().default(false) })),
          }),
        ]),
      }),
    }),
  }),
});
const one = <T extends z.ZodType>(kind: string, shape: T): z.output<T> =>
  shape.parse(manifests.find((each) => each.kind === kind));

const deployments = manifests
  .filter(({ kind }) => kind === 'Deployment')
  .map((each) => deployment.parse(each));
const service = deployments.find(({ metadata }) => metadata.name === 'plainview');
const worker = deployments.find(({ metadata }) => metadata.name === 'plainview-worker');

describe.each(deployments)('$metadata.name', ({ spec }) => {
  const [container] = spec.template.spec.containers;

  test('starts with its options', () => {
    const { data } = one('ConfigMap', z.object({ data: z.record(z.string(), z.string()) }));
    const written = { ...data, ...Object.fromEntries(container.env.map(({ name, value }) => [name, value])) };
    const files = Object.entries(written).map(([name, value]): [string, string | undefined] => {
      if (!name.endsWith('_FILE') || value === undefined)
        return [name, value?.replace('$(POD_IP)', '10.0.0.5')];
      const [mountPath = ''] = container.volumeMounts.map((mount) => mount.mountPath);
      expect(value.startsWith(`${mountPath}/`)).toBe(true);
      const key = value.slice(mountPath.length + 1);
      // The README says how to make the secret.
      expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`--from-file=${key}`);
      const file = join(temporary, key);
      writeFileSync(file, key === 'database-url' ? 'postgresql://plainview:pw@db/plainview' : 'x'.repeat(32));
      return [name, file];
    });
    // Not every version has this option.
    const known = files.filter(([name]) => name !== 'PLAINVIEW_ADDRESS' || 'address' in options.shape);
    const config = loadConfig({ ...imageEnvironment('cpu'), ...Object.fromEntries(known) });
    expect(config.orthancUrl).toHaveLength(2);
    expect(config.port).toBe(container.ports[0].containerPort);
    expect(config.databaseUrl).toContain('postgresql://');
  });

  test('is alive and ready as the service says', () => {
    expect(container.startupProbe.httpGet.path).toBe('/health/live');
    expect(container.livenessProbe.httpGet.path).toBe('/health/live');
    expect(container.readinessProbe.httpGet.path).toBe('/health/ready');
    for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe])
      expect(httpGet.port).toBe(container.ports[0].name);
  });

  test('can write only its state and temporary files', () => {
    const { stateDir } = loadConfig(imageEnvironment('cpu'));
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    expect(
      container.volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath),
    ).toEqual([stateDir, '/tmp']);
  });

  test('selects and spreads its own pods', () => {
    expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
    expect(spec.template.spec.topologySpreadConstraints[0].labelSelector).toEqual(spec.selector);
  });
});

test('two services share the work, and workers have the same pods but for the command', () => {
  expect(service?.spec.replicas).toBe(2);
  expect(service?.spec.template.spec.containers[0].args.at(-1)).toBe('serve');
  expect(worker?.spec.template.spec.containers[0].args.at(-1)).toBe('work');
  const without = (text: string) => text.replace(/"(serve|work|service|worker)"/g, '""');
  expect(without(JSON.stringify(worker?.spec.template))).toBe(
    without(JSON.stringify(service?.spec.template)),
  );
});

test('address and budget are those of the services, not of the workers', () => {
  const address = one('Service', z.object({ spec: z.object({ selector: labels }) }));
  const budget = one('PodDisruptionBudget', z.object({ spec: z.object({ selector }) }));
  expect(address.spec.selector).toEqual(service?.spec.template.metadata.labels);
  expect(budget.spec.selector).toEqual(service?.spec.selector);
});

test('KEDA scales the workers by the jobs that wait', () => {
  const trigger = z.object({ type: z.string(), metadata: z.record(z.string(), z.string()) });
  const { spec } = one(
    'ScaledObject',
    z.object({
      spec: z.object({ scaleTargetRef: z.object({ name: z.string() }), triggers: z.tuple([trigger]) }),
    }),
  );
  expect(spec.scaleTargetRef.name).toBe(worker?.metadata.name);
  const depth: keyof Readiness['queue'] = 'waiting';
  expect(spec.triggers[0].metadata).toMatchObject({
    url: `http://plainview.plainview.svc:${loadConfig({}).port}/health/ready`,
    valueLocation: `queue.${depth}`,
  });
});

const schemas = shipped('testkit', 'kubernetes');

describe.skipIf(!existsSync(join(schemas, 'node_modules')))(
  'with testkit/kubernetes (skipped without)',
  () => {
    const moduleOf = (apiVersion: string) =>
      apiVersion.startsWith('keda.sh/')
        ? `@kubernetes-models/keda/${apiVersion}`
        : `kubernetes-models/${apiVersion}`;

    test.each(manifests)('the schema of $apiVersion $kind accepts it', ({ apiVersion, kind, ...rest }) => {
      const models = createRequire(join(schemas, 'package.json'))(moduleOf(apiVersion)) as Record<
        string,
        new (
          data: object,
        ) => { validate(): void }
      >;
      const Model = models[kind];
      if (!Model) throw new Error(`${apiVersion} has no ${kind}`);
      expect(() => new Model(rest).validate()).not.toThrow();
    });

    // The schemas allow unknown keys, the types do not.
    test('no key is unknown', async () => {
      const source = manifests.map(
        ({ apiVersion, kind, ...rest }, index) =>
          `import type { I${kind} as T${index} } from '${moduleOf(apiVersion)}';\n` +
          `export const m${index}: T${index} = ${JSON.stringify({ apiVersion, kind, ...rest })};\n`,
      );
      writeFileSync(join(temporary, 'manifests.ts'), source.join(''));
      const compilerOptions = {
        noEmit: true,
        strict: true,
        skipLibCheck: true,
        types: [],
        module: 'preserve',
      };
      writeFileSync(
        join(temporary, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['manifests.ts'] }),
      );
      symlinkSync(join(schemas, 'node_modules'), join(temporary, 'node_modules'));
      const tsc = shipped('node_modules', '.bin', 'tsc');
      const { status, stdout } = await runCommand(tsc, ['-p', temporary]);
      expect([status, stdout]).toEqual([0, '']);
    });
  },
);
