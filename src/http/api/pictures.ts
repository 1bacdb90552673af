import type { Response } from 'express';
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

const shape = z
  .strictObject({
    width: z.coerce
      .number()
      .int()
      .min(16)
      .max(4096)
      .default(1024)
      .describe('Upper limit of width and height in pixels.'),
    picture: z.string().max(64).optional().describe('`picture` of the entry: caches keep each one apart.'),
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
  const send = async (
    as: 'thumbnail' | 'picture',
    { instance, caller, signal }: { instance: InstanceId; caller: Caller; signal: AbortSignal },
    rendering: { size: number; quality: number; center?: number | undefined; width?: number | undefined },
    response: Response,
  ) => {
    const frames = await entries.frames(instance);
    const jpeg = await renderings.jpeg(instance, frameOf({ frames }, config), rendering, signal);
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
      media: 'image/jpeg',
      send: ({ params, caller, signal }, response) =>
        send('thumbnail', { ...params, caller, signal }, { size: thumbnailSize, quality: 80 }, response),
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
      send: ({ params, query, caller, signal }, response) =>
        send(
          'picture',
          { ...params, caller, signal },
          { size: query.width, quality: 90, center: query.center, width: query.window },
          response,
        ),
    }),
  ];
}
