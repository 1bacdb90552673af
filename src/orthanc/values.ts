import { type Pam, pamOf, type Taps, truncatedPam } from '../files/pam.js';

/** Collects the values of a PAM, which come in parts. */
export interface Values {
  add(part: Buffer): void;
  /** @throws picture_undecodable where values are missing */
  file(): Buffer;
}

/** Collects all. */
export class WholeValues implements Values {
  readonly #file: Buffer;
  #at: number;

  /** @param length of the values, bytes */
  constructor(header: Buffer, length: number) {
    this.#file = Buffer.allocUnsafeSlow(header.length + length);
    this.#at = header.copy(this.#file);
  }

  add(part: Buffer): void {
    this.#at += part.copy(this.#file, this.#at);
  }

  file(): Buffer {
    if (this.#at < this.#file.length) throw truncatedPam();
    return this.#file;
  }
}

export const isWorthSampling = ({ width, height, isWide }: Pam, taps: Taps): boolean =>
  !isWide && taps.rows(height).length * taps.columns(width).length * 2 < width * height;

/** Collects the rows and columns that are needed. */
export class SampledValues implements Values {
  readonly #of: Pam;
  readonly #rows: Int32Array;
  readonly #columns: Int32Array;
  readonly #values: Buffer;
  readonly #line: Buffer;
  /** Position in the whole picture, bytes. */
  #at = 0;
  /** Index of the next row that is needed. */
  #row = 0;

  constructor(of: Pam, taps: Taps) {
    this.#of = of;
    this.#rows = taps.rows(of.height);
    this.#columns = taps.columns(of.width);
    this.#line = Buffer.allocUnsafe(of.width * of.channels);
    this.#values = Buffer.allocUnsafeSlow(this.#rows.length * this.#columns.length * of.channels);
  }

  add(part: Buffer): void {
    const { length } = this.#line;
    for (let from = 0; from < part.length && this.#row < this.#rows.length; ) {
      const at = this.#at % length;
      const to = Math.min(from + length - at, part.length);
      if (Math.floor(this.#at / length) === this.#rows[this.#row]) {
        part.copy(this.#line, at, from, to);
        if (at + to - from === length) this.#take();
      }
      this.#at += to - from;
      from = to;
    }
  }

  file(): Buffer {
    if (this.#row < this.#rows.length) throw truncatedPam();
    const { width, height, channels } = this.#of;
    const size = { width: this.#columns.length, height: this.#rows.length, channels };
    return pamOf({ ...size, sampledOf: { width, height } }, this.#values);
  }

  /** The row is whole. */
  #take(): void {
    const { channels } = this.#of;
    let to = this.#row * this.#columns.length * channels;
    for (const column of this.#columns)
      for (let c = 0; c < channels; c++) this.#values[to++] = this.#line[column * channels + c] ?? 0;
    this.#row++;
  }
}
