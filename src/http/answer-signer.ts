import type { RequestHandler } from 'express';
import { signedPartsOf } from '../access/authenticate.js';
import { answerHeader, type Signatures, signatureHeader } from '../access/signature.js';

/**
 * Signs the answers to signed requests. Orthanc's plugin shows them under Orthanc's own address, so it must be sure that
 * no other program at the service's port gave them. A stream, whose end is not known, is not signed.
 */
export const answerSigner =
  (signatures: Signatures): RequestHandler =>
  (request, response, next) => {
    const signature = request.get(signatureHeader);
    if (signature === undefined || !signatures.isGenuine(signedPartsOf(request), signature)) return next();
    const write = response.write.bind(response);
    const end = response.end.bind(response);
    const parts: Buffer[] = [];
    const isStream = () => String(response.getHeader('content-type')).startsWith('text/event-stream');
    const keep = (part: unknown): void => {
      if (typeof part === 'string') parts.push(Buffer.from(part));
      else if (part instanceof Uint8Array) parts.push(Buffer.from(part));
    };
    response.write = (part: unknown, ...rest: unknown[]): boolean => {
      if (isStream()) return Reflect.apply(write, response, [part, ...rest]);
      keep(part);
      return true;
    };
    response.end = ((part?: unknown, ...rest: unknown[]) => {
      if (isStream()) return Reflect.apply(end, response, [part, ...rest]);
      keep(part);
      const body = Buffer.concat(parts);
      const type = String(response.getHeader('content-type') ?? '');
      response.setHeader(
        answerHeader,
        signatures.answerMac(signature, { status: response.statusCode, type, body }),
      );
      return end(request.method === 'HEAD' ? undefined : body);
    }) as typeof response.end;
    next();
  };
