import { Semaphore } from '../async/semaphore.js';
import { createError, PlainviewError } from '../errors/errors.js';
import { goneIfAbsent } from './absent.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

/** Renderings for people: each costs Orthanc a decoding, and the pictures to classify come first. */
const bounds = { most: 3, mostWaiting: 200 };

/** Pictures for people to look at. */
export class Renderings {
  readonly #rest: Transport;
  readonly #slots = new Semaphore(bounds);

  constructor(rest: Transport) {
    this.#rest = rest;
  }

  /**
   * @param shape most pixels in width and height, the window, JPEG's quality; the aspect is kept
   * @param signal aborted when nobody waits for it any more
   * @returns a JPEG
   * @throws busy, instance_gone, instance_not_renderable
   */
  async jpeg(
    id: InstanceId,
    frame: number,
    shape: { size: number; quality: number; center?: number | undefined; width?: number | undefined },
    signal: AbortSignal,
  ): Promise<Buffer> {
    return this.#slots.run(async () => {
      signal.throwIfAborted();
      return this.#render(id, frame, shape);
    });
  }

  async #render(
    id: InstanceId,
    frame: number,
    { size, quality, center, width }: Parameters<Renderings['jpeg']>[2],
  ): Promise<Buffer> {
    const window =
      center === undefined || width === undefined ? {} : { 'window-center': center, 'window-width': width };
    const request = {
      method: 'GET',
      url: `/instances/${id}/frames/${frame}/rendered`,
      params: { width: size, height: size, smooth: 1, quality, ...window },
      headers: { accept: 'image/jpeg' },
    };
    return (await this.#rest.call(request).catch(notRendered(id))).body;
  }
}

/** For `catch`: why Orthanc gave no rendering. @throws instance_gone, instance_not_renderable, else what was caught */
export const notRendered =
  (id: InstanceId) =>
  (error: unknown): never => {
    if (error instanceof PlainviewError && error.code === 'orthanc_unsupported')
      throw createError('instance_not_renderable', { why: 'HTTP 415' }, error);
    return goneIfAbsent(id)(error);
  };
