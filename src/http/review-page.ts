import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';
import type { SignIn } from '../contract/review.js';
import { createError } from '../errors/errors.js';

/** Where `npm run build` puts the page: the same place from `src/` and from `dist/`. */
const built = fileURLToPath(new URL('../../dist/review/', import.meta.url));

/**
 * The review page's files at `/review/`. They hold no data and need no token: the page gets its data from the API.
 * @param signIn what `/review/sign-in.json` answers; without it, people need a token
 */
export function reviewPageRouter(signIn?: () => Promise<SignIn>, folder = built): Router {
  const router = Router({ strict: true });
  // Relative, so that they work behind a path prefix.
  router.get('/', (_request, response) => response.redirect(302, 'review/'));
  router.get('/review', (_request, response) => response.redirect(302, 'review/'));
  if (signIn !== undefined)
    router.get('/review/sign-in.json', async (_request, response) => {
      response.set('cache-control', 'no-store').json(await signIn());
    });
  router.use(
    '/review',
    express.static(folder, {
      dotfiles: 'ignore',
      redirect: false,
      cacheControl: false,
      setHeaders: revalidated,
    }),
    () => {
      throw existsSync(join(folder, 'index.html'))
        ? createError('route_unknown', {})
        : createError('page_not_built', {});
    },
  );
  return router;
}

/** The browser revalidates each file and mostly gets 304. So it loads a new version at once. */
const revalidated = (response: { setHeader(name: string, value: string): void }): void =>
  response.setHeader('cache-control', 'no-cache');
