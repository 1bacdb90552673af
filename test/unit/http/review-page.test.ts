import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../../src/http/app.js';
import { reviewPageRouter } from '../../../src/http/review-page.js';

let folder: string;
let port: number;
let server: Server;
const log = pino({ level: 'silent' });

async function serve(pageFolder: string): Promise<Server> {
  const started = createServer(createApp([reviewPageRouter(undefined, pageFolder)], log));
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return started;
}

/** Sends the path unchanged: `fetch` would remove the dots. */
const get = (path: string, at = port) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    request({ host: '127.0.0.1', port: at, path }, (incoming) => {
      let body = '';
      incoming.on('data', (part) => {
        body += String(part);
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
      );
    })
      .on('error', reject)
      .end();
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-page-'));
  const page = join(folder, 'review');
  await mkdir(page);
  await writeFile(join(folder, 'secret'), 'beside the page');
  await writeFile(join(page, '.hidden'), 'hidden');
  await writeFile(join(page, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(page, 'main.js'), 'export {};');
  server = await serve(page);
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

test('the page and its files are served; only own scripts and frames of the same origin are allowed', async () => {
  const page = await get('/review/');
  expect(page).toMatchObject({ status: 200, body: expect.stringContaining('<title>page') });
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("frame-ancestors 'self'");
  expect(policy).not.toContain('unsafe');
  expect(page.headers['cache-control']).toBe('no-cache');
  expect((await get('/review/main.js')).headers['content-type']).toContain('text/javascript');
});

test('/ and /review redirect to it, behind any prefix', async () => {
  for (const path of ['/', '/review'])
    expect(await get(path)).toMatchObject({ status: 302, headers: { location: 'review/' } });
});

test.each([
  '/review/../secret',
  '/review/..%2fsecret',
  '/review/%2e%2e/secret',
  '/review/..%5csecret',
  '/review//secret',
  '/review/.hidden',
  '/review/%00',
  '/review/none.js',
])('%s is not found', async (path) => {
  const { status, headers, body } = await get(path);
  expect([400, 404]).toContain(status);
  expect(headers['content-type']).toContain('application/problem+json');
  expect(body).not.toMatch(/beside|hidden$/);
});

test('page_not_built is answered where the page was not built', async () => {
  const other = await serve(join(folder, 'nowhere'));
  const { status, body } = await get('/review/', (other.address() as AddressInfo).port);
  other.close();
  expect(status).toBe(404);
  expect(JSON.parse(body)).toMatchObject({ code: 'page_not_built' });
});
