import { expect, test } from 'vitest';
import { studyFactsOf } from '../../../../src/followups/routing/studies/facts.js';
import { OrderCheck } from '../../../../src/order-check/check.js';
import { Words } from '../../../../src/order-check/words.js';
import { identifiedInstance, seriesContent } from '../../../../src/orthanc/resources.js';
import { categories, decidedAs } from '../../../../testkit/fake-site.js';

const check = new OrderCheck(Words.read(categories), categories);
const id = (n: number) => Array.from({ length: 5 }, () => String(n).padStart(8, '0')).join('-');
const content = { Labels: [], Metadata: {} };
const series = seriesContent.parse({
  ...content,
  ID: id(1),
  ParentStudy: id(2),
  Instances: [],
  MainDicomTags: { '0020,000e': '1.2', '0008,0060': 'DX' },
});

/** The facts of a study with one picture of a hand, of which DICOM says this. */
function factsOf(attributes: Record<string, string>, category = 'hand_ap') {
  const descriptions = Object.entries(attributes).map(([attribute, text]) => ({ attribute, text }));
  const record = {
    version: 1,
    ...decidedAs(category),
    labels: [],
    order: check.check({ category }, descriptions),
  };
  const instance = identifiedInstance.parse({
    ...content,
    ID: id(3),
    ParentSeries: id(1),
    FileUuid: 'f',
    MainDicomTags: { '0008,0018': '1.3' },
    Metadata: {
      SopClassUid: '1.2.840.10008.5.1.4.1.1.1.1',
      Radiograph: JSON.stringify(record),
      RadiographCategory: category,
    },
  });
  return studyFactsOf({ series: [series], instances: [instance] }, ['DX']);
}

test.each([
  ['Image Laterality first', { ImageLaterality: 'L', Laterality: 'R', StudyDescription: 'Hand re' }, 'left'],
  ['then Laterality', { Laterality: 'R', SeriesDescription: 'Hand li' }, 'right'],
  ['then what describes the series', { SeriesDescription: 'Hand li', StudyDescription: 'Hand bds.' }, 'left'],
  ['then what describes the order', { StudyDescription: 'Hand re' }, 'right'],
  ['an order for both tells no side', { StudyDescription: 'Hand bds.' }, undefined],
  ['descriptions that contradict each other tell none', { SeriesDescription: 'Hand li, re' }, undefined],
  ['nothing', {}, undefined],
])('the side of a picture: %s', (_what, attributes, side) => {
  expect(factsOf(attributes).pictures[0]?.side).toBe(side);
});

test('the order is what describes the study and its request, not a series', () => {
  const facts = factsOf({
    RequestedProcedureDescription: 'Hand bds. 2 Ebenen',
    SeriesDescription: 'Handgelenk schräg',
  });
  expect(facts.order).toEqual({
    bodyParts: ['HAND'],
    projections: ['frontal', 'lateral'],
    hasUnnamedPlanes: true,
    sides: ['both'],
  });
  expect(factsOf({ StudyDescription: 'Hand ap und lat' }).order).toMatchObject({ hasUnnamedPlanes: false });
});

test('the content changes with category, side and order, and with nothing else', () => {
  const { content: before } = factsOf({ ImageLaterality: 'L' });
  expect(factsOf({ ImageLaterality: 'L', SeriesDescription: 'Thorax' }).content).toBe(before);
  expect(factsOf({ ImageLaterality: 'L', StudyDescription: 'Hand' }).content).not.toBe(before);
  const words = (text: string) => factsOf({ ImageLaterality: 'L', StudyDescription: text }).content;
  expect(words('Hand seitlich, Thorax')).toBe(words('Thorax, Hand seitl.'));
  expect(factsOf({ ImageLaterality: 'R' }).content).not.toBe(before);
  expect(factsOf({ ImageLaterality: 'L' }, 'wrist_ap').content).not.toBe(before);
});
