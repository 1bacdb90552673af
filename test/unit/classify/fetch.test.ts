import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FetchOptions, fetchNetwork } from '../../../src/classify/fetch.js';
import { goldenGraph } from '../../../testkit/classify/graphs.js';

const content = goldenGraph('slim_retrained');
const gitBlob = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
const half = content.length >> 1;

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

let folder: string;
let to: string;
let server: Server;
/** Responses to the first, second, … call. The last one repeats. */
let answers: Answer[];
let ranges: (string | undefined)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fetch-'));
  to = join(folder, 'deep', 'network.pb');
  answers = [whole];
  ranges = [];
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    (answers[ranges.length - 1] ?? answers.at(-1))?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const url = (path = '/network.pb') => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
const fetching = (options: Partial<FetchOptions> = {}) =>
  fetchNetwork({
    from: options.from ?? url(),
    to,
    gitBlob,
    attempts: 3,
    pauseMs: 1,
    // Longer than a busy machine takes: such a try is one that the server may not have seen.
    idleMs: 30_000,
    ...options,
  });

const whole: Answer = (_, response) =>
  response.writeHead(200, { 'content-length': content.length }).end(content);
const ranged: Answer = (request, response) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
  response
    .writeHead(206, { ...range, 'content-length': content.length - start })
    .end(content.subarray(start));
};
/** Sends the whole length and half of the file. Closes the connection once that half is on the disk. */
const cutAfter =
  (bytes: Buffer): Answer =>
  async (_, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(bytes);
    const part = `${to}.part`;
    await vi.waitUntil(() => existsSync(part) && statSync(part).size >= bytes.length);
    response.destroy();
  };
const cut = cutAfter(content.subarray(0, half));
const status =
  (code: number): Answer =>
  (_, response) =>
    response.writeHead(code).end('<html>sorry</html>');

const left = () => (existsSync(join(folder, 'deep')) ? readdirSync(join(folder, 'deep')) : []);
async function expectFetched(): Promise<void> {
  expect((await readFile(to)).equals(content)).toBe(true);
  expect(left()).toEqual(['network.pb']);
}

describe('fetching the network', () => {
  it('writes the verified file, and reports its progress', async () => {
    const progress: [number, number | undefined][] = [];
    expect(await fetching({ onProgress: (...seen) => progress.push(seen) })).toBe(true);
    await expectFetched();
    expect(progress.at(-1)).toEqual([content.length, content.length]);
  });

  it('does nothing where the file exists', async () => {
    await fetching();
    expect(await fetching()).toBe(false);
    expect(ranges).toHaveLength(1);
  });

  it('replaces another file of that name', async () => {
    await writeFile(join(folder, 'old.pb'), 'something else');
    await fetching({ to: join(folder, 'old.pb') });
    expect((await readFile(join(folder, 'old.pb'))).equals(content)).toBe(true);
  });

  it('continues where the connection broke off', async () => {
    answers = [cut, ranged];
    await fetching();
    await expectFetched();
    expect(ranges).toEqual([undefined, `bytes=${half}-`]);
  });

  it('continues in a later call', async () => {
    answers = [cut];
    await expect(fetching({ attempts: 1 })).rejects.toMatchObject({
      code: 'download_interrupted',
      transient: true,
    });
    expect(left()).toEqual(['network.pb.part']);
    answers = [ranged];
    await fetching();
    await expectFetched();
  });

  it('starts again where the server does not support ranges', async () => {
    answers = [cut, whole];
    await fetching();
    await expectFetched();
  });

  it('starts again where the server sends another range', async () => {
    const other: Answer = (_, response) =>
      response
        .writeHead(206, { 'content-range': `bytes 0-${content.length - 1}/${content.length}` })
        .end(content);
    answers = [cut, other, whole];
    await fetching();
    await expectFetched();
  });

  it('starts again where the file has changed', async () => {
    answers = [cutAfter(Buffer.alloc(half, 1)), ranged, whole];
    await fetching();
    await expectFetched();
    expect(ranges).toEqual([undefined, `bytes=${half}-`, undefined]);
  });

  it('starts again where the part is longer than the file', async () => {
    await fetching({ to: join(folder, 'x.pb') });
    await writeFile(join(folder, 'y.pb.part'), Buffer.alloc(content.length + 1));
    answers = [whole, status(416), whole];
    await fetching({ to: join(folder, 'y.pb') });
    expect((await readFile(join(folder, 'y.pb'))).equals(content)).toBe(true);
  });

  it('tries again after HTTP 503, or where no response comes', async () => {
    const silent: Answer = () => undefined;
    answers = [status(503), silent, whole];
    await fetching({ idleMs: 300, attempts: 20 });
    await expectFetched();
  });

  it('accepts a body of unknown length, and tries again where it was cut', async () => {
    const unknown =
      (body: Buffer): Answer =>
      (_, response) => {
        response.shouldKeepAlive = false;
        response.useChunkedEncodingByDefault = false;
        response.end(body);
      };
    answers = [
      (_, response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' });
        response.write(content.subarray(0, half), () => response.destroy());
      },
      unknown(content),
    ];
    await fetching();
    await expectFetched();
  });

  it('follows redirects', async () => {
    answers = [(_, response) => response.writeHead(302, { location: '/elsewhere' }).end(), whole];
    await fetching();
    await expectFetched();
  });

  it('gives up after its tries, and keeps the part for the next call', async () => {
    answers = [status(502)];
    await expect(fetching()).rejects.toMatchObject({ code: 'download_interrupted' });
    expect(ranges).toHaveLength(3);
    expect(existsSync(to)).toBe(false);
  });

  it('gives up where no more data arrives', async () => {
    answers = [
      (_, response) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, half));
      },
    ];
    await expect(fetching({ attempts: 1, idleMs: 300 })).rejects.toThrow(/nothing arrived for 0\.3 s/);
  });

  it.each([401, 403, 404, 410])('does not try again after HTTP %i', async (code) => {
    answers = [status(code)];
    await expect(fetching()).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringMatching(new RegExp(`HTTP ${code}.*--from`)),
    });
    expect(ranges).toHaveLength(1);
    expect(left()).toEqual([]);
  });

  it('deletes a wrong file, such as a page of a proxy', async () => {
    answers = [
      (_, response) => {
        const page = '<html>Please log in</html>';
        response.writeHead(200, { 'content-type': 'text/html', 'content-length': page.length }).end(page);
      },
    ];
    await expect(fetching()).rejects.toMatchObject({ code: 'download_wrong', transient: false });
    expect(ranges).toHaveLength(1);
    expect(left()).toEqual([]);
  });

  it('says at once how a machine without Internet gets the file', async () => {
    const from = url();
    await new Promise((resolve) => server.close(resolve));
    await expect(fetching({ from, pauseMs: 600_000 })).rejects.toMatchObject({
      code: 'download_failed',
      message: expect.stringContaining('name the file with --from'),
    });
  });
});

it('reports a folder that is not writable, before any request', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  await expect(fetching({ to: join(file, 'network.pb') })).rejects.toMatchObject({
    code: 'report_unwritable',
    message: expect.stringContaining(file),
  });
  expect(ranges).toEqual([]);
});

describe('copying the network from a file', () => {
  it('verifies it as a download', async () => {
    const from = join(folder, 'carried.pb');
    await writeFile(from, content);
    await fetching({ from });
    await expectFetched();
    expect((await readFile(from)).equals(content)).toBe(true);
  });

  it('deletes a wrong copy', async () => {
    const from = join(folder, 'carried.pb');
    await writeFile(from, content.subarray(1));
    await expect(fetching({ from })).rejects.toMatchObject({ code: 'download_wrong' });
    expect(left()).toEqual([]);
  });

  it('reports a missing file', async () => {
    await expect(fetching({ from: join(folder, 'nothing.pb') })).rejects.toMatchObject({
      code: 'file_unreadable',
    });
    expect(left()).toEqual([]);
  });

  it('refuses a useless file even with the right hash, such as a pointer to large-file storage', async () => {
    const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\n');
    const from = join(folder, 'pointer.pb');
    await writeFile(from, pointer);
    const blob = createHash('sha1').update(`blob ${pointer.length}\0`).update(pointer).digest('hex');
    await expect(fetching({ from, gitBlob: blob })).rejects.toMatchObject({ code: 'network_unreadable' });
    expect(left()).toEqual([]);
  });
});
