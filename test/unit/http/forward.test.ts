import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientAddress, forwardedFor, forwardedHeader } from '../../../src/access/forwarded.js';
import { answerHeader, answerMac, signatureHeader } from '../../../src/access/signature.js';
import { createError } from '../../../src/errors/errors.js';
import { createApp } from '../../../src/http/app.js';
import { failedAuthenticationLimiter } from '../../../src/http/failed-authentication-limiter.js';
import { type ForwardTo, forwarder } from '../../../src/http/forward.js';
import { reviewPageRouter } from '../../../src/http/review-page.js';
import { close, listen } from '../../../testkit/loopback.js';
import { signed } from '../../../testkit/signed.js';
import { waitFor } from '../../../testkit/wait-for.js';

const secret = 'a-secret-of-the-tests';
const silent = pino({ level: 'silent' });
let servers: Server[] = [];
let lines: string[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });

beforeEach(() => {
  lines = [];
});
afterEach(async () => {
  await Promise.all(servers.map(close));
  servers = [];
});

async function serve(app: RequestListener): Promise<string> {
  const server = createServer(app);
  servers.push(server);
  return listen(server);
}
/** Starts a process that forwards. @returns its address */
const member = (leader: () => ForwardTo | undefined, options: { silenceMs?: number } = {}): Promise<string> =>
  serve(createApp([forwarder({ leader, secret, log, ...options })], silent));
/** Starts a leader, and a process that forwards to it. @returns the address of the latter */
async function forwarding(app: RequestListener): Promise<string> {
  const url = await serve(app);
  return member(() => ({ url }));
}

/** Sends bytes as they are. */
const sendRaw = (url: string, bytes: string): Socket =>
  createConnection(Number(new URL(url).port), '127.0.0.1')
    .on('error', () => undefined)
    .setEncoding('latin1')
    .setDefaultEncoding('latin1')
    .on('connect', function (this: Socket) {
      this.write(bytes);
    });
/** @returns all that comes until the connection is closed */
const askRaw = (url: string, bytes: string): Promise<string> => text(sendRaw(url, bytes));

/** Unlike `fetch`: any method, the answer from its headers on, and nothing added. */
async function ask(
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<IncomingMessage> {
  const asking = request(url, { agent: false, method, headers }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return answer;
}

interface Received {
  line: string;
  headers: NodeJS.Dict<string[]>;
  body: Buffer;
}
/** A leader that notes what it receives. */
function noting() {
  const received: Received[] = [];
  const app: RequestListener = async (incoming, response) => {
    const { method, url, headersDistinct: headers } = incoming;
    received.push({ line: `${method} ${url}`, headers, body: await buffer(incoming) });
    response.end('noted');
  };
  return { received, app };
}

describe('a request', () => {
  test('reaches the leader as it was sent', async () => {
    const { received, app } = noting();
    const url = await forwarding(app);
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
    const leader = await serve(createApp([app], silent));
    const url = await member(() => ({ url: leader }));
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
    const leader = await serve(app);
    const url = await serve(express().use(forwarder({ leader: () => ({ url: leader }), secret, log })));
    for (const method of ['PATCH', 'OPTIONS', 'PROPFIND', 'TRACE'])
      expect((await ask(url, { method })).statusCode).toBe(200);
    expect(received.map(({ line }) => line)).toEqual(['PATCH /', 'OPTIONS /', 'PROPFIND /', 'TRACE /']);
  });

  test('loses what is meant for one connection alone', async () => {
    const { received, app } = noting();
    const url = await forwarding(app);
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
      const leader = await serve(app);
      const url = await serve(express().use(forwarder({ leader: () => ({ url: leader }), secret, log })));
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
    const url = await forwarding(app);
    const both = `Transfer-Encoding: chunked\r\nContent-Length: ${chunked.length}\r\n`;
    expect(await askRaw(url, `POST / HTTP/1.1\r\nHost: a\r\n${both}\r\n${chunked}`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(received).toEqual([]);
  });

  test('whose client leaves is ended at the leader, before its answer, in the middle of it and of the body', async () => {
    const ended: string[] = [];
    const begun: string[] = [];
    const url = await forwarding((incoming, response) => {
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
    expect(lines).toEqual([]);
  });

  test('with a large body flows through: it is not held in memory, and the leader gets it whole', async () => {
    const content = randomBytes(64 * 1024 * 1024);
    let start = async () => {};
    let hash = '';
    const url = await forwarding((incoming, response) => {
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
    const url = await forwarding((_incoming, response) => response.writeHead(413).end('too large'));
    for (let n = 0; n < 20; n++) {
      const answer = await fetch(url, { method: 'POST', body: Buffer.alloc(8 * 1024 * 1024) });
      expect([answer.status, await answer.text()]).toEqual([413, 'too large']);
    }
  });

  test('on a connection that is kept comes after the one before', async () => {
    const { received, app } = noting();
    const url = await forwarding(app);
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

/** Waits until the number has not changed for a while. */
async function stands(...numbers: (() => number)[]): Promise<void> {
  let [last, same] = ['', 0];
  await waitFor(
    () => {
      const now = numbers.map((each) => each()).join();
      same = now === last ? same + 1 : 0;
      last = now;
      return same === 10;
    },
    { everyMs: 30 },
  );
}

describe('an answer', () => {
  test('comes back as the leader gave it', async () => {
    const url = await forwarding((_incoming, response) => {
      response.writeHead(
        418,
        'As It Is',
        [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['Location', '../review/'],
          ['X-Name', 'Zo\xeb'],
          ['Content-Security-Policy', "default-src 'self'"],
          ['Date', 'Sun, 06 Nov 1994 08:49:37 GMT'],
          ['Connection', 'x-mine'],
          ['X-Mine', '1'],
          ['Keep-Alive', 'timeout=99'],
        ].flat(),
      );
      response.end(Buffer.from('\x00\xff', 'latin1'));
    });
    const answer = await ask(url);
    expect([answer.statusCode, answer.statusMessage, (await buffer(answer)).toString('latin1')]).toEqual([
      418,
      'As It Is',
      '\x00\xff',
    ]);
    expect(answer.headersDistinct).toMatchObject({
      'set-cookie': ['a=1', 'b=2'],
      location: ['../review/'],
      'x-name': ['Zo\xeb'],
      'content-security-policy': ["default-src 'self'"],
      date: ['Sun, 06 Nov 1994 08:49:37 GMT'],
    });
    expect(answer.headers).not.toHaveProperty('x-mine');
    expect(answer.headers['keep-alive']).not.toBe('timeout=99');
  });

  test('without a body keeps the headers that describe one', async () => {
    const url = await forwarding((incoming, response) => {
      const status = Number(incoming.url?.slice(1));
      response.writeHead(status, { 'content-length': 1234, etag: '"a"' }).end();
    });
    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 304],
    ] as const) {
      const answer = await ask(`${url}/${status}`, { method });
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject({ 'content-length': '1234', etag: '"a"' });
      expect(await text(answer)).toBe('');
    }
    expect(
      (await ask(`${await forwarding((_, response) => response.writeHead(204).end())}`)).statusCode,
    ).toBe(204);
  });

  test('that is a stream comes at once: its headers, and each event', async () => {
    const events: ((event: string) => void)[] = [];
    const url = await forwarding((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      events.push((event) => response.write(event));
    });
    const answer = await ask(url);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      const came = once(answer, 'data');
      events[0]?.(event);
      expect(String(await came)).toBe(event);
    }
    answer.destroy();
  });

  test('that is a stream may be silent for longer than the leader may before an answer', async () => {
    const url = await serve((incoming, response) => {
      response.flushHeaders();
      if (incoming.url === '/stream') setTimeout(() => response.end('late'), 600);
    });
    const through = await member(() => ({ url }), { silenceMs: 200 });
    expect(await text(await ask(`${through}/stream`))).toBe('late');
  });

  test('that is large flows through: it is not held in memory, and comes whole', async () => {
    const content = randomBytes(64 * 1024 * 1024);
    let sent = 0;
    const url = await forwarding(async (_incoming, response) => {
      const parts = function* () {
        for (let at = 0; at < content.length; at += 65_536) {
          sent = at;
          yield content.subarray(at, at + 65_536);
        }
      };
      await pipeline(parts, response);
    });
    const answer = await ask(url);
    await waitFor(() => sent > 0);
    await stands(() => sent);
    expect(sent).toBeLessThan(content.length / 2);
    const whole = await buffer(answer);
    expect(whole.equals(content)).toBe(true);
  });

  test.each([
    ['with a length', { 'content-length': '100' }],
    ['in chunks', {}],
  ])('%s that the leader breaks off is broken off, not ended as if it were whole', async (_, headers) => {
    const url = await forwarding((_incoming, response) => {
      response.writeHead(200, headers);
      response.write('half', () => response.destroy());
    });
    await expect(ask(`${url}/api/v1/worklist?q=DOE`).then(text)).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, path: '/api/v1/worklist', msg: 'the leader broke off an answer' },
    ]);
    expect(lines.join('')).not.toContain('DOE');
  });

  test('of a process that leads no longer is broken off, though it never says that it ends', async () => {
    const until = new AbortController();
    const url = await serve((incoming, response) => {
      if (incoming.url === '/begun') response.write('half');
    });
    const through = await member(() => ({ url, until: until.signal }));
    const begun = await ask(`${through}/begun`);
    const waiting = ask(`${through}/waiting`);
    await once(begun, 'data');
    until.abort();
    await expect(text(begun)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await waiting).statusCode).toBe(503);
  });

  test.each([
    [
      'switches to another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['has no status', 'HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n'],
    ['is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['goes wrong after its headers', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('that %s harms only its own request', async (_, bytes) => {
    const odd = createServer();
    odd.on('connection', (socket) => socket.end(bytes));
    servers.push(odd);
    let url = await listen(odd);
    const through = await member(() => ({ url }));
    const wrong = await ask(through).then(
      async (answer) => (await text(answer).catch(() => undefined)) ?? 'broken off',
      () => 'broken off',
    );
    expect(wrong).toMatch(/standby|internal|broken off/);
    url = await serve(noting().app);
    expect(await text(await ask(through))).toBe('noted');
  });
});

describe('a process that cannot forward answers 503', () => {
  const problem = async (url: string, init: RequestInit = {}) => {
    const answer = await fetch(url, init);
    const body = (await answer.json()) as { code: string; title: string };
    return { status: answer.status, again: answer.headers.get('retry-after'), ...body };
  };
  const standby = { status: 503, again: '5', code: 'standby' };

  test('while no leader is known', async () => {
    expect(await problem(await member(() => undefined))).toMatchObject(standby);
  });

  test('where nothing listens at the address of the leader, and names it', async () => {
    const gone = createServer();
    const url = await listen(gone);
    await close(gone);
    const answer = await problem(await member(() => ({ url })), { method: 'POST', body: 'a' });
    expect(answer).toMatchObject({ ...standby, title: expect.stringContaining(url) });
    expect(answer.title).toContain('ECONNREFUSED');
  });

  test.each([
    ['hangs', () => undefined],
    ['ends the connection', (incoming: IncomingMessage) => void incoming.socket.destroy()],
  ])('where the leader %s, and does not try it again', async (_, answerNot) => {
    let begun = 0;
    const url = await serve((incoming) => {
      begun++;
      answerNot(incoming);
    });
    const through = await member(() => ({ url }), { silenceMs: 200 });
    for (const method of ['GET', 'POST'])
      expect(
        await problem(`${through}/api`, { method, ...(method === 'POST' ? { body: 'a' } : {}) }),
      ).toMatchObject(standby);
    expect(begun).toBe(2);
  });

  test('to what was forwarded once: two that disagree on the leader do not send a request to and fro', async () => {
    let asked = 0;
    const urls: string[] = [];
    const to = (other: number) => () => {
      asked++;
      return { url: urls[other] ?? '' };
    };
    urls.push(await member(to(1)), await member(to(0)));
    expect(await problem(urls[0] ?? '')).toMatchObject(standby);
    expect(asked).toBe(1);
  });

  test.each(['forged', ''])('to a client that says itself that it forwards ("%s")', async (forged) => {
    const { received, app } = noting();
    const through = await forwarding(app);
    expect((await ask(through, { headers: { [forwardedHeader]: forged } })).statusCode).toBe(503);
    expect(received).toEqual([]);
  });

  test('and proves to Orthanc’s plugin that it is Plainview', async () => {
    const through = await member(() => undefined);
    const headers = signed(secret, `${through}/api/v1/status`);
    const answer = await fetch(`${through}/api/v1/status`, { headers });
    expect(answer.headers.get(answerHeader)).toBe(
      answerMac(secret, headers[signatureHeader] ?? '', {
        status: 503,
        type: answer.headers.get('content-type') ?? '',
        body: await answer.text(),
      }),
    );
  });
});

describe('the address of a client', () => {
  test('reaches the leader, whatever the client says of it', async () => {
    const { received, app } = noting();
    const through = await forwarding(app);
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
    const url = await serve(createApp([limiter(check, () => undefined)], silent));
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

test('the page may sign people in at the provider through any process', async () => {
  const provider = 'https://id.example';
  const signIn = async () => ({
    clientId: 'plainview',
    authorizationEndpoint: `${provider}/authorise`,
    tokenEndpoint: `${provider}/token`,
  });
  const leader = await serve(createApp([reviewPageRouter(signIn)], silent, [provider]));
  const through = await member(() => ({ url: leader }));
  const answer = await fetch(`${through}/review/sign-in.json`);
  expect(await answer.json()).toEqual(await signIn());
  expect(answer.headers.get('content-security-policy')).toContain(`connect-src 'self' ${provider}`);
  const page = await ask(through);
  expect([page.statusCode, page.headers.location]).toEqual([302, 'review/']);
});
