import express, { type Express, type Router } from 'express';
import type { Logger } from 'pino';
import { fail } from '../errors.js';
import { problemHandler } from './problem.js';

/** The express application: the given routers, then a clear word for anything else. */
export function createApp(routers: readonly Router[], log: Logger): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  for (const router of routers) app.use(router);
  app.use(() => {
    throw fail('route_unknown', {});
  });
  app.use(problemHandler(log));
  return app;
}
