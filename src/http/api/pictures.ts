import type { Response } from 'express';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import type { Caller } from '../../access/caller.js';
import type { Config } from '../../config/options.js';
import { type InstanceId, instanceId } from '../../orthanc/ids.js';
import type { Renderings } from '../../orthanc/renderings.js';
import { frameOf } from '../../pipeline/eligible.js';
import type { Entries } from '../../worklist/entries.js';
import { type Operation, operation } from './operation.js';

const instanceParams = z.strictObject({ instance: instanceId });
const thumbnailSize = 200;
/** Of thumbnails in memory: some thousands. They are never on a disk. */
const keptBytes = 32 * 1024 * 1024;

const picture = z.string().max(64).optional().describe('`picture` of the entry: caches keep each one apart.');

const shape = z
  .strictObject({
    width: z.coerce
      .number()
      .int()
      .min(16)
      .max(4096)
      .default(1024)
      .describe('Upper limit of width and height in pixels.'),
    picture,
    center: z.coerce.number().min(-100_000).max(100_000).optional().describe('Window Center, with window.'),
    window: z.coerce.number().min(1).max(200_000).optional().describe('Window Width, with center.'),
  })
  .refine(({ center, window }) => (center === undefined) === (window === undefined), {
    path: ['window'],
    message: 'goes with center',
  });

interface Parts {
  renderings: Renderings;
  entries: Entries;
  config: Pick<Config, 'multiframe'>;
  audit: Audit;
}

export function pictureOperations({ renderings, entries, config, audit }: Parts): Operation[] {
  const kept = new LRUCache<string, Buffer>({ maxSize: keptBytes, sizeCalculation: ({ length }) => length });
  /** Of a thumbnail that is kept, Orthanc renders nothing. It is asked all the same whether the picture is still there. */
  const thumbnail = async (instance: InstanceId, signal: AbortSignal) => {
    const { frames, picture } = await entries.shown(instance);
    const key = `${instance} ${picture}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const rendering = { size: thumbnailSize, quality: 80 };
    const jpeg = await renderings.jpeg(instance, frameOf({ frames }, config), rendering, signal);
    kept.set(key, jpeg);
    return jpeg;
  };
  const send = (
    as: 'thumbnail' | 'picture',
    { instance, caller }: { instance: InstanceId; caller: Caller },
    jpeg: Buffer,
    response: Response,
  ) => {
    // The picture does not wait until the entry is written.
    void audit({ caller, action: 'view', target: `instances/${instance}`, detail: { as } });
    // Another person at the same browser is another caller: the picture is asked for, and noted, again.
    response.vary('authorization').set('cache-control', 'private, max-age=3600');
    response.type('image/jpeg').send(jpeg);
  };
  return [
    operation({
      id: 'thumbnail',
      tag: 'pictures',
      method: 'get',
      path: '/api/v1/instances/{instance}/thumbnail',
      summary: `The picture, ${thumbnailSize} pixels wide or high`,
      role: 'viewer',
      params: instanceParams,
      query: z.strictObject({ picture }),
      media: 'image/jpeg',
      send: async ({ params: { instance }, caller, signal }, response) =>
        send('thumbnail', { instance, caller }, await thumbnail(instance, signal), response),
    }),
    operation({
      id: 'picture',
      tag: 'pictures',
      method: 'get',
      path: '/api/v1/instances/{instance}/picture',
      summary: 'The frame that was classified, as Orthanc renders it',
      role: 'viewer',
      params: instanceParams,
      query: shape,
      media: 'image/jpeg',
      send: async ({ params: { instance }, query, caller, signal }, response) => {
        const { width: size, center, window: width } = query;
        const { frames } = await entries.shown(instance);
        const rendering = { size, quality: 90, center, width };
        const jpeg = await renderings.jpeg(instance, frameOf({ frames }, config), rendering, signal);
        send('picture', { instance, caller }, jpeg, response);
      },
    }),
  ];
}
