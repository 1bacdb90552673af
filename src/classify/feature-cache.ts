import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { withWriteErrors } from '../files/result-file.js';

const digestBytes = 32;
const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/**
 * Features of pictures in a folder: one file each, the values and the SHA-256 of these. No picture can be made of them
 * again. A file is not synced, because one that a power cut damaged is computed again.
 */
export class FeatureCache {
  readonly #folder: string;
  readonly #inputs: number;

  /** @param featuresHash hash of the network without its last layer; @param inputs number of features */
  constructor(folder: string, featuresHash: string, inputs: number) {
    this.#folder = join(folder, featuresHash.slice(0, 16));
    this.#inputs = inputs;
    makeFolder(this.#folder);
  }

  /** @returns undefined where there are none, or the file is damaged */
  async read(key: string): Promise<Float32Array | undefined> {
    const file = await readFile(this.#path(key)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (file?.length !== this.#inputs * 4 + digestBytes) return undefined;
    const values = new Uint8Array(file.subarray(0, -digestBytes));
    return digestOf(values).equals(file.subarray(-digestBytes)) ? new Float32Array(values.buffer) : undefined;
  }

  /** @throws report_unwritable */
  async write(key: string, features: Float32Array): Promise<void> {
    const values = Buffer.from(features.buffer, features.byteOffset, features.byteLength);
    const path = this.#path(key);
    // Another run, or another picture with the same content, may be writing the same features.
    const part = `${path}.${randomUUID()}.part`;
    await withWriteErrors(async () => {
      await writeFile(part, Buffer.concat([values, digestOf(values)]), ownerOnly);
      await rename(part, path);
    });
  }

  #path(key: string): string {
    return join(this.#folder, createHash('sha256').update(key).digest('hex'));
  }
}
