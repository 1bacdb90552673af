import { type Attachment, md5 } from './archive.js';
import { inexistentItem } from './orthanc-error.js';

const coreMetadata: Record<number, string> = {
  1: 'IndexInSeries',
  2: 'ReceptionDate',
  3: 'RemoteAET',
  5: 'ModifiedFrom',
  7: 'LastUpdate',
  8: 'Origin',
  9: 'TransferSyntax',
  10: 'SopClassUid',
  11: 'RemoteIP',
  13: 'HttpUsername',
  14: 'PixelDataOffset',
  15: 'MainDicomTagsSignature',
  16: 'MainDicomSequences',
};
const coreAttachments: Record<number, string> = { 1: 'dicom' };

const inOrder = <T>(byNumber: ReadonlyMap<number, T>) => [...byNumber].sort(([a], [b]) => a - b);

/** Numbers from here on belong to users. */
const firstUserNumber = 1024;
export const isUserNumber = (number: number): boolean => number >= firstUserNumber;

/** Names ↔ numbers of metadata and attachments. */
export class Registry {
  readonly #declared: Readonly<Record<string, number>>;

  /** @param declared `UserMetadata` of Orthanc's configuration */
  constructor(declared: Readonly<Record<string, number>>) {
    this.#declared = declared;
  }

  /** @throws OrthancError for an unknown name */
  metadataNumber(name: string): number {
    return this.#declared[name] ?? numberOf(name, coreMetadata);
  }

  metadataName(number: number): string {
    const declared = Object.entries(this.#declared).find(([, each]) => each === number);
    return declared?.[0] ?? coreMetadata[number] ?? String(number);
  }

  named(metadata: ReadonlyMap<number, string>): Record<string, string> {
    return Object.fromEntries(inOrder(metadata).map(([number, value]) => [this.metadataName(number), value]));
  }

  /** @throws OrthancError for an unknown name */
  attachmentNumber(name: string): number {
    return numberOf(name, coreAttachments);
  }

  attachmentName(number: number): string {
    return coreAttachments[number] ?? String(number);
  }

  attachmentInfo(number: number, { uuid, bytes }: Attachment) {
    const [hash, size] = [md5(bytes), bytes.length];
    return {
      CompressedMD5: hash,
      CompressedSize: size,
      ContentType: number,
      UncompressedMD5: hash,
      UncompressedSize: size,
      Uuid: uuid,
    };
  }
}

function numberOf(name: string, core: Record<number, string>): number {
  if (/^\d+$/.test(name)) return Number(name);
  const known = Object.entries(core).find(([, each]) => each === name);
  if (known === undefined) throw inexistentItem();
  return Number(known[0]);
}
