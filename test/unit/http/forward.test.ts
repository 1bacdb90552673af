import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import express from 'express';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { authenticator } from '../../../src/access/authenticate.js';
import { clientAddress, forwardedFor, forwardedHeader } from '../../../src/access/forwarded.js';
import { answerHeader, answerMac, Signatures, signatureHeader } from '../../../src/access/signature.js';
import { Categories } from '../../../src/anatomy/categories.js';
import { createError } from '../../../src/errors/errors.js';
import { answerSigner } from '../../../src/http/answer-signer.js';
import { aboutOperations } from '../../../src/http/api/about.js';
import { apiRouter } from '../../../src/http/api/router.js';
import { createApp } from '../../../src/http/app.js';
import { failedAuthenticationLimiter } from '../../../src/http/failed-authentication-limiter.js';
import { forwarder } from '../../../src/http/forward.js';
import { reviewPageRouter } from '../../../src/http/review-page.js';
import {
  ask,
  askRaw,
  Forwarding,
  noting,
  secret,
  sendRaw,
  silent,
  stands,
} from '../../../testkit/forwarding.js';
import { signed } from '../../../testkit/signed.js';
import { waitFor } from '../../../testkit/wait-for.js';

let site: Forwarding;
beforeEach(() => {
  site = new Forwarding();
});
afterEach(() => site.stop());

describe('a request', () => {
  test('reaches the leader as it was sent', async () => {
    const { received, app } = noting();
    const url = await site.through(app);
    const target = '/api//v1/%2e%2e/a%2Fb?x=%20&x=+#';
    const answer = await askRaw(
      url,
      `PUT ${target} HTTP/1.1\r\nHost: plainview.example:8443\r\nX-Name: Zo\xeb\r\nAccept: a/b\r\nAccept: c/d\r\n` +
        'Authorization: Bearer pv_x\r\nCookie: a=1; b=2\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\x00\xff\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*noted/);
    expect(received).toMatchObject([
      {
        line: `PUT ${target}`,
        body: Buffer.from('\x00\xff\r\n', 'latin1'),
        headers: {
          host: ['plainview.example:8443'],
          'x-name': ['Zo\xeb'],
          accept: ['a/b', 'c/d'],
          authorization: ['Bearer pv_x'],
          cookie: ['a=1; b=2'],
          'sec-fetch-site': ['same-origin'],
          'content-length': ['4'],
        },
      },
    ]);
  });

  test('of a method that Plainview does not know is answered as the leader answers it', async () => {
    const { received, app } = noting();
    const leader = await site.serve(createApp([app], silent));
    const url = await site.member(() => ({ url: leader }));
    for (const method of ['PATCH', 'OPTIONS', 'PROPFIND']) {
      const [direct, forwarded] = [await ask(leader, { method }), await ask(url, { method })];
      expect([forwarded.statusCode, forwarded.headers.allow, await text(forwarded)]).toEqual([
        direct.statusCode,
        direct.headers.allow,
        await text(direct),
      ]);
      expect(direct.statusCode).toBe(405);
    }
    expect(received).toEqual([]);
  });

  test('of any method is forwarded, should Plainview learn more of them', async () => {
    const { received, app } = noting();
    const leader = await site.serve(app);
    const url = await site.serve(
      express().use(forwarder({ leader: () => ({ url: leader }), secret, log: silent })),
    );
    for (const method of ['PATCH', 'OPTIONS', 'PROPFIND', 'TRACE'])
      expect((await ask(url, { method })).statusCode).toBe(200);
    expect(received.map(({ line }) => line)).toEqual(['PATCH /', 'OPTIONS /', 'PROPFIND /', 'TRACE /']);
  });

  test('loses what is meant for one connection alone', async () => {
    const { received, app } = noting();
    const url = await site.through(app);
    await askRaw(
      url,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine,upgrade\r\nConnection: X-Forwarded-Secretly\r\nX-Mine: 1\r\nX-Forwarded-Secretly: 1\r\n' +
        'Upgrade: h2c\r\nKeep-Alive: timeout=9\r\nTE: trailers\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: x\r\nX-Stays: 1\r\n\r\n',
    );
    expect(Object.keys(received[0]?.headers ?? {}).sort()).toEqual([
      'connection',
      'host',
      forwardedHeader,
      'x-stays',
    ]);
    expect(received[0]?.headers.connection).toEqual(['keep-alive']);
  });

  const second = 'DELETE /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
  const chunked = `${second.length.toString(16)}\r\n${second}\r\n0\r\n\r\n`;
  test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PROPFIND'])(
    'of the method %s cannot hide another one in its body',
    async (method) => {
      const { received, app } = noting();
      const leader = await site.serve(app);
      const url = await site.serve(
        express().use(forwarder({ leader: () => ({ url: leader }), secret, log: silent })),
      );
      const bodies = [
        ['Transfer-Encoding: chunked\r\nConnection: close\r\n', chunked],
        ['Transfer-Encoding: chunked\r\nConnection: close, Transfer-Encoding\r\n', chunked],
        [`Content-Length: ${second.length}\r\nConnection: close, Content-Length\r\n`, second],
      ];
      for (const [headers, body] of bodies)
        expect(await askRaw(url, `${method} / HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`)).toMatch(
          /^HTTP\/1\.1 200 /,
        );
      expect(received.map(({ line, body }) => [line, String(body)])).toEqual(
        bodies.map(() => [`${method} /`, second]),
      );
    },
  );

  test('with two lengths is refused', async () => {
    const { received, app } = noting();
    const url = await site.through(app);
    const both = `Transfer-Encoding: chunked\r\nContent-Length: ${chunked.length}\r\n`;
    expect(await askRaw(url, `POST / HTTP/1.1\r\nHost: a\r\n${both}\r\n${chunked}`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(received).toEqual([]);
  });

  test('whose client leaves is ended at the leader, before its answer, in the middle of it and of the body', async () => {
    const ended: string[] = [];
    const begun: string[] = [];
    const url = await site.through((incoming, response) => {
      begun.push(incoming.url ?? '');
      response.on('close', () => ended.push(incoming.url ?? ''));
      incoming.resume();
      if (incoming.url === '/answer') response.write('half');
    });
    for (const [path, rest] of [
      ['/silence', '\r\n'],
      ['/answer', '\r\n'],
      ['/upload', 'Content-Length: 9\r\n\r\nhalf'],
    ]) {
      const socket = sendRaw(url, `POST ${path} HTTP/1.1\r\nHost: a\r\n${rest}`);
      await waitFor(() => begun.includes(path ?? ''));
      if (path === '/answer') await once(socket, 'data');
      socket.destroy();
      await waitFor(() => ended.includes(path ?? ''), { timeout: 5000 });
    }
    expect(site.lines).toEqual([]);
  });

  test('with a large body flows through: it is not held in memory, and the leader gets it whole', async () => {
    const content = randomBytes(64 * 1024 * 1024);
    let start = async () => {};
    let hash = '';
    const url = await site.through((incoming, response) => {
      start = async () => {
        hash = createHash('sha256')
          .update(await buffer(incoming))
          .digest('hex');
        response.end('stored');
      };
    });
    const upload = request(`${url}/upload`, { method: 'POST', agent: false });
    const answered = once(upload, 'response');
    for (let at = 0; at < content.length; at += 65_536) upload.write(content.subarray(at, at + 65_536));
    upload.end();
    await stands(
      () => upload.socket?.bytesWritten ?? 0,
      () => upload.socket?.writableLength ?? 0,
    );
    const waiting = upload.socket?.writableLength ?? 0;
    expect(waiting).toBeGreaterThan(content.length / 2);
    await start();
    await answered;
    expect(hash).toBe(createHash('sha256').update(content).digest('hex'));
  });

  test('that the leader refuses before it has read the body is answered', async () => {
    const url = await site.through((_incoming, response) => response.writeHead(413).end('too large'));
    for (let n = 0; n < 20; n++) {
      const answer = await fetch(url, { method: 'POST', body: Buffer.alloc(8 * 1024 * 1024) });
      expect([answer.status, await answer.text()]).toEqual([413, 'too large']);
    }
  });

  test('on a connection that is kept comes after the one before', async () => {
    const { received, app } = noting();
    const url = await site.through(app);
    const one = (n: number) => `POST /${n} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n`;
    const answers = await askRaw(url, `${one(1)}\r\n1${one(2)}\r\n2${one(3)}Connection: close\r\n\r\n3`);
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    expect(received.map(({ line, body }) => `${line} ${body}`)).toEqual([
      'POST /1 1',
      'POST /2 2',
      'POST /3 3',
    ]);
  });
});

describe('the address of a client', () => {
  test('reaches the leader, whatever the client says of it', async () => {
    const { received, app } = noting();
    const through = await site.through(app);
    await askRaw(
      through,
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: close, ${forwardedHeader}\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n`,
    );
    const header = received[0]?.headers[forwardedHeader] ?? [];
    expect(header).toHaveLength(1);
    expect(clientAddress(secret, { ip: '10.0.0.9', get: () => header[0] })).toBe('127.0.0.1');
  });

  test('counts failed attempts; a forged one does not', async () => {
    const limiter = failedAuthenticationLimiter(2, (incoming) => clientAddress(secret, incoming));
    const check = () => {
      throw createError('unauthorised', {});
    };
    const url = await site.serve(createApp([limiter(check, () => undefined)], silent));
    const guess = async (forwarded: string) =>
      (await fetch(url, { headers: { authorization: 'Bearer x', [forwardedHeader]: forwarded } })).status;
    const guesses = async (header: (n: number) => string) => [
      await guess(header(1)),
      await guess(header(2)),
      await guess(header(3)),
    ];
    expect(await guesses(() => forwardedFor(secret, '192.0.2.1'))).toEqual([401, 401, 429]);
    expect(await guesses(() => forwardedFor(secret, '192.0.2.2'))).toEqual([401, 401, 429]);
    // One client has a whole network of IPv6.
    expect(await guesses((n) => forwardedFor(secret, `2001:db8::${n}`))).toEqual([401, 401, 429]);
    expect(await guesses((n) => forwardedFor('guessed', `198.51.100.${n}`))).toEqual([401, 401, 429]);
  });
});

test('a signed request is accepted, and its answer proves to Orthanc’s plugin who gave it', async () => {
  const signatures = new Signatures(secret);
  const api = apiRouter(
    aboutOperations(Categories.read(), () => ['knee_ap'], { wordsFor: () => [] }),
    {
      authenticate: authenticator(signatures, []),
      limiter: failedAuthenticationLimiter(10),
      perMinute: 1000,
      audit: async () => undefined,
      log: silent,
    },
  );
  const leader = await site.serve(createApp([answerSigner(signatures), api], silent));
  const through = await site.member(() => ({ url: leader }));
  const headers = signed(secret, `${through}/api/v1/me`, { who: 'Zoë' });
  const answer = await fetch(`${through}/api/v1/me`, { headers });
  const body = await answer.text();
  expect(JSON.parse(body)).toMatchObject({ who: 'Zoë' });
  const type = answer.headers.get('content-type') ?? '';
  const proof = answerMac(secret, headers[signatureHeader] ?? '', { status: 200, type, body });
  expect(answer.headers.get(answerHeader)).toBe(proof);
});

test('the page may sign people in at the provider through any process', async () => {
  const provider = 'https://id.example';
  const signIn = async () => ({
    clientId: 'plainview',
    authorizationEndpoint: `${provider}/authorise`,
    tokenEndpoint: `${provider}/token`,
  });
  const leader = await site.serve(createApp([reviewPageRouter(signIn)], silent, [provider]));
  const through = await site.member(() => ({ url: leader }));
  const answer = await fetch(`${through}/review/sign-in.json`);
  expect(await answer.json()).toEqual(await signIn());
  expect(answer.headers.get('content-security-policy')).toContain(`connect-src 'self' ${provider}`);
  const page = await ask(through);
  expect([page.statusCode, page.headers.location]).toEqual([302, 'review/']);
});
