import { read } from 'node:fs';
import { promisify } from 'node:util';

const readSome = promisify(read);

/** Reads pictures of known lengths from a pipe, in their order. The bytes go straight into the picture's memory. */
export class ReceivedPictures {
  readonly #fd: number;
  #last: Promise<unknown> = Promise.resolve();

  /** @param fd a pipe that blocks, as a new process gets it */
  constructor(fd: number) {
    this.#fd = fd;
  }

  next(bytes: number): Promise<Buffer> {
    const picture = this.#last.then(() => this.#read(Buffer.allocUnsafeSlow(bytes)));
    this.#last = picture.catch(() => undefined);
    return picture;
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
