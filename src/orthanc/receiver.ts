import { createError } from '../errors/errors.js';
import { headerEnd, pamMagic, readPam, type Taps } from '../files/pam.js';
import { type Spread, SpreadOfParts } from '../greyscale/grey.js';
import { isWorthSampling, SampledValues, type Values, WholeValues } from './values.js';

/** Takes the body of a response while it arrives. */
export interface Receiver {
  /** @param chunk its memory is used again afterwards */
  write(chunk: Buffer): void;
}

/** A longer header is none. */
const longestHeader = 1024;

/** A received picture: the file, or a PAM of its rows and columns that are needed. */
export interface ReceivedPicture {
  readonly file: Buffer;
  /** Of the values of the whole picture. Undefined for another format than PAM: that must be decoded first. */
  readonly spread: Spread | undefined;
}

/**
 * Receives a rendering. Most of a large PAM is dropped as it arrives: of a radiograph, the network looks at one pixel in
 * forty. What is kept of all pictures makes the garbage collector run, which takes more time than anything else here.
 */
export class PictureReceiver implements Receiver {
  readonly #taps: Taps | undefined;
  readonly #maxMegapixels: number;
  #problem: unknown;
  /** The header of a PAM, or all that came of another file. */
  #chunks: Buffer[] = [];
  #isOther = false;
  #pam: { values: Values; spread: SpreadOfParts } | undefined;

  /** @param taps undefined: all rows and columns are needed */
  constructor(taps: Taps | undefined, maxMegapixels: number) {
    this.#taps = taps;
    this.#maxMegapixels = maxMegapixels;
  }

  write(chunk: Buffer): void {
    if (this.#problem !== undefined) return;
    if (this.#pam !== undefined) {
      this.#add(chunk);
      return;
    }
    this.#chunks.push(Buffer.from(chunk));
    if (this.#isOther) return;
    try {
      this.#begin(Buffer.concat(this.#chunks));
    } catch (error) {
      this.#problem = error;
    }
  }

  /** @throws picture_undecodable, picture_too_large */
  get picture(): ReceivedPicture {
    if (this.#problem !== undefined) throw this.#problem;
    if (this.#pam === undefined) return { file: Buffer.concat(this.#chunks), spread: undefined };
    const { values, spread } = this.#pam;
    return { file: values.file(), spread: spread.result };
  }

  #begin(start: Buffer): void {
    if (start.length < pamMagic.length) return;
    const isPam = start.toString('latin1', 0, pamMagic.length) === pamMagic;
    const end = start.indexOf(headerEnd);
    if (isPam && end < 0 && start.length < longestHeader) return;
    this.#isOther = !isPam;
    if (this.#isOther) return;
    const header = readPam(start);
    const { width, height, channels, isWide } = header;
    const limit = this.#maxMegapixels;
    if (width * height > limit * 1_000_000)
      throw createError('picture_too_large', { rows: height, columns: width, limit });
    const length = width * height * channels * (isWide ? 2 : 1);
    const taps = this.#taps;
    this.#pam = {
      spread: new SpreadOfParts(length),
      values:
        taps !== undefined && isWorthSampling(header, taps)
          ? new SampledValues(header, taps)
          : new WholeValues(start.subarray(0, end + headerEnd.length), length),
    };
    this.#chunks = [];
    this.#add(start.subarray(end + headerEnd.length));
  }

  #add(chunk: Buffer): void {
    this.#pam?.spread.add(chunk);
    this.#pam?.values.add(chunk);
  }
}
