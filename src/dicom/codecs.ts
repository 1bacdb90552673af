import { createRequire } from 'node:module';
import { Semaphore } from '../async/semaphore.js';
import { createError } from '../errors/errors.js';

export interface FrameShape {
  width: number;
  height: number;
  samples: 1 | 3;
  bitsAllocated: 8 | 16;
  bitsStored: number;
  isSigned: boolean;
  photometric: string;
}

/** Samples of a frame: 16-bit ones in little endian. Those of colours are interleaved, and RGB where the codec knows how. */
export interface DecodedFrame {
  samples: Uint8Array;
  isPlanar: boolean;
  photometric: string;
}

type Codec = 'decodeRle' | 'decodeJpeg' | 'decodeJpegLs' | 'decodeJpeg2000' | 'decodeHtJpeg2000';

const compressed = '1.2.840.10008.1.2.';
const codecs: Readonly<Record<string, Codec>> = {
  '5': 'decodeRle',
  ...Object.fromEntries(['50', '51', '53', '55', '57', '70'].map((syntax) => [`4.${syntax}`, 'decodeJpeg'])),
  ...Object.fromEntries(['80', '81'].map((syntax) => [`4.${syntax}`, 'decodeJpegLs'])),
  ...Object.fromEntries(['90', '91'].map((syntax) => [`4.${syntax}`, 'decodeJpeg2000'])),
  ...Object.fromEntries(['201', '202', '203'].map((syntax) => [`4.${syntax}`, 'decodeHtJpeg2000'])),
};

/** Those that compress nothing, or the whole dataset. */
const uncompressed = [compressed.slice(0, -1), `${compressed}1`, `${compressed}2`, `${compressed}1.99`];
export const isCompressed = (transferSyntax: string): boolean => !uncompressed.includes(transferSyntax);

/** Of all decodings there is one module, and one that fails takes it from the others. */
const mutex = new Semaphore({ maxRunning: 1 });

/** @throws dicom_needs_server, picture_undecodable */
export async function decompress(
  encoded: Uint8Array,
  transferSyntax: string,
  shape: FrameShape,
): Promise<DecodedFrame> {
  const codec = transferSyntax.startsWith(compressed)
    ? codecs[transferSyntax.slice(compressed.length)]
    : undefined;
  if (codec === undefined)
    throw createError('dicom_needs_server', { why: `transfer syntax ${transferSyntax} is not supported` });
  if (codec === 'decodeJpeg2000') requireSize(encoded, shape);
  return mutex.run(async () => {
    const { NativeCodecs: native, Context } = await load();
    const context = new Context({
      width: shape.width,
      height: shape.height,
      bitsAllocated: shape.bitsAllocated,
      bitsStored: shape.bitsStored,
      samplesPerPixel: shape.samples,
      pixelRepresentation: shape.isSigned ? 1 : 0,
      planarConfiguration: 0,
      photometricInterpretation: shape.photometric,
      encodedBuffer: encoded,
    });
    try {
      const decoded = native[codec](context, codec === 'decodeJpeg' ? { convertColorspaceToRgb: true } : {});
      return {
        samples: decoded.getDecodedBuffer() ?? new Uint8Array(),
        isPlanar: decoded.getPlanarConfiguration() === 1,
        photometric: decoded.getPhotometricInterpretation() ?? shape.photometric,
      };
    } catch (error) {
      // After an error of WebAssembly the state of its memory is undefined. The next picture gets a new one.
      native.release();
      const problem = `its compressed pixels are damaged (${(error as Error).message})`;
      throw createError('picture_undecodable', { problem }, error);
    }
  });
}

/**
 * The decoder of JPEG 2000 cuts or fills the picture to the size of the DICOM header. So the frame's own size is read
 * (ISO 15444-1 A.5.1, SIZ).
 * @throws picture_undecodable
 */
function requireSize(encoded: Uint8Array, { width, height }: FrameShape): void {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length);
  const start = bytes.indexOf(Buffer.from('ff4fff51', 'hex'));
  if (start < 0 || bytes.length < start + 24)
    throw createError('picture_undecodable', { problem: 'it has no JPEG 2000 codestream' });
  const side = (at: number) => bytes.readUInt32BE(start + at) - bytes.readUInt32BE(start + at + 8);
  if (side(8) !== width || side(12) !== height)
    throw createError('picture_undecodable', {
      problem: `its compressed frame has ${side(12)} × ${side(8)} pixels in place of ${height} × ${width}`,
    });
}

/** All codecs are one file of WebAssembly (4 MB), and only compressed pixels need it. @throws dicom_needs_server */
async function load(): Promise<typeof import('dcmjs-codecs')> {
  const { default: module } = await import('dcmjs-codecs').catch((error: Error) => {
    throw createError(
      'dicom_needs_server',
      {
        why: `its pixels are compressed, and what decompresses them cannot be loaded: run \`npm install dcmjs-codecs\` in Plainview's folder (${error.message.split('\n')[0]})`,
      },
      error,
    );
  });
  module.log.setLevel('silent');
  const wasm = createRequire(import.meta.url).resolve('dcmjs-codecs/build/dcmjs-native-codecs.wasm');
  if (!module.NativeCodecs.isInitialized())
    await module.NativeCodecs.initializeAsync({ webAssemblyModulePathOrUrl: wasm });
  return module;
}
