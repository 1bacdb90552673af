import { describe, expect, test } from 'vitest';
import { layouts, places, radiographWith } from '../../testkit/signed-files.js';
import { picture, useTags } from '../../testkit/tags.js';
import { waitFor } from '../../testkit/wait-for.js';

const { real, reader, service, stop, tagsOf, waitForTags, fileOf } = await useTags();

/** Stores files, and waits until each is written or refused. @returns why a file was refused */
async function refusals(files: readonly Buffer[]): Promise<(string | undefined)[]> {
  await service('absent');
  const stored = await Promise.all(files.map((file) => real.storeInstance(file)));
  const found: (string | undefined)[] = [];
  for (const [index, { orthancId }] of stored.entries()) {
    const tags = await waitFor(async () => {
      const [record, tags] = [await reader().record(orthancId), await tagsOf(orthancId)];
      return tags?.of === record?.when && tags;
    });
    const failure = (tags as { failure?: { code: string; message: string } }).failure;
    expect(failure?.code ?? 'tags_not_written').toBe('tags_not_written');
    const isUnchanged = (await fileOf(orthancId)).equals(files[index] ?? Buffer.alloc(0));
    expect(isUnchanged).toBe(failure !== undefined);
    found.push(failure?.message);
  }
  return found;
}

describe.each(layouts.filter(({ transferSyntax }) => transferSyntax !== 'jpegBaseline'))(
  'a file in $name',
  (layout) => {
    test('is not changed where it has a digital signature anywhere, and is changed without one', async () => {
      const signed = Object.values(places).map((elements) => radiographWith(elements, layout));
      const found = await refusals([...signed, radiographWith([], layout)]);
      expect(found.pop()).toBeUndefined();
      for (const why of found) expect(why).toContain('signed digitally');
    });
  },
);

test('a file of compressed pixels is not changed where it has a signature behind them', async () => {
  await service('absent');
  const raw = await real.storeInstance(picture());
  await waitForTags(raw.orthancId, 'knee_ap');
  await stop();
  const transcode = async () => {
    const answer = await fetch(`${real.orthanc.url}/instances/${raw.orthancId}/modify`, {
      method: 'POST',
      body: JSON.stringify({
        Transcode: '1.2.840.10008.1.2.4.70',
        Replace: { BodyPartExamined: '' },
        Force: true,
      }),
    });
    return Buffer.from(await answer.arrayBuffer());
  };
  const element = Buffer.from('fafffaff5351000000000000', 'hex');
  const found = await refusals([Buffer.concat([await transcode(), element]), await transcode()]);
  expect(found).toEqual([expect.stringContaining('signed digitally'), undefined]);
});

test('a deflated file is not changed, and neither is one with encrypted attributes', async () => {
  const deflated = { transferSyntax: 'deflated', areOpen: false } as const;
  const encrypted = {
    tag: '0400,0500',
    vr: 'SQ',
    value: [
      [
        { tag: '0400,0510', vr: 'UI', value: '1.2.840.10008.1.2.1' },
        { tag: '0400,0520', vr: 'OB', value: Uint8Array.of(1, 2) },
      ],
    ],
  } as const;
  const found = await refusals([
    radiographWith(places['behind the pixels'], deflated),
    radiographWith([], deflated),
    radiographWith([encrypted]),
  ]);
  expect(found.map((why) => why?.includes('deflated') ?? false)).toEqual([true, true, false]);
  expect(found[2]).toContain('encrypted');
});
