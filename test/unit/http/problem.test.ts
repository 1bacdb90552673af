import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Router } from 'express';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { asPlainviewError, createError } from '../../../src/errors/errors.js';
import { createApp } from '../../../src/http/app.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** @returns the answer to a request whose handler throws `thrown`, and the log lines */
async function answerTo(thrown: unknown) {
  const lines: string[] = [];
  const router = Router().get('/', () => {
    throw thrown;
  });
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(line) });
  const server = createServer(createApp([router], log));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: (await answer.json()) as object,
    log: lines.map((line) => JSON.parse(line) as { level: number; err: { code: string; stack: string } }),
  };
}

const [warn, error] = [40, 50];

test.each([
  [createError('classifier_crashed', { why: 'status 1' }), 500, null, [error]],
  [createError('classifier_closed', {}), 503, '5', [warn]],
  [createError('classifier_hung', { seconds: 120 }), 500, null, [error]],
  [createError('orthanc_unreachable', { url: 'http://orthanc', why: 'ECONNREFUSED' }), 503, '5', [warn]],
  [createError('state_damaged', { file: '/state/x.json' }), 500, null, [error]],
  [createError('picture_undecodable', { problem: 'the file is empty' }), 422, null, []],
  [createError('busy', {}), 429, '5', []],
])(
  '$code is answered with its own code and status, and logged where it is not the caller’s',
  async (thrown, status, retryAfter, levels) => {
    const answer = await answerTo(thrown);
    expect(answer).toMatchObject({
      status,
      retryAfter,
      body: { status, code: thrown.code, title: thrown.message },
    });
    expect(answer.log.map(({ level }) => level)).toEqual(levels);
  },
);

test.each([
  ['an unknown fault', new Error('no such column: DOE^JANE')],
  ['one that the catalogue has wrapped', asPlainviewError(new Error('no such column: DOE^JANE'))],
])('%s is answered as internal without its details, which are logged', async (_what, thrown) => {
  const answer = await answerTo(thrown);
  expect(answer).toMatchObject({ status: 500, body: { status: 500, code: 'internal' } });
  expect(JSON.stringify(answer.body)).not.toContain('column');
  expect(answer.log).toMatchObject([
    { level: error, err: { stack: expect.stringContaining('no such column') } },
  ]);
});
