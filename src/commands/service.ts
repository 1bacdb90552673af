import axios, { isAxiosError } from 'axios';
import { z } from 'zod';
import type { Config } from '../config/options.js';
import { fail } from '../errors.js';

/** Asks the running service of this machine. @throws service_unreachable */
export async function askService<T extends z.ZodType>(
  answer: T,
  config: Config,
  request: { method: 'GET' | 'POST'; path: string; body?: object; timeoutMs?: number },
): Promise<z.output<T>> {
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  const url = `http://${host}:${config.port}${request.path}`;
  const headers = { 'x-plainview-secret': config.secret ?? '', 'content-type': 'application/json' };
  try {
    const { data } = await axios.request<unknown>({
      method: request.method,
      url,
      headers,
      data: request.body,
      timeout: request.timeoutMs ?? 10_000,
      proxy: false,
    });
    return answer.parse(data);
  } catch (error) {
    throw fail('service_unreachable', { url, why: whyNot(error) }, error);
  }
}

const problem = z.object({ title: z.string() });

function whyNot(error: unknown): string {
  if (!isAxiosError(error) || error.response === undefined) return (error as Error).message;
  const { status, data } = error.response;
  const said = problem.safeParse(data);
  return `HTTP ${status}${said.success ? `: ${said.data.title}` : ''}`;
}
