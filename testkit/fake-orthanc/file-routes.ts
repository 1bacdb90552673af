import { z } from 'zod';
import { type Element, writePart10 } from '../part10.js';
import type { Archive } from './archive.js';
import { tagOf } from './content.js';
import { type Dataset, elementFrom } from './dataset.js';
import { badRequest, unknownResource } from './orthanc-error.js';
import { formatFor, render, storedValues } from './render.js';
import { bytes, empty, type FakeRequest, type FakeResponse, json, type Route } from './router.js';

const modification = z.object({
  Replace: z.record(z.string(), z.unknown()).default({}),
  Remove: z.array(z.string()).default([]),
  Keep: z.array(z.string()).default([]),
  Force: z.boolean().default(false),
});

const identifiers = ['0010,0020', '0020,000d', '0020,000e', '0008,0018'];
/** Routes that store, read, render and change files. */
export function fileRoutes(archive: Archive): Route[] {
  let uids = 0;
  const newUid = () => `1.2.276.0.7230010.3.1.4.${++uids}`;
  const dataset = (id: string): Dataset => {
    const found = archive.resources.get(id)?.dataset;
    if (found === undefined) throw unknownResource();
    return found;
  };
  const at = (rest: string) => new RegExp(`^/instances/([^/]+)${rest}$`);

  const rendered = async (request: FakeRequest, id: string, frame = '0'): Promise<FakeResponse> => {
    const format = formatFor(request.headers.accept);
    const found = archive.resources.get(id)?.dataset;
    if (found === undefined || format === undefined || !/^\d+$/.test(frame)) return empty(404);
    const number = (name: string) => (request.query.has(name) ? Number(request.query.get(name)) : undefined);
    const picture = await render(found, format, {
      frame: Number(frame),
      width: number('width'),
      height: number('height'),
      center: number('window-center'),
      windowWidth: number('window-width'),
      quality: number('quality'),
    });
    return picture === undefined ? empty(415) : bytes(format, picture);
  };

  const values16 = (id: string, frame: number): FakeResponse => {
    const values = storedValues(dataset(id), frame);
    return values === undefined ? empty(415) : bytes('image/x-portable-arbitrarymap', values);
  };

  const modify = ({ body }: FakeRequest, id: string): FakeResponse => {
    const before = dataset(id);
    const { Replace, Remove, Keep, Force } = modification.parse(JSON.parse(body.toString('utf8')));
    const replaced = Object.entries(Replace).map(([name, value]) =>
      elementFrom(name, value, before.encoding),
    );
    const forced = Object.keys(Replace).find((name) => identifiers.includes(tagOf(name)));
    if (!Force && (forced ?? Keep[0]) !== undefined)
      throw badRequest(
        `Marking tag "${forced ?? Keep[0]}" as to be ${forced === undefined ? 'kept' : 'replaced'} requires the "Force" option to be set to true`,
      );
    const elements = new Map<string, Element>(before.elements.map((element) => [element.tag, element]));
    for (const name of Remove) elements.delete(tagOf(name));
    if (!Keep.includes('SOPInstanceUID'))
      elements.set('0008,0018', elementFrom('0008,0018', newUid(), 'latin1'));
    for (const element of replaced) elements.set(element.tag, element);
    return bytes('application/dicom', writePart10([...elements.values()], before.transferSyntax));
  };

  return [
    ['POST', /^\/instances$/, ({ body }) => json(archive.store(body))],
    ['POST', at('/modify'), modify],
    ['GET', at('/file'), (_, id = '') => bytes('application/dicom', dataset(id).file)],
    [
      'GET',
      at('/content'),
      (_, id = '') =>
        json(
          dataset(id)
            .tags()
            .map((tag) => tag.replace(',', '-')),
        ),
    ],
    [
      'GET',
      at('/content/([0-9a-f]{4})-([0-9a-f]{4})'),
      (_, id = '', group = '', element = '') => {
        const value = dataset(id).element(`${group},${element}`)?.value;
        if (value === undefined) return empty(404);
        return Buffer.isBuffer(value)
          ? bytes('application/octet-stream', value)
          : json(value.map((_item, index) => String(index)));
      },
    ],
    ['GET', at('/simplified-tags'), (_, id = '') => json(dataset(id).simplified())],
    [
      'GET',
      at('/tags'),
      ({ query }, id = '') => json(query.has('simplify') ? dataset(id).simplified() : dataset(id).short()),
    ],
    [
      'GET',
      at('/frames'),
      (_, id = '') =>
        json(Array.from({ length: Number(dataset(id).text('0028,0008')) || 1 }, (__, index) => index)),
    ],
    [
      'GET',
      at('/frames/([^/]+)/image-uint16'),
      (_request, id = '', frame = '') => values16(id, Number(frame)),
    ],
    ['GET', at('/rendered'), (request, id = '') => rendered(request, id)],
    ['GET', at('/frames/([^/]+)/rendered'), (request, id = '', frame = '') => rendered(request, id, frame)],
  ];
}
