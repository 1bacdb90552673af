import { describe, expect, test } from 'vitest';
import { frameOf, whyNotRadiograph } from '../../../src/pipeline/eligible.js';
import { sopClasses } from '../../../testkit/dicom.js';

describe('of several frames', () => {
  test.each([
    ['first', 1, 0],
    ['first', 5, 0],
    ['middle', 1, 0],
    ['middle', 2, 0],
    ['middle', 3, 1],
    ['middle', 4, 1],
    ['middle', 5, 2],
  ] as const)('the %s of %i is number %i, counted from 0', (multiframe, frames, expected) => {
    expect(frameOf({ frames }, { multiframe })).toBe(expected);
  });
});

const tags = { modality: 'DX', sopClassUid: '1.2', rows: 2, columns: 2, frames: 1, hasPixels: true };

test.each([
  ['one frame', {}, 'skip', undefined],
  ['several frames', { frames: 2 }, 'first', undefined],
  ['several frames', { frames: 2 }, 'middle', undefined],
  ['several frames', { frames: 2 }, 'skip', 'multiframe'],
  ['no pixels', { hasPixels: false }, 'first', 'no_pixels'],
  ['another modality', { modality: 'CT' }, 'first', 'modality'],
  ['no modality', { modality: undefined }, 'first', 'modality'],
  ['another case and padding', { modality: ' dx ' }, 'first', undefined],
  ['several values', { modality: 'OT\\CR' }, 'first', undefined],
  ['the class DX without Modality', { sopClassUid: sopClasses.DX, modality: undefined }, 'first', undefined],
  ['the class CR, wrong Modality', { sopClassUid: sopClasses.CR, modality: 'US' }, 'first', undefined],
  ['the class CR, other projection', { sopClassUid: sopClasses.CR, modality: 'MG' }, 'first', 'modality'],
  ['the class DX, panoramic', { sopClassUid: sopClasses.DX, modality: 'PX' }, 'first', 'modality'],
  ['the class MG, wrong Modality', { sopClassUid: sopClasses.MG, modality: 'DX' }, 'first', 'modality'],
  ['the class IO, wrong Modality', { sopClassUid: sopClasses.IO, modality: 'DX' }, 'first', 'modality'],
  ['a segmentation, wrong Modality', { sopClassUid: sopClasses.SEG, modality: 'DX' }, 'first', 'modality'],
] as const)('%s, %j with %s: skipped because of %s', (_what, given, multiframe, why) => {
  expect(whyNotRadiograph({ ...tags, ...given }, { modalities: ['CR', 'DX'], multiframe })).toBe(why);
});
