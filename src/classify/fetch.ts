import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import axios, { isAxiosError } from 'axios';
import pRetry from 'p-retry';
import { createError, PlainviewError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { renameDurably } from '../files/replace.js';
import { requireWritable, withWriteErrors } from '../files/result-file.js';
import { readGraphDef } from './graph/graphdef.js';

/** NNCPR's network as its authors publish it, pinned by commit. Git's hash verifies the file from any source. */
export const nncpr = {
  url: 'https://raw.githubusercontent.com/healthcAIr/NNCPR/d2d24ba2903b2f3856ffde48a70b36d07971cbab/network.pb',
  gitBlob: 'e9a7faea3b7c454146a5f392891f843ea3426264',
} as const;

export interface FetchOptions {
  /** http(s) URL, or path of a file. */
  from: string;
  /** Path of the result. */
  to: string;
  /** Git's blob hash (SHA-1) of the expected content, hexadecimal. */
  gitBlob: string;
  /** Tries in all. Each continues where the last one broke off. */
  attempts?: number;
  /** Milliseconds before the second try. Later waits are twice as long each. */
  pauseMs?: number;
  /** Longest time without data, milliseconds. */
  idleMs?: number;
  /** @param received bytes so far @param total bytes in all; undefined where the server does not send it */
  onProgress?: (received: number, total: number | undefined) => void;
}

/** Errors of a machine without a way to the server. Where nothing has arrived yet, another try would only delay the answer. */
const unreachable = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH'];

/** Far above the size of any MobileNet. An endless response must not fill the disk. */
const maxBytes = 500_000_000;

/**
 * Fetches a network, or completes an earlier download. The content is written to `to` + `.part` and renamed to `to`
 * once its hash is verified. The part stays after an interrupted download and is deleted after a wrong one.
 * @returns false where `to` was already right
 * @throws download_failed, download_interrupted, download_wrong, file_unreadable, network_unreadable, report_unwritable
 */
export async function fetchNetwork(options: FetchOptions): Promise<boolean> {
  const { from, to, gitBlob, attempts = 5, pauseMs = 1000 } = options;
  if ((await sizeOf(to)) > 0 && (await gitBlobOf(to)) === gitBlob) return false;
  const part = `${to}.part`;
  await withWriteErrors(async () => makeFolder(dirname(to)));
  await requireWritable(to);
  const isRemote = /^https?:\/\//i.test(from);
  await pRetry(
    async () => {
      const isWhole = await (isRemote ? download(part, options) : copy(from, part));
      await verify(part, gitBlob, from, isWhole);
    },
    {
      retries: isRemote ? attempts - 1 : 0,
      minTimeout: pauseMs,
      shouldRetry: ({ error }) => error instanceof PlainviewError && error.transient,
    },
  );
  await renameDurably(part, to);
  return true;
}

/** Git's blob hash of a file: the SHA-1 of a header and the content, hexadecimal. */
export async function gitBlobOf(path: string): Promise<string> {
  const hash = createHash('sha1').update(`blob ${await sizeOf(path)}\0`);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function copy(from: string, part: string): Promise<true> {
  try {
    // Not a pair of streams: the one that writes could still make its file after the failure of the one that reads.
    await copyFile(from, part);
    return true;
  } catch (error) {
    await rm(part, { force: true });
    throw createError('file_unreadable', { problem: (error as Error).message }, error);
  }
}

/** @returns true where the file is complete and from a single response of known length */
async function download(part: string, { from, idleMs = 30_000, onProgress }: FetchOptions): Promise<boolean> {
  const present = await sizeOf(part);
  const abort = new AbortController();
  const idle = setTimeout(() => abort.abort(), idleMs);
  try {
    const { status, headers, data } = await axios.get<Readable>(from, {
      responseType: 'stream',
      // A compressed body would have another length than the file, and its download could not be resumed.
      headers: { 'Accept-Encoding': 'identity', ...(present > 0 && { Range: `bytes=${present}-` }) },
      decompress: false,
      signal: abort.signal,
      maxRedirects: 5,
      validateStatus: (code) => code === 200 || code === 206,
    });
    const resumed = status === 206 && String(headers['content-range']).startsWith(`bytes ${present}-`);
    if (status === 206 && !resumed) {
      data.destroy();
      await rm(part);
      throw failed(from, 'it sends another part of the file than was requested', true);
    }
    const start = resumed ? present : 0;
    const length = Number(headers['content-length']);
    const total = Number.isSafeInteger(length) ? start + length : undefined;
    let received = start;
    const monitor = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        idle.refresh();
        received += chunk.length;
        onProgress?.(received, total);
        done(
          received > maxBytes ? failed(from, 'it sends more than any network is long', false) : null,
          chunk,
        );
      },
    });
    await pipeline(data, monitor, createWriteStream(part, { flags: resumed ? 'a' : 'w' }));
    if (total !== undefined && received !== total) throw failed(from, 'the connection broke off', true);
    return total !== undefined && !resumed;
  } catch (error) {
    if (error instanceof PlainviewError) throw error;
    if (abort.signal.aborted) throw failed(from, `nothing arrived for ${idleMs / 1000} s`, true, error);
    const status = isAxiosError(error) ? error.response?.status : undefined;
    // HTTP 416: the part is as long as the file or longer, so it is useless.
    if (status === 416) await rm(part, { force: true });
    const isOffline = present === 0 && isAxiosError(error) && unreachable.includes(error.code ?? '');
    const isTransient =
      !isOffline && (status === undefined || status >= 500 || [408, 416, 425, 429].includes(status));
    throw failed(
      from,
      status === undefined ? (error as Error).message : `HTTP ${status}`,
      isTransient,
      error,
    );
  } finally {
    clearTimeout(idle);
  }
}

const failed = (from: string, problem: string, transient: boolean, cause?: unknown) =>
  createError(transient ? 'download_interrupted' : 'download_failed', { from, problem }, cause);

/** @throws download_wrong; download_interrupted where another try may give another file; network_unreadable */
async function verify(part: string, gitBlob: string, from: string, isWhole: boolean): Promise<void> {
  const found = await gitBlobOf(part);
  try {
    // The expected hash can belong to a useless file, for example a pointer to large-file storage.
    if (found === gitBlob) readGraphDef(await readFile(part));
    else if (isWhole) throw createError('download_wrong', { from, found, wanted: gitBlob });
    else throw failed(from, 'its parts do not fit together', true);
  } catch (error) {
    await rm(part);
    throw error;
  }
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;
