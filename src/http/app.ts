import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { createError } from '../errors/errors.js';
import { problemHandler } from './problem.js';

/**
 * The express application: the given handlers, then an error for any other path.
 * @param connect origins that the page may call besides its own
 */
export function createApp(
  handlers: readonly RequestHandler[],
  log: Logger,
  connect: readonly string[] = [],
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(headers(connect));
  app.use(knownMethod);
  for (const handler of handlers) app.use(handler);
  app.use(() => {
    throw createError('route_unknown', {});
  });
  app.use(problemHandler(log));
  return app;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];

/** Nothing here answers other methods. Without this, express would answer OPTIONS and TRACE in forms of its own. */
const knownMethod: RequestHandler = (request, response, next) => {
  if (!methods.includes(request.method)) {
    response.set('allow', methods.join(', '));
    throw createError('method_unknown', { methods });
  }
  next();
};

/**
 * Security headers: a browser may load and run only files of the same origin, and may show the pages only in a frame of
 * the same origin (Orthanc's pages, through its plugin). A proxy in front of Plainview provides TLS.
 */
const headers = (connect: readonly string[]) =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'blob:', 'data:'],
        connectSrc: ["'self'", ...connect],
        frameAncestors: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: false,
  });
