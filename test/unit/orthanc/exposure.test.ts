import { describe, expect, test } from 'vitest';
import { exposureOf, exposureTags, isSameExposure } from '../../../src/orthanc/exposure.js';

const dx = '1.2.840.10008.5.1.4.1.1.1.1';
const read = (tags: Record<string, unknown>) =>
  exposureOf(exposureTags.parse({ StudyInstanceUID: '1', SOPClassUID: dx, ...tags }));
const raw = { SOPInstanceUID: '1.1', PresentationIntentType: 'FOR PROCESSING' };
const shown = { SOPInstanceUID: '1.2', PresentationIntentType: 'FOR PRESENTATION' };
const madeFrom = (...uids: string[]) => ({
  SourceImageSequence: uids.map((ReferencedSOPInstanceUID) => ({ ReferencedSOPInstanceUID })),
});
const at = (AcquisitionTime: string, AcquisitionDate = '20240301') => ({ AcquisitionDate, AcquisitionTime });

function areSame(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const [first, second] = [read(a), read(b)];
  if (first === undefined || second === undefined) throw new Error('both have identifiers');
  expect(isSameExposure(second, first)).toBe(isSameExposure(first, second));
  return isSameExposure(first, second);
}

describe('two pictures show one exposure where', () => {
  test.each([
    ['one irradiation event made them', { IrradiationEventUID: '9' }, { IrradiationEventUID: '9' }],
    ['one was made from the other', {}, madeFrom('1.1')],
    ['one is raw, and both have one time', at('101500.123'), at('101500.123')],
    ['so says the date and time in one attribute', { AcquisitionDateTime: '20240301101500' }, at('101500')],
  ])('%s', (_, ofRaw, ofShown) => {
    expect(areSame({ ...raw, ...ofRaw }, { ...shown, ...ofShown })).toBe(true);
  });
});

describe('two pictures show two exposures where', () => {
  test.each([
    ['nothing links them', {}, {}],
    [
      'the irradiation events differ',
      { IrradiationEventUID: '9', ...at('101500') },
      { IrradiationEventUID: '8', ...at('101500') },
    ],
    ['one was made from several', {}, madeFrom('1.1', '1.3')],
    ['one has several irradiation events', { IrradiationEventUID: '9' }, { IrradiationEventUID: '9\\8' }],
    ['the times differ', at('101500'), at('101501')],
    [
      'the devices differ',
      { ...at('101500'), DeviceSerialNumber: 'a' },
      { ...at('101500'), DeviceSerialNumber: 'b' },
    ],
    ['the time has no seconds', at('1015'), at('1015')],
    ['the studies differ', { IrradiationEventUID: '9' }, { IrradiationEventUID: '9', StudyInstanceUID: '2' }],
    ['neither is raw', { ...at('101500'), PresentationIntentType: '' }, at('101500')],
    ['both are raw', at('101500'), { ...at('101500'), PresentationIntentType: 'FOR PROCESSING' }],
  ])('%s', (_, ofRaw, ofShown) => {
    expect(areSame({ ...raw, ...ofRaw }, { ...shown, ...ofShown })).toBe(false);
  });
});

test.each([
  [{ PresentationIntentType: 'FOR PROCESSING' }, true],
  [{ PresentationIntentType: 'FOR PRESENTATION' }, false],
  [{}, false],
  [{ SOPClassUID: `${dx}.1` }, true],
])('%j is raw: %s', (tags, expected) => {
  expect(read({ SOPInstanceUID: '1.1', ...tags })?.isForProcessing).toBe(expected);
});

test('odd values are read as none', () => {
  expect(read({ SOPInstanceUID: '1.1', SourceImageSequence: 'x', ImageType: null })).toEqual({
    image: '1.1',
    study: '1',
    isForProcessing: false,
    isDerived: false,
  });
  expect(read({})).toBeUndefined();
  expect(read({ SOPInstanceUID: '1.1', ImageType: 'DERIVED\\PRIMARY' })?.isDerived).toBe(true);
});
