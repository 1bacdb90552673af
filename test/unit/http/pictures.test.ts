import type { Response } from 'express';
import { expect, test } from 'vitest';
import { createError } from '../../../src/errors/errors.js';
import { pictureOperations } from '../../../src/http/api/pictures.js';
import type { Renderings } from '../../../src/orthanc/renderings.js';
import type { Entries } from '../../../src/worklist/entries.js';

const instance = `0000000a${'-00000000'.repeat(4)}`;

test('a thumbnail is rendered once for each picture, is noted each time, and goes with its instance', async () => {
  let picture = 'first';
  let isGone = false;
  const rendered: string[] = [];
  const noted: string[] = [];
  const [thumbnail] = pictureOperations({
    renderings: {
      jpeg: async () => {
        rendered.push(picture);
        return Buffer.from(picture);
      },
    } as unknown as Renderings,
    entries: {
      shown: async () => {
        if (isGone) throw createError('instance_gone', { instance });
        return { frames: 1, picture };
      },
    } as unknown as Entries,
    config: { multiframe: 'middle' },
    audit: async ({ target }) => void noted.push(target),
  });
  const ask = async () => {
    let sent = '';
    const headers: Record<string, string> = {};
    const response = {
      vary: () => response,
      type: () => response,
      set: (name: string, value: string) => {
        headers[name] = value;
        return response;
      },
      send: (body: Buffer) => {
        sent = body.toString();
      },
    };
    const caller = { who: 'alice', role: 'viewer', how: 'token' } as const;
    const { signal } = new AbortController();
    await thumbnail?.serve(
      { params: { instance }, query: {}, body: undefined, caller, signal },
      response as unknown as Response,
    );
    return [sent, headers['cache-control']];
  };
  expect(await ask()).toEqual(['first', 'private, max-age=3600']);
  expect(await ask()).toEqual(['first', 'private, max-age=3600']);
  expect(rendered).toEqual(['first']);
  picture = 'second';
  expect((await ask())[0]).toBe('second');
  expect(noted).toHaveLength(3);
  isGone = true;
  await expect(ask()).rejects.toMatchObject({ code: 'instance_gone' });
});
