import axios, { isAxiosError } from 'axios';
import { z } from 'zod';
import { commandRole, signedHeaders } from '../access/signature.js';
import type { Config } from '../config/options.js';
import { createError, type PlainviewError } from '../errors/errors.js';
import { userName } from './user-name.js';

/** Calls the service that runs on this machine. @throws service_unreachable, service_refused */
export async function callService<T extends z.ZodType>(
  answer: T,
  config: Config,
  request: { method: 'GET' | 'POST'; path: string; body?: object; timeoutMs?: number },
): Promise<z.output<T>> {
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  const url = `http://${host}:${config.port}${request.path}`;
  const body = request.body === undefined ? '' : JSON.stringify(request.body);
  // The secret itself is not sent: another program may listen at this port while the service is stopped.
  const signed = {
    method: request.method,
    target: request.path,
    who: userName(),
    role: commandRole,
    body,
  } as const;
  const headers = { ...signedHeaders(config.secret ?? '', signed), 'content-type': 'application/json' };
  try {
    const { data } = await axios.request<unknown>({
      method: request.method,
      url,
      headers,
      ...(body === '' ? {} : { data: body }),
      timeout: request.timeoutMs ?? 10_000,
      proxy: false,
    });
    return answer.parse(data);
  } catch (error) {
    throw refusal(url, error);
  }
}

const problem = z.object({ title: z.string() });

function refusal(url: string, error: unknown): PlainviewError {
  const answer = isAxiosError(error) ? error.response : undefined;
  if (answer === undefined)
    return createError('service_unreachable', { url, why: (error as Error).message }, error);
  const parsed = problem.safeParse(answer.data);
  if (parsed.success && answer.status !== 401)
    return createError('service_refused', { why: parsed.data.title }, error);
  const why = `HTTP ${answer.status}${parsed.success ? `: ${parsed.data.title}` : ''}`;
  return createError('service_unreachable', { url, why }, error);
}
