import type { Categories } from '../../anatomy/categories.js';
import type { Code } from '../../anatomy/code.js';
import type { InstanceRecord } from '../../decisions/schema.js';
import type { Attributes } from './attributes.js';

/** An instance with its DICOM identifiers and its decision. */
export interface ReportedInstance {
  sopClassUid: string;
  sopInstanceUid: string;
  seriesInstanceUid: string;
  modality: string;
  record: InstanceRecord;
}

const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });
const privateCode = (value: string, meaning: string): Code => ({ value, scheme: '99PLAINVIEW', meaning });

/** Coding scheme of the concepts for which DICOM has no code. */
export const privateScheme = '99PLAINVIEW';

const coded = ({ value, scheme, meaning }: Code): Attributes[] => [
  { CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning },
];

type Relationship = 'CONTAINS' | 'HAS CONCEPT MOD' | 'HAS OBS CONTEXT' | 'HAS ACQ CONTEXT';

const item = (
  relationship: Relationship,
  type: string,
  name: Code | undefined,
  value: Attributes,
): Attributes => ({
  RelationshipType: relationship,
  ValueType: type,
  ...(name === undefined ? {} : { ConceptNameCodeSequence: coded(name) }),
  ...value,
});
const text = (relationship: Relationship, name: Code, value: string) =>
  item(relationship, 'TEXT', name, { TextValue: value });
const codeItem = (relationship: Relationship, name: Code, value: Code) =>
  item(relationship, 'CODE', name, { ConceptCodeSequence: coded(value) });
const container = (name: Code, content: Attributes[], template?: string): Attributes =>
  item('CONTAINS', 'CONTAINER', name, {
    ContinuityOfContent: 'SEPARATE',
    ...(template === undefined
      ? {}
      : { ContentTemplateSequence: [{ MappingResource: 'DCMR', TemplateIdentifier: template }] }),
    ContentSequence: content,
  });
const image = (name: Code | undefined, { sopClassUid, sopInstanceUid }: ReportedInstance): Attributes =>
  item('CONTAINS', 'IMAGE', name, {
    ReferencedSOPSequence: [{ ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid }],
  });

/** The modalities of plain radiographs (CID 29). */
const modalities: Readonly<Record<string, string>> = {
  CR: 'Computed Radiography',
  DX: 'Digital Radiography',
  RG: 'Radiographic imaging',
  PX: 'Panoramic X-Ray',
  IO: 'Intra-Oral Radiography',
};

/**
 * The content tree of an imaging measurement report (PS3.16 TID 1500): the observers (TID 1001), the image library
 * (TID 1600), and a measurement group (TID 1501) for each instance. A group holds the algorithm (TID 4019), the target
 * region and the image view, as IHE AI Results requires. An instance without a category also has a group.
 * @param uidOf must return the same UID for the same text
 */
export function reportContent(
  reported: readonly ReportedInstance[],
  uidOf: (text: string) => string,
  categories: Categories,
): Attributes {
  return {
    ValueType: 'CONTAINER',
    ConceptNameCodeSequence: coded(dcm('126000', 'Imaging Measurement Report')),
    ContinuityOfContent: 'SEPARATE',
    ContentTemplateSequence: [{ MappingResource: 'DCMR', TemplateIdentifier: '1500' }],
    ContentSequence: [
      codeItem('HAS CONCEPT MOD', dcm('121049', 'Language of Content Item and Descendants'), {
        value: 'en',
        scheme: 'RFC5646',
        meaning: 'English',
      }),
      ...observers(reported, uidOf),
      codeItem('HAS CONCEPT MOD', dcm('121058', 'Procedure reported'), {
        value: '168537006',
        scheme: 'SCT',
        meaning: 'Plain radiography',
      }),
      container(dcm('111028', 'Image Library'), libraryGroups(reported), '1600'),
      container(
        dcm('126010', 'Imaging Measurements'),
        reported.map((each) => group(each, uidOf, categories)),
      ),
    ],
  };
}

/** The device, and each person who decided instead of it. */
function observers(reported: readonly ReportedInstance[], uidOf: (text: string) => string): Attributes[] {
  const type = dcm('121005', 'Observer Type');
  const people = new Set(
    reported.flatMap(({ record }) => (record.who === 'person' ? [personOf(record)] : [])),
  );
  return [
    codeItem('HAS OBS CONTEXT', type, dcm('121007', 'Device')),
    item('HAS OBS CONTEXT', 'UIDREF', dcm('121012', 'Device Observer UID'), { UID: uidOf('Plainview') }),
    text('HAS OBS CONTEXT', dcm('121013', 'Device Observer Name'), 'Plainview'),
    ...[...people].flatMap((person) => [
      codeItem('HAS OBS CONTEXT', type, dcm('121006', 'Person')),
      item('HAS OBS CONTEXT', 'PNAME', dcm('121008', 'Person Observer Name'), { PersonName: `${person}^` }),
    ]),
  ];
}

/** Removes the delimiters of DICOM's person names, and limits the length to 64 characters. */
const personOf = (record: InstanceRecord): string =>
  (record.person?.who ?? 'unknown').replace(/[\\^=]/g, ' ').slice(0, 64);

function libraryGroups(reported: readonly ReportedInstance[]): Attributes[] {
  return [...new Set(reported.map(({ modality }) => modality))].map((modality) =>
    container(dcm('126200', 'Image Library Group'), [
      codeItem('HAS ACQ CONTEXT', dcm('121139', 'Modality'), dcm(modality, modalities[modality] ?? modality)),
      ...reported.filter((each) => each.modality === modality).map((each) => image(undefined, each)),
    ]),
  );
}

function group(
  reported: ReportedInstance,
  uidOf: (text: string) => string,
  categories: Categories,
): Attributes {
  const { record, sopInstanceUid } = reported;
  const codes = record.category === undefined ? undefined : categories.codesOf(record.category);
  const best = record.top[0];
  return container(
    dcm('125007', 'Measurement Group'),
    [
      text('HAS OBS CONTEXT', dcm('112039', 'Tracking Identifier'), `Plainview ${sopInstanceUid}`),
      item('HAS OBS CONTEXT', 'UIDREF', dcm('112040', 'Tracking Unique Identifier'), {
        UID: uidOf(`tracking ${sopInstanceUid}`),
      }),
      ...(record.who === 'network' ? algorithm(record) : []),
      image({ value: '260753009', scheme: 'SCT', meaning: 'Source' }, reported),
      ...(codes === undefined ? [] : [codeItem('CONTAINS', dcm('123014', 'Target Region'), codes.region)]),
      ...(codes?.view === undefined ? [] : [codeItem('CONTAINS', dcm('111031', 'Image View'), codes.view)]),
      text('CONTAINS', privateCode('category', 'Radiograph category'), record.category ?? 'unknown'),
      text('CONTAINS', privateCode('decision', 'Decision'), record.decision),
      ...(record.who === 'network' && best !== undefined ? [score(best.score)] : []),
    ],
    '1501',
  );
}

const algorithm = ({ network, engine }: InstanceRecord): Attributes[] => [
  text('HAS CONCEPT MOD', dcm('111001', 'Algorithm Name'), network.name),
  text('HAS CONCEPT MOD', dcm('111003', 'Algorithm Version'), network.sha256),
  text('HAS CONCEPT MOD', dcm('111002', 'Algorithm Parameters'), `engine ${engine}`),
];

/** A softmax output from 0 to 1. It is no probability, so none of DICOM's concepts for certainty is used. */
const score = (value: number): Attributes =>
  item('CONTAINS', 'NUM', privateCode('score', 'Score of the best category'), {
    MeasuredValueSequence: [
      {
        MeasurementUnitsCodeSequence: coded({ value: '1', scheme: 'UCUM', meaning: 'no units' }),
        NumericValue: value.toFixed(5),
      },
    ],
  });
