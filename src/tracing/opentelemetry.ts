import { context, DiagLogLevel, diag, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';
import { sleep } from '../async/sleep.js';
import { PlainviewError } from '../errors/errors.js';
import type { Tracing } from './tracing.js';

/** OpenTelemetry repeats what it has to say for each batch. */
const quietMs = 60_000;
/** Longer than any deadline of a stop. */
const longestMs = 3_600_000;

/** The libraries read all other `OTEL_…` variables themselves: headers, sampler, limits, resource. */
export function openTelemetry(
  protocol: 'http/protobuf' | 'http/json',
  version: string,
  log: Logger,
): Tracing {
  logProblems(log);
  const exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'plainview', 'service.version': version }))
      .merge(detectResources({ detectors: [hostDetector, processDetector, envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  // Also makes the context follow a job through its asynchronous calls.
  provider.register();
  const tracer = provider.getTracer('plainview', version);
  log.info('traces are sent as OpenTelemetry’s variables say (OTEL_EXPORTER_OTLP_ENDPOINT)');
  return {
    job: (attributes, run, outcomeOf) =>
      tracer.startActiveSpan('job', { attributes }, async (span) => {
        try {
          const result = await run();
          span.setAttributes(outcomeOf(result));
          return result;
        } catch (error) {
          fail(span, error);
          throw error;
        } finally {
          span.end();
        }
      }),
    stage: (name, seconds, endedAgo = 0) => {
      // A stage outside a job is no trace of its own.
      if (trace.getActiveSpan() === undefined) return;
      const end = performance.timeOrigin + performance.now() - endedAgo * 1000;
      tracer.startSpan(name, { startTime: end - seconds * 1000 }).end(end);
    },
    stop: async (deadline) => {
      const sent = provider
        .shutdown()
        .catch((error: Error) => log.warn({ why: error.message }, 'the last traces were lost'));
      const ended = new AbortController();
      void sent.finally(() => ended.abort());
      await sleep(longestMs, AbortSignal.any([deadline, ended.signal]));
      trace.disable();
      context.disable();
      diag.disable();
    },
  };
}

/** The code alone: a message of another program could quote a file. */
function fail(span: Span, error: unknown): void {
  const code = error instanceof PlainviewError ? error.code : 'internal';
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}

/** A collector that is away must not fill the log. */
function logProblems(log: Logger): void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  const problem = (message: string, ...details: unknown[]) => {
    if (performance.now() - loggedAt < quietMs) return;
    loggedAt = performance.now();
    const why = [message, ...details].map((each) => (each instanceof Error ? each.message : String(each)));
    log.warn({ why: why.join(' ').slice(0, 500) }, 'traces could not be sent');
  };
  const ignore = () => undefined;
  diag.setLogger(
    { error: problem, warn: problem, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
