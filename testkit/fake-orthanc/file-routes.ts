import { z } from 'zod';
import { type Element, writePart10 } from '../part10.js';
import { type Archive, datasetOf } from './archive.js';
import { tagOf } from './content.js';
import { type Dataset, elementFrom } from './dataset.js';
import { badRequest, OrthancError, unknownResource } from './orthanc-error.js';
import { formatFor, render, storedValues } from './render.js';
import { bytes, empty, type FakeRequest, type FakeResponse, json, type Route } from './router.js';

const modification = z.object({
  Replace: z.record(z.string(), z.unknown()).default({}),
  Remove: z.array(z.string()).default([]),
  Keep: z.array(z.string()).default([]),
  Force: z.boolean().default(false),
});
const creation = z.object({
  Parent: z.string().optional(),
  Force: z.boolean().default(false),
  Tags: z.record(z.string(), z.unknown()),
});

const identifiers = ['0010,0020', '0020,000d', '0020,000e', '0008,0018'];
/** Attributes that a new instance takes from its study and patient. */
const inherited = [
  ...['0008,0005', '0008,0020', '0008,0030', '0008,0050', '0008,0080', '0008,0090', '0008,1030'],
  ...['0010,0010', '0010,0020', '0010,0030', '0010,0040', '0010,1000'],
  ...['0020,000d', '0020,0010', '0032,1032', '0032,1060'],
];
const dates = ['InstanceCreation', 'Series', 'Acquisition', 'Content'];
const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** Routes that store, read, render and change files. @param now the time in Orthanc's format */
export function fileRoutes(archive: Archive, now: () => string): Route[] {
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

  const create = ({ body }: FakeRequest): FakeResponse => {
    const { Parent, Force, Tags } = creation.parse(JSON.parse(body.toString('utf8')));
    const parent = Parent === undefined ? undefined : archive.resources.get(Parent);
    if (Parent !== undefined && parent === undefined)
      throw new OrthancError(400, 2024, 'Trying to attach a new DICOM instance to an inexistent resource');
    const above = parent && datasetOf(parent);
    const elements = new Map<string, Element>();
    const set = (name: string, value: unknown) => {
      const element = elementFrom(name, value, above?.encoding ?? 'latin1');
      elements.set(element.tag, element);
    };
    const [date, time] = now().split('T');
    set('SpecificCharacterSet', 'ISO_IR 100');
    for (const name of ['PatientID', 'StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'])
      set(name, newUid());
    for (const name of dates) {
      set(`${name}Date`, date);
      set(`${name}Time`, `${time}.000000`);
    }
    for (const tag of inherited) {
      const element = above?.element(tag);
      if (element !== undefined) elements.set(tag, element);
    }
    for (const [name, value] of Object.entries(Tags)) {
      if (parent !== undefined && !Force && inherited.includes(tagOf(name)))
        throw new OrthancError(400, 2020, 'Trying to override a value inherited from a parent module', name);
      set(name, value);
    }
    return json(archive.store(writePart10([...elements.values()], explicitLittleEndian)));
  };

  return [
    ['POST', /^\/instances$/, ({ body }) => json(archive.store(body))],
    ['POST', /^\/tools\/create-dicom$/, create],
    ['POST', at('/modify'), modify],
    ['GET', at('/file'), (_, id = '') => bytes('application/dicom', dataset(id).file)],
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
