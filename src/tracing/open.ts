import type { Logger } from 'pino';
import { createError } from '../errors/errors.js';
import { noTracing, type Tracing } from './tracing.js';

/** Whether the standard variables ask for traces: see docs/monitoring.md. */
const isWanted = (env: NodeJS.ProcessEnv): boolean =>
  Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT) &&
  env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true' &&
  env.OTEL_TRACES_EXPORTER !== 'none';

/**
 * Loads OpenTelemetry only where its variables ask for it.
 * @throws tracing_unavailable where it cannot be loaded; config_invalid
 */
export async function openTracing(env: NodeJS.ProcessEnv, version: string, log: Logger): Promise<Tracing> {
  if (!isWanted(env)) return noTracing;
  const protocol =
    env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json')
    throw createError('config_invalid', {
      problems: [
        `OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf or http/json, not "${protocol}"; a collector takes both at port 4318`,
      ],
    });
  const { openTelemetry } = await import('./opentelemetry.js').catch((error: unknown) => {
    throw createError('tracing_unavailable', { why: (error as Error).message }, error);
  });
  return openTelemetry(protocol, version, log);
}
