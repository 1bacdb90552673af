import type { z } from 'zod';
import { Gate } from '../async/gate.js';
import { KeyedMutex } from '../async/keyed-mutex.js';
import { sleep } from '../async/sleep.js';
import { asPlainviewError, createError, hasCode, type PlainviewError } from '../errors/errors.js';
import { goneIfAbsent } from './catch-handlers.js';
import type { InstanceId } from './ids.js';
import type { OrthancRequest, OrthancResponse } from './node.js';
import { isOfOldConnection, mayHaveBegun, type Transport } from './transport.js';

/** After so many calls that Orthanc did not survive, or did not finish, it is never asked for this file again. */
const maxStrikes = 2;
/** A failure that took longer counts as one that Orthanc did not finish. */
const longMs = 10_000;

/** `unknown`: it hides its metrics. */
export type HasRunFor = (error: PlainviewError, ms: number) => Promise<boolean | 'unknown'>;

/** Failures by key. The service keeps them in its state folder. */
export interface Strikes {
  of(key: string): Promise<{ times: number; at: string } | undefined>;
  put(key: string, entry: { times: number; at: string }): Promise<void>;
  drop(key: string): Promise<void>;
}

/** For commands, which end soon. */
const inMemory = (): Strikes => {
  const all = new Map<string, { times: number; at: string }>();
  return {
    of: async (key) => all.get(key),
    put: async (key, entry) => void all.set(key, entry),
    drop: async (key) => void all.delete(key),
  };
};

/**
 * All calls by which Orthanc reads, replaces or deletes a stored DICOM file.
 * - A file can crash Orthanc, or keep it busy for minutes. A call that broke or took too long is never repeated at once.
 *   The next one runs while Plainview asks for no other file, so that other files are cleared of suspicion. It is the
 *   last one if it fails too. Only a break of an old connection, while Orthanc has run all the time, is no such call.
 * - Before 1.13.0, Orthanc locks its DICOM cache and its index in another order for a reading than for a deletion, and
 *   can hang until it is killed. So no file is replaced or deleted while Plainview waits for a reading.
 */
export class FileAccess {
  readonly #transport: Transport;
  readonly #strikes: Strikes;
  readonly #gate = new Gate();
  /** Of one file there is one call at a time, so that each failure counts. */
  readonly #files = new KeyedMutex<InstanceId>();

  readonly #hasRunFor: HasRunFor;

  /** @param hasRunFor whether the node of a failed call answers at this moment, and has run for longer than that */
  constructor(transport: Transport, hasRunFor: HasRunFor, strikes: Strikes = inMemory()) {
    this.#transport = transport;
    this.#hasRunFor = hasRunFor;
    this.#strikes = strikes;
  }

  /**
   * A call by which Orthanc reads the file of an instance.
   * @throws orthanc_toppled where it must not be asked again; instance_gone; and as `Transport.call`
   */
  read(id: InstanceId, request: OrthancRequest): Promise<OrthancResponse> {
    return this.#read(id, request).catch(goneIfAbsent(this.#transport, id));
  }

  #read(id: InstanceId, request: OrthancRequest): Promise<OrthancResponse> {
    return this.#files.run(id, async () => {
      // A picture that cannot be decoded has attributes all the same, which a person needs to decide about it.
      const key = request.url.includes('/frames/') ? id : `${id} attributes`;
      const before = await this.#strikes.of(key);
      const times = before?.times ?? 0;
      if (times >= maxStrikes) throw createError('orthanc_toppled', { times });
      const leave = await this.#gate.enter(times === 0 ? 'together' : 'alone');
      const began = performance.now();
      try {
        // Alone, it gets a new connection. On an old one, a break may only mean that Orthanc has closed it.
        const response = times > 0 ? await this.#ask(request, true) : await this.#askOnOldConnection(request);
        // A thumbnail that succeeds says nothing about the picture at full size.
        if (before?.at === request.url) await this.#strikes.drop(key);
        leave();
        return response;
      } catch (caught) {
        const error = asPlainviewError(caught);
        try {
          if (await this.#isSuspicious(error, performance.now() - began))
            await this.#strikes.put(key, { times: times + 1, at: request.url });
        } finally {
          void this.#leaveAfter(error, leave, 'together');
        }
        throw caught;
      }
    });
  }

  #ask(request: OrthancRequest, isNew: boolean): Promise<OrthancResponse> {
    return this.#transport.call(request, { ifNotBegun: true, isNew, isHeavy: true });
  }

  async #askOnOldConnection(request: OrthancRequest): Promise<OrthancResponse> {
    const began = performance.now();
    try {
      return await this.#ask(request, false);
    } catch (caught) {
      const error = asPlainviewError(caught);
      const ms = performance.now() - began;
      const wasClosed = isOfOldConnection(error) && (await this.#hasRunFor(error, ms)) === true;
      if (!wasClosed) throw caught;
      return this.#ask(request, true);
    }
  }

  /** A break is the network's, and no strike, where Orthanc has run for longer than the call. */
  async #isSuspicious(error: PlainviewError, ms: number): Promise<boolean> {
    if (this.#transport.closed.aborted) return false;
    if (ms > longMs || error.code === 'orthanc_timeout') return true;
    return mayHaveBegun(error) && (await this.#hasRunFor(error, ms)) === false;
  }

  /** As `read`. @throws orthanc_garbage where the response is not JSON of the expected shape */
  async json<T extends z.ZodType>(schema: T, id: InstanceId, request: OrthancRequest): Promise<z.output<T>> {
    return this.#transport.parse(schema, request, await this.read(id, request));
  }

  /** A task that makes Orthanc replace or delete a stored file. It runs while Plainview reads no file. */
  async change<T>(task: () => Promise<T>): Promise<T> {
    const leave = await this.#gate.enter('alone');
    try {
      const result = await task();
      leave();
      return result;
    } catch (error) {
      void this.#leaveAfter(error, leave);
      throw error;
    }
  }

  /** After a time-out Orthanc still works on the call: it counts as running for as long again. */
  async #leaveAfter(
    error: unknown,
    leave: (next?: 'together') => void,
    meanwhile?: 'together',
  ): Promise<void> {
    if (hasCode(error, 'orthanc_timeout')) {
      if (meanwhile !== undefined) leave(meanwhile);
      await sleep(this.#transport.timeoutMs, this.#transport.closed);
    }
    leave();
  }
}
