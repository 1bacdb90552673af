import type { Role } from '../src/access/caller.js';
import { deriveKey } from '../src/access/keys.js';
import { signedHeaders } from '../src/access/signature.js';
import { RequestSeal } from '../src/decisions/request-seal.js';
import { type InstanceId, instanceId } from '../src/orthanc/ids.js';

/** The headers of a request that Orthanc's plugin signs, for a JSON body. */
export function signed(
  secret: string,
  url: string,
  { method = 'GET', body = '', who = 'alice', role = 'admin' }: SignedOptions = {},
): Record<string, string> {
  const { pathname, search } = new URL(url);
  return {
    ...signedHeaders(secret, { method, target: pathname + search, who, role, body }),
    'content-type': 'application/json',
  };
}

export interface SignedOptions {
  method?: string;
  body?: string;
  who?: string;
  role?: Role;
}

/** Sends a request as Orthanc's plugin does. */
export const fetchSigned = (
  secret: string,
  url: string,
  options: SignedOptions & { signal?: AbortSignal } = {},
): Promise<Response> =>
  fetch(url, {
    method: options.method ?? 'GET',
    headers: signed(secret, url, options),
    ...(options.body === undefined ? {} : { body: options.body }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });

/** A request that includes what people decided, as the service with this secret writes it into an instance's metadata. */
export const sealedRequest = (
  secret: string,
  instance: string,
  request: { who: string; when: string; ends?: string | undefined },
): string =>
  JSON.stringify(
    new RequestSeal(deriveKey(secret, 'seal')).seal(instanceId.parse(instance) satisfies InstanceId, {
      ...request,
      includingCorrected: true,
    }),
  );
