import type { Role } from '../src/access/caller.js';
import type { TestService } from './service.js';
import { fetchSigned } from './signed.js';

export interface ApiResponse {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read responses of every shape
  json: any;
}

/** Calls the API as a user that Orthanc's plugin has authenticated. */
export async function callApi(
  { url, secret }: Pick<TestService, 'url' | 'secret'>,
  method: string,
  path: string,
  { body, role = 'admin', who = 'alice' }: { body?: unknown; role?: Role; who?: string } = {},
): Promise<ApiResponse> {
  const answer = await fetchSigned(secret, `${url}/api/v1${path}`, {
    method,
    who,
    role,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const isJson = answer.headers.get('content-type')?.includes('json');
  return {
    status: answer.status,
    headers: answer.headers,
    json: isJson ? await answer.json() : Buffer.from(await answer.arrayBuffer()),
  };
}
