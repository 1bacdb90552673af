import { read } from 'node:fs';
import { promisify } from 'node:util';

const readSome = promisify(read);

/** Larger memory is given back to the system after its picture. */
const keptBytes = 32 * 1024 * 1024;

/** Reads pictures of known lengths from a pipe, in their order. The bytes go straight into the picture's memory. */
export class ReceivedPictures {
  readonly #fd: number;
  /** Memory of a former picture: the system takes longer to give new memory than to fill it. */
  #spare: Buffer = Buffer.alloc(0);
  #last: Promise<unknown> = Promise.resolve();

  /** @param fd a pipe that blocks, as a new process gets it */
  constructor(fd: number) {
    this.#fd = fd;
  }

  next(bytes: number): Promise<Buffer> {
    const picture = this.#last.then(() => this.#read(this.#take(bytes)));
    this.#last = picture.catch(() => undefined);
    return picture;
  }

  /** @param picture that `next` gave, and of which nobody uses anything any more */
  release(picture: Buffer): void {
    const whole = Buffer.from(picture.buffer);
    if (whole.length > this.#spare.length && whole.length <= keptBytes) this.#spare = whole;
  }

  #take(bytes: number): Buffer {
    const spare = this.#spare;
    this.#spare = Buffer.alloc(0);
    return bytes <= spare.length ? spare.subarray(0, bytes) : Buffer.allocUnsafeSlow(bytes);
  }

  async #read(picture: Buffer): Promise<Buffer> {
    for (let at = 0; at < picture.length; ) {
      const { bytesRead } = await readSome(this.#fd, picture, at, picture.length - at, null);
      if (bytesRead === 0) throw new Error('the pipe of the pictures is closed');
      at += bytesRead;
    }
    return picture;
  }
}
