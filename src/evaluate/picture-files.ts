import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { formatOf, magicBytes } from '../classify/prepare/decode.js';
import type { Config } from '../config/options.js';
import { createError, type PlainviewError } from '../errors/errors.js';
import { fileProblem } from '../files/file-problem.js';
import { readHead } from '../files/head.js';
import { type SkipReason, whyNotRadiograph } from '../pipeline/eligible.js';

/** A file below a folder that is taken for a picture; or a folder or file that cannot be read. */
export interface FoundFile {
  path: string;
  error?: PlainviewError;
}

/** `no_picture`: neither content nor name is that of a picture. The others are about DICOM files. */
export type LeftOut = 'no_picture' | SkipReason;

const sentences: Partial<Record<LeftOut, string>> = {
  no_picture: 'files that are no pictures',
  modality: 'DICOM files of other kinds than PLAINVIEW_MODALITIES names',
  no_pixels: 'DICOM files without pixels',
  multiframe: 'DICOM files with several frames',
};

/** Counts what is left out. */
export class LeftOutFiles {
  readonly #counts = new Map<LeftOut, number>();

  readonly add = (reason: LeftOut): void => {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  };

  /** @returns `left out: …`; undefined where nothing was */
  text(): string | undefined {
    const parts = [...this.#counts].map(([reason, count]) => `${sentences[reason] ?? reason} (${count})`);
    return parts.length === 0 ? undefined : `left out: ${parts.join('; ')}`;
  }
}

/** By their names, they should be pictures: so a damaged one is an error, and is not left out. */
const extensions = [
  '.png',
  '.jpg',
  '.jpeg',
  '.gif',
  '.pam',
  '.tif',
  '.tiff',
  '.webp',
  '.bmp',
  '.dcm',
  '.dicom',
];

/**
 * The pictures below a folder, at any depth, in the order of their names: of DICOM files those that the service would
 * classify. Names that begin with a dot, and links to folders, are left out. One folder is listed at a time.
 */
export async function* picturesBelow(
  folder: string,
  config: Pick<Config, 'modalities' | 'multiframe'>,
  leaveOut: (reason: LeftOut) => void,
): AsyncGenerator<FoundFile> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) =>
    unreadable(folder, error),
  );
  if ('error' in entries) {
    yield entries;
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      yield* picturesBelow(path, config, leaveOut);
      continue;
    }
    try {
      // Pipes and devices would never end.
      const isFile = entry.isFile() || (entry.isSymbolicLink() && (await stat(path)).isFile());
      const reason = isFile ? await whyLeftOut(path, config) : 'no_picture';
      if (reason === undefined) yield { path };
      else leaveOut(reason);
    } catch (error) {
      yield unreadable(path, error);
    }
  }
}

async function whyLeftOut(
  path: string,
  config: Pick<Config, 'modalities' | 'multiframe'>,
): Promise<LeftOut | undefined> {
  const start = await readHead(path, magicBytes);
  const format = formatOf(start);
  if (format === undefined)
    return extensions.includes(extname(path).toLowerCase()) ? undefined : 'no_picture';
  if (format.name !== 'DICOM') return undefined;
  const { headBytes, kindOf } = await import('../dicom/read.js');
  const kind = kindOf(await readHead(path, headBytes));
  return kind && whyNotRadiograph(kind, config);
}

const unreadable = (path: string, error: unknown): Required<FoundFile> => ({
  path,
  error: createError('file_unreadable', { problem: fileProblem(path, error) }, error),
});
