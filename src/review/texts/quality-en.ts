import { count, shareText } from '../base/format.js';

/** English texts of the report on DICOM attributes. */
export const qualityTexts = {
  qualityTitle: 'Report on DICOM attributes',
  qualityNote:
    'What files declare, compared with what their pictures show. People look at what a network was unsure of, so the figures by a person are those of the pictures that they looked at. The figures by the network contain its own errors. Do not add the two.',
  qualityFor: 'This page needs the role reviewer.',
  qualityNone: 'No report has been made yet.',
  qualityMake: 'Make a report',
  qualityFrom: 'Studies from',
  qualityTo: 'Studies to',
  qualityProgressLabel: 'Progress of the report',
  qualityProgress: (done: number, total: number | undefined, radiographs: number) =>
    `${count(done)}${total === undefined ? '' : ` of ${count(total)}`} series, ${count(radiographs)} radiographs. It continues when you close this page.`,
  qualityMade: (when: string, radiographs: number, from: string | undefined, to: string | undefined) =>
    `Made ${when}: ${count(radiographs)} radiographs${from === undefined && to === undefined ? '' : `, studies from ${from ?? 'the first'} to ${to ?? 'the last'}`}.`,
  qualityScore: (score: number) => `The network counts from a score of ${score}.`,
  qualityUnread: (number: number) =>
    `Orthanc could not read ${count(number)} files. They are in no figure about attributes.`,
  qualityCsv: 'Save as CSV',
  qualityFigures: {
    withoutBodyPart: 'Without Body Part Examined',
    withoutView: 'Without View Position',
    wrongBodyPartByPerson: 'Wrong Body Part Examined, by a person',
    wrongBodyPartByNetwork: 'Wrong Body Part Examined, by the network',
    wrongViewByPerson: 'Wrong View Position, by a person',
    wrongViewByNetwork: 'Wrong View Position, by the network',
    wrongSide: 'Wrong side',
    orderMismatch: 'Order mismatch',
    undecided: 'Undecided',
  },
  qualityDimension: 'By',
  qualityDimensions: {
    station: 'Station',
    device: 'Device',
    department: 'Department',
    month: 'Month',
    category: 'Category',
  },
  qualityShare: 'Share',
  qualityInterval: '95 % interval',
  qualityRange: (low: number, high: number) => `${shareText(low)} to ${shareText(high)}`,
  qualityCounted: (number: number, of: number) => `${count(number)} of ${count(of)}`,
  qualityOneIn: (number: number) => `one in ${count(number)}`,
  qualityCount: 'Radiographs',
  qualityExamples: 'Examples',
  qualityExample: (number: number, what: string) => `Example ${number}: ${what}`,
  qualityTable: (figure: string, dimension: string) => `${figure}, by ${dimension}`,
};
