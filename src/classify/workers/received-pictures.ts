import type { Readable } from 'node:stream';

/** Cuts a stream of bytes into pictures of known lengths, in their order. Each byte is copied once. */
export class ReceivedPictures {
  readonly #waiting: { picture: Buffer; resolve: (picture: Buffer) => void }[] = [];
  readonly #stream: Readable;
  #filled = 0;
  /** Bytes that came before their picture was announced. */
  #early: Buffer[] = [];

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  next(bytes: number): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#waiting.push({ picture: Buffer.allocUnsafeSlow(bytes), resolve });
      this.#stream.resume();
      const early = this.#early;
      this.#early = [];
      // An empty picture is complete without a byte.
      for (const chunk of early.length === 0 ? [Buffer.alloc(0)] : early) this.#take(chunk);
    });
  }

  #take(chunk: Buffer): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      if (chunk.length > 0) this.#early.push(chunk);
      this.#stream.pause();
      return;
    }
    const used = chunk.copy(first.picture, this.#filled);
    this.#filled += used;
    if (this.#filled < first.picture.length) return;
    this.#filled = 0;
    this.#waiting.shift();
    first.resolve(first.picture);
    if (used < chunk.length || this.#waiting.length > 0) this.#take(chunk.subarray(used));
  }
}
