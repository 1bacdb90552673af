import { dataset } from './dicom.js';
import {
  type Element,
  encapsulated,
  type Item,
  type TransferSyntax,
  type Vr,
  writePart10,
} from './part10.js';

const signature: Item = [
  { tag: '0400,0005', vr: 'US', value: 1 },
  { tag: '0400,0100', vr: 'UI', value: '2.25.7' },
  { tag: '0400,0120', vr: 'OB', value: Uint8Array.of(1, 2, 3, 4) },
];
const signatures: Element = { tag: 'fffa,fffa', vr: 'SQ', value: [signature] };
const macParameters: Element = {
  tag: '4ffe,0001',
  vr: 'SQ',
  value: [[{ tag: '0400,0005', vr: 'US', value: 1 }]],
};
const within = (element: Element, depth: number): Element =>
  depth === 0 ? element : within({ tag: '0040,0275', vr: 'SQ', value: [[element]] }, depth - 1);

/** Where a signature can be. */
export const places = {
  'behind the pixels': [signatures],
  'as MAC parameters before the pixels': [macParameters],
  'in a sequence item': [within(signatures, 1)],
  'in an item of an item': [within(signatures, 2)],
  'as MAC parameters in an item': [within(macParameters, 2)],
  'in an item behind the pixels': [{ ...within(signatures, 1), tag: 'fffc,0001' }],
} satisfies Record<string, Element[]>;

export const layouts: { name: string; transferSyntax: TransferSyntax; areOpen: boolean }[] = [
  { name: 'explicit VR', transferSyntax: 'explicitLittleEndian', areOpen: false },
  { name: 'undefined lengths', transferSyntax: 'explicitLittleEndian', areOpen: true },
  { name: 'implicit VR', transferSyntax: 'implicitLittleEndian', areOpen: false },
  { name: 'implicit VR, undefined lengths', transferSyntax: 'implicitLittleEndian', areOpen: true },
  { name: 'big endian', transferSyntax: 'explicitBigEndian', areOpen: false },
  { name: 'big endian, undefined lengths', transferSyntax: 'explicitBigEndian', areOpen: true },
  { name: 'encapsulated pixels', transferSyntax: 'jpegBaseline', areOpen: true },
];

/** Bytes of the tags of signatures, as pixels may have them. */
export const likeSignatures = Buffer.from('fafffafffffafffafe4f01004ffe0001', 'hex');

/** A radiograph of 4 × 2 words, the pixels of which look like signatures. */
export function radiographWith(
  elements: readonly Element[],
  { transferSyntax, areOpen }: { transferSyntax: TransferSyntax; areOpen: boolean } = {
    transferSyntax: 'explicitLittleEndian',
    areOpen: false,
  },
): Buffer {
  const numbers: [string, number][] = [
    ['0028,0002', 1],
    ['0028,0010', 2],
    ['0028,0011', 4],
    ['0028,0100', 16],
    ['0028,0101', 16],
    ['0028,0102', 15],
    ['0028,0103', 0],
  ];
  const isCompressed = transferSyntax === 'jpegBaseline';
  const all = dataset({ modality: 'CR' }, [
    ...numbers.map(([tag, value]) => ({ tag, vr: 'US' as Vr, value })),
    { tag: '0028,0004', vr: 'CS', value: 'MONOCHROME2' },
    isCompressed
      ? encapsulated([likeSignatures, likeSignatures])
      : { tag: '7fe0,0010', vr: 'OW', value: likeSignatures },
    ...elements,
  ]);
  return writePart10(all, transferSyntax, { areOpen });
}
