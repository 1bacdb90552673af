import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createError } from '../../errors/errors.js';

/** Node.js has this, but its types do not. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
};

/**
 * The C interface of libjpeg-turbo (turbojpeg.h), compiled to WebAssembly. Pointers are offsets into `memory`.
 * The package's own JavaScript is not used, because it cannot request the fast transform.
 */
interface TurboJpeg {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  free(pointer: number): void;
  tjInitDecompress(): number;
  tjDestroy(handle: number): void;
  tjDecompressHeader3(
    handle: number,
    file: number,
    length: number,
    width: number,
    height: number,
    subsampling: number,
    colourspace: number,
  ): number;
  tjDecompress2(
    handle: number,
    file: number,
    length: number,
    to: number,
    width: number,
    pitch: number,
    height: number,
    format: number,
    flags: number,
  ): number;
}

// turbojpeg.h
const formatRgb = 0;
const formatGrey = 6;
const colourspaceGrey = 2;
const colourspaceCmyk = 3;
const fastDct = 2048;

/** The memory of an instance never shrinks. An instance with more than this is released. */
const keepBytes = 64 * 1024 * 1024;

let compiled: object | undefined;
let idle: TurboJpeg | undefined;

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** @throws picture_undecodable where the file is none of grey or colour */
export const readJpegHeader = (file: Buffer): JpegHeader => withFile(file, (opened) => headerOf(opened));

/** Decodes a file by libjpeg-turbo in WebAssembly. @throws picture_undecodable */
export const decodeByWasm = (file: Buffer): Uint8Array =>
  withFile(file, (opened) => {
    const { turbo, handle, source } = opened;
    const { width, height, channels } = headerOf(opened);
    const format = channels === 1 ? formatGrey : formatRgb;
    const length = width * height * channels;
    const target = turbo.malloc(length);
    require(target !== 0, 'there is not enough memory for it');
    require(turbo.tjDecompress2(
      handle,
      source,
      file.length,
      target,
      width,
      width * channels,
      height,
      format,
      fastDct,
    ) === 0, 'the JPEG file is truncated or damaged');
    const pixels = new Uint8Array(turbo.memory.buffer, target, length).slice();
    turbo.free(target);
    return pixels;
  });

/** A file in the memory of an instance. */
interface Opened {
  readonly turbo: TurboJpeg;
  readonly handle: number;
  readonly source: number;
  readonly length: number;
}

function withFile<T>(file: Buffer, use: (opened: Opened) => T): T {
  const turbo = idle ?? instantiate();
  // After an error the state of the instance is undefined, because longjmp is not supported. So it is not used again.
  idle = undefined;
  const source = turbo.malloc(file.length);
  new Uint8Array(turbo.memory.buffer, source, file.length).set(file);
  const handle = turbo.tjInitDecompress();
  const result = use({ turbo, handle, source, length: file.length });
  turbo.tjDestroy(handle);
  turbo.free(source);
  if (turbo.memory.buffer.byteLength <= keepBytes) idle = turbo;
  return result;
}

function headerOf({ turbo, handle, source, length }: Opened): JpegHeader {
  const to = turbo.malloc(16);
  require(turbo.tjDecompressHeader3(handle, source, length, to, to + 4, to + 8, to + 12) ===
    0, 'its JPEG header is broken');
  const [width = 0, height = 0, , colourspace = 0] = new Uint32Array(turbo.memory.buffer, to, 4);
  turbo.free(to);
  require(colourspace < colourspaceCmyk, 'it is a CMYK JPEG, which no radiograph is; save it as grey or RGB');
  return { width, height, channels: colourspace === colourspaceGrey ? 1 : 3 };
}

function instantiate(): TurboJpeg {
  const path = createRequire(import.meta.url).resolve('@cwasm/jpeg-turbo/jpeg-turbo.wasm');
  compiled ??= new WebAssembly.Module(readFileSync(path));
  const refuse = () => {
    throw createError('picture_undecodable', { problem: 'the JPEG file is damaged' });
  };
  const nothing = () => 0;
  const instance = new WebAssembly.Instance(compiled, {
    env: { setjmp: nothing, longjmp: refuse },
    wasi_snapshot_preview1: {
      environ_sizes_get: nothing,
      environ_get: nothing,
      proc_exit: refuse,
      fd_close: nothing,
      fd_seek: nothing,
      fd_write: nothing,
    },
  });
  return instance.exports as TurboJpeg;
}

function require(condition: boolean, problem: string): asserts condition {
  if (!condition) throw createError('picture_undecodable', { problem });
}
