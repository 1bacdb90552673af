import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forwardedHeader } from '../../../src/access/forwarded.js';
import { answerHeader, answerMac, signatureHeader } from '../../../src/access/signature.js';
import { ask, askRaw, Forwarding, noting, secret, stands } from '../../../testkit/forwarding.js';
import { close, listen } from '../../../testkit/loopback.js';
import { signed } from '../../../testkit/signed.js';
import { waitFor } from '../../../testkit/wait-for.js';

let site: Forwarding;
beforeEach(() => {
  site = new Forwarding();
});
afterEach(() => site.stop());

describe('an answer', () => {
  test('comes back as the leader gave it', async () => {
    const url = await site.through((_incoming, response) => {
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
    const url = await site.through((incoming, response) => {
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
      (await ask(`${await site.through((_, response) => response.writeHead(204).end())}`)).statusCode,
    ).toBe(204);
  });

  test('that is a stream comes at once: its headers, and each event', async () => {
    const events: ((event: string) => void)[] = [];
    const url = await site.through((_incoming, response) => {
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
    const url = await site.serve((incoming, response) => {
      response.flushHeaders();
      if (incoming.url === '/stream') setTimeout(() => response.end('late'), 600);
    });
    const through = await site.member(() => ({ url }), { silenceMs: 200 });
    expect(await text(await ask(`${through}/stream`))).toBe('late');
  });

  test('that is large flows through: it is not held in memory, and comes whole', async () => {
    const content = randomBytes(64 * 1024 * 1024);
    let sent = 0;
    const url = await site.through(async (_incoming, response) => {
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
    const url = await site.through((_incoming, response) => {
      response.writeHead(200, headers);
      response.write('half', () => response.destroy());
    });
    await expect(ask(`${url}/api/v1/worklist?q=DOE`).then(text)).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    expect(site.lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 40, path: '/api/v1/worklist', msg: 'the leader broke off an answer' },
    ]);
    expect(site.lines.join('')).not.toContain('DOE');
  });

  test('of a process that leads no longer is broken off, though it never says that it ends', async () => {
    const until = new AbortController();
    let asked = 0;
    const url = await site.serve((incoming, response) => {
      asked++;
      if (incoming.url === '/begun') response.write('half');
    });
    const through = await site.member(() => ({ url, until: until.signal }));
    const warnings: Error[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    const begun = await ask(`${through}/begun`);
    const waiting = Array.from({ length: 20 }, () => ask(`${through}/waiting`));
    await once(begun, 'data');
    await waitFor(() => asked === 21);
    until.abort();
    await expect(text(begun)).rejects.toMatchObject({ code: 'ECONNRESET' });
    for (const answer of await Promise.all(waiting)) expect(answer.statusCode).toBe(503);
    expect((await ask(through)).statusCode).toBe(503);
    expect(warnings).toEqual([]);
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
    let url = await listen(odd);
    const through = await site.member(() => ({ url }));
    const wrong = await ask(through).then(
      async (answer) => (await text(answer).catch(() => undefined)) ?? 'broken off',
      () => 'broken off',
    );
    expect(wrong).toMatch(/standby|internal|broken off/);
    await close(odd);
    url = await site.serve(noting().app);
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
    expect(await problem(await site.member(() => undefined))).toMatchObject(standby);
  });

  test('where nothing listens at the address of the leader, and names it', async () => {
    const gone = createServer();
    const url = await listen(gone);
    await close(gone);
    const answer = await problem(await site.member(() => ({ url })), { method: 'POST', body: 'a' });
    expect(answer).toMatchObject({ ...standby, title: expect.stringContaining(url) });
    expect(answer.title).toContain('ECONNREFUSED');
    // If it never passes, these are wrong there.
    expect(answer.title).toMatch(/PLAINVIEW_HOST and PLAINVIEW_ADDRESS/);
  });

  test.each([
    ['hangs', () => undefined],
    ['ends the connection', (incoming: IncomingMessage) => void incoming.socket.destroy()],
  ])('where the leader %s, and does not try it again', async (_, answerNot) => {
    let begun = 0;
    const url = await site.serve((incoming) => {
      begun++;
      answerNot(incoming);
    });
    const through = await site.member(() => ({ url }), { silenceMs: 200 });
    for (const method of ['GET', 'POST'])
      expect(
        await problem(`${through}/api`, { method, ...(method === 'POST' ? { body: 'a' } : {}) }),
      ).toMatchObject(standby);
    expect(begun).toBe(2);
  });

  test('where the leader goes in the middle of a body, and reads the rest of it', async () => {
    const through = await site.through((incoming) => {
      const go = () => incoming.socket.destroy();
      incoming.on('data', go).on('end', go);
    });
    const body = 'x'.repeat(8 * 1024 * 1024);
    const upload = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const last = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answers = await askRaw(through, `${upload}${upload}${last}`);
    expect(answers.match(/HTTP\/1\.1 503 /g)).toHaveLength(3);
  });

  test('to what was forwarded once: two that disagree on the leader do not send a request to and fro', async () => {
    let asked = 0;
    const urls: string[] = [];
    const to = (other: number) => () => {
      asked++;
      return { url: urls[other] ?? '' };
    };
    urls.push(await site.member(to(1)), await site.member(to(0)));
    expect(await problem(urls[0] ?? '')).toMatchObject(standby);
    expect(asked).toBe(1);
  });

  test.each(['forged', ''])('to a client that says itself that it forwards ("%s")', async (forged) => {
    const { received, app } = noting();
    const through = await site.through(app);
    expect((await ask(through, { headers: { [forwardedHeader]: forged } })).statusCode).toBe(503);
    expect(received).toEqual([]);
  });

  test('where the leader cannot prove its name through TLS; the client’s Host does not change which name', async () => {
    const names: string[] = [];
    const server = createTlsServer({
      SNICallback: (name, done) => {
        names.push(name);
        done(new Error('no certificate'));
      },
    });
    const url = (await listen(server)).replace('http://127.0.0.1', 'https://localhost');
    const through = await site.member(() => ({ url }));
    const answer = await ask(through, { headers: { host: 'plainview.example' } });
    expect([answer.statusCode, names]).toEqual([503, ['localhost']]);
    await close(server);
  });

  test('and proves to Orthanc’s plugin that it is Plainview', async () => {
    const through = await site.member(() => undefined);
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
