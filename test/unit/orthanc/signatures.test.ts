import { describe, expect, test } from 'vitest';
import { signatureIn } from '../../../src/orthanc/signatures.js';
import { layouts, likeSignatures, places, radiographWith } from '../../../testkit/signed-files.js';

/** Where Pixel Data begins. The pixels of these files are the first of their bytes. */
const pixelsIn = (
  file: Buffer,
  { transferSyntax }: Pick<(typeof layouts)[number], 'transferSyntax'>,
): number =>
  file.indexOf(likeSignatures) -
  ({ jpegBaseline: 28, implicitLittleEndian: 8 }[String(transferSyntax)] ?? 12);
const encapsulated = { transferSyntax: 'jpegBaseline', areOpen: true } as const;
const native = { transferSyntax: 'explicitLittleEndian', areOpen: false } as const;

describe.each(layouts)('in $name', (layout) => {
  const look = (file: Buffer) => signatureIn(file, pixelsIn(file, layout));

  test.each(Object.entries(places))('a signature %s is found', (_, elements) => {
    expect(look(radiographWith(elements, layout))).toBe('present');
  });

  test('pixels that look like signatures are none', () => {
    expect(look(radiographWith([], layout))).toBe('none');
  });

  test('a value of unknown VR or a private binary value with these bytes counts as one, to be on the safe side', () => {
    const elements = [
      { tag: '0009,0010', vr: 'LO', value: 'PLAINVIEW TEST' },
      { tag: '0009,1001', vr: 'UN', value: Buffer.from('0000fafffaff0000', 'hex') },
    ] as const;
    const behind = { tag: 'fffc,fffc', vr: 'OB', value: likeSignatures } as const;
    expect(look(radiographWith(elements, layout))).toBe('present');
    expect(look(radiographWith([behind], layout))).toBe('present');
  });

  test('a file that is cut off within its pixels cannot be told', () => {
    const file = radiographWith([], layout);
    expect(signatureIn(file.subarray(0, -2), pixelsIn(file, layout))).toBe('unknown');
  });
});

test('a file without Pixel Data at that place cannot be told', () => {
  const file = radiographWith([]);
  const at = pixelsIn(file, native);
  for (const wrong of [0, at - 2, at + 2, file.length, file.length + 100])
    expect(signatureIn(file, wrong)).toBe('unknown');
});

test('a fragment that does not end cannot be told', () => {
  const file = radiographWith([], encapsulated);
  const at = pixelsIn(file, encapsulated);
  const length = at + 12 + 8 + 4;
  file.writeUInt32LE(0xffffffff, length);
  expect(signatureIn(file, at)).toBe('unknown');
});
