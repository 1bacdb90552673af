import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { openTracing } from '../../../src/tracing/open.js';
import { noTracing } from '../../../src/tracing/tracing.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { Listener } from '../../../testkit/listener.js';
import { Reader, startTestService } from '../../../testkit/service.js';

let loaded = 0;
vi.mock('../../../src/tracing/opentelemetry.js', async (original) => {
  loaded++;
  return original();
});

const collector = new Listener();
afterEach(async () => {
  vi.unstubAllEnvs();
  await collector.close();
});

const log = pino({ level: 'silent' });
const soon = () => AbortSignal.timeout(5000);

/** OTLP as JSON, as far as it is compared. */
const attributes = z.array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }));
const payload = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              startTimeUnixNano: z.string().transform(BigInt),
              endTimeUnixNano: z.string().transform(BigInt),
              attributes,
              status: z.object({ code: z.number(), message: z.string().optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

const attribute = (of: z.output<typeof attributes>, name: string): unknown => {
  const { value = {} } = of.find(({ key }) => key === name) ?? {};
  return value.stringValue ?? value.intValue;
};

test.each([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'true' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_EXPORTER: 'none' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
])('without being asked, OpenTelemetry is not loaded: %o', async (env) => {
  expect(await openTracing(env, '1.0.0', log)).toBe(noTracing);
  expect(loaded).toBe(0);
});

test('a protocol that it cannot speak is a wrong configuration', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
  await expect(openTracing(env, '1.0.0', log)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('must be http/protobuf or http/json, not "grpc"'),
  });
  expect(loaded).toBe(0);
});

test('a collector gets a span for each job, and in it one for each stage, without patient data', async () => {
  await collector.listen();
  collector.answer = { status: 200, body: '{}' };
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', new URL(collector.url).origin);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-tenant=ward');
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment=test');
  const tracing = await openTracing(process.env, '1.2.3', log);
  const fake = await startFakeOrthanc();
  const service = await startTestService({ orthanc: fake.url, classifier: stubClassifier(), tracing });
  const attributesOfPatient = { '0010,0010': ['PN', 'TELLING^NAME'] } as const;
  const { ID } = fake.store(image({ attributes: attributesOfPatient }));
  const { ID: broken } = fake.store(image({ rows: 0, attributes: attributesOfPatient }));
  for (const id of [ID, broken]) await service.notice(id);
  await new Reader(fake.url).decided(ID);
  await new Reader(fake.url).decided(broken);
  await service.stop();
  await fake.stop();
  await tracing.stop(soon());

  const texts = collector.requests.map(({ body }) => body);
  expect(texts.join()).not.toMatch(/TELLING/);
  expect(collector.requests[0]).toMatchObject({ url: '/v1/traces', headers: { 'x-tenant': 'ward' } });
  const parts = texts.flatMap((text) => payload.parse(JSON.parse(text)).resourceSpans);
  const [resource = []] = parts.map(({ resource }) => resource.attributes);
  expect(
    ['service.name', 'service.version', 'deployment.environment'].map((n) => attribute(resource, n)),
  ).toEqual(['plainview', '1.2.3', 'test']);
  const spans = parts.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  const jobOf = (id: string) =>
    spans.find(({ name, attributes: of }) => name === 'job' && attribute(of, 'plainview.instance') === id);
  const job = jobOf(ID);
  if (job === undefined) throw new Error('there is no span of the job');
  expect(attribute(job.attributes, 'plainview.outcome')).toBe('category');
  expect(attribute(job.attributes, 'plainview.category')).toBe('knee_lateral');
  const stages = spans.filter(({ parentSpanId }) => parentSpanId === job.spanId);
  expect(stages.map(({ name }) => name).toSorted()).toEqual(
    ['describe', 'render', 'decode', 'prepare', 'infer', 'record'].toSorted(),
  );
  const ms = 1_000_000n;
  for (const stage of stages) {
    expect(stage.traceId).toBe(job.traceId);
    expect(stage.startTimeUnixNano).toBeGreaterThanOrEqual(job.startTimeUnixNano - ms);
    expect(stage.endTimeUnixNano).toBeLessThanOrEqual(job.endTimeUnixNano + ms);
  }
  const failed = jobOf(broken);
  expect(failed?.status).toMatchObject({ code: 2, message: expect.stringMatching(/^[a-z_]+$/) });
});

test('a collector that is away holds nothing up', async () => {
  await collector.listen();
  const { url } = collector;
  await collector.close();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
  const tracing = await openTracing(process.env, '1.2.3', log);
  expect(
    await tracing.job(
      {},
      async () => 'done',
      () => ({}),
    ),
  ).toBe('done');
  const began = performance.now();
  await tracing.stop(AbortSignal.timeout(100));
  expect(performance.now() - began).toBeLessThan(3000);
});
