import { createHmac } from 'node:crypto';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pMapIterable } from 'p-map';
import sharp from 'sharp';
import { decode } from '../classify/prepare/decode.js';
import type { Config } from '../config/options.js';
import { pictureOf } from '../decisions/tags-record.js';
import { asPlainviewError, createError, type PlainviewError } from '../errors/errors.js';
import { csvLine } from '../files/csv.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { withWriteErrors, writeResult } from '../files/result-file.js';
import type { InstanceId } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import { frameOf } from '../pipeline/eligible.js';

/** Of each picture, two at a time: Orthanc has other work too. */
const concurrency = 2;
const picturesFolder = 'images';
const pictureName = /^[0-9a-f]{32}\.png$/;

/** What `labels.csv` says of a picture beside its file, patient and whether text is burned in. */
export interface ExportedRow {
  label: string;
  /** By column. */
  values: (string | number | undefined)[];
}

export interface ExportOptions {
  orthanc: Orthanc;
  /** In pages. */
  instances: AsyncIterable<readonly InstanceId[]> | Iterable<readonly InstanceId[]>;
  /** Further columns of the table. */
  columns: readonly string[];
  /** @returns undefined where the picture is not to be exported */
  rowOf: (instance: IdentifiedInstance) => ExportedRow | undefined;
  config: Pick<Config, 'modalities' | 'multiframe' | 'maxMegapixels'>;
  /** Makes the pseudonyms: the same key gives the same ones. */
  key: Buffer;
  folder: string;
  onPicture: () => void;
}

export interface Exported {
  pictures: number;
  /** Of these, how many were there from an earlier export. */
  kept: number;
  /** Pictures in the folder that the table does not name: of an earlier export. */
  unnamed: number;
  /** Pictures whose file says that names may be burned into them (0028,0301). */
  burnedIn: number;
  failed: { instance: InstanceId; error: PlainviewError }[];
}

interface Row extends ExportedRow {
  file: string;
  patient: string;
  burnedIn: string;
}

/**
 * Writes pictures as PNG, and `labels.csv`, which `evaluate` and training read. No DICOM text goes with them; names of files and patients are pseudonyms. A picture that is there already is not fetched again,
 * so a second call goes on after an interruption. Nothing is deleted: pictures that no longer belong to the selection stay.
 * @throws usage where the folder has a table of something else; report_unwritable, orthanc_…
 */
export async function exportPictures(options: ExportOptions): Promise<Exported> {
  const { orthanc, instances, columns, rowOf, folder, onPicture } = options;
  const head = csvLine(['file', 'label', 'patient', ...columns, 'burned_in']);
  const table = join(folder, 'labels.csv');
  await requireOurTable(table, head);
  const images = join(folder, picturesFolder);
  await withWriteErrors(async () => makeFolder(images));
  const exported: Exported = { pictures: 0, kept: 0, unnamed: 0, burnedIn: 0, failed: [] };
  const rows: Row[] = [];
  for await (const ids of instances) {
    const found = await orthanc.hierarchy.instances(ids);
    const identifiers = await orthanc.hierarchy.identifiersByInstance(ids);
    const write = async (instance: IdentifiedInstance): Promise<void> => {
      const known = identifiers.get(instance.ID);
      const said = rowOf(instance);
      if (known === undefined || said === undefined) return; // deleted or undone meanwhile
      try {
        const { row, isKept } = await writePicture(instance, known, options);
        rows.push({ ...row, ...said });
        if (isKept) exported.kept++;
        if (row.burnedIn === 'YES') exported.burnedIn++;
      } catch (caught) {
        const error = asPlainviewError(caught);
        // What concerns the folder, or Orthanc as a whole, concerns every picture.
        if (error.code === 'report_unwritable' || error.transient) throw error;
        exported.failed.push({ instance: instance.ID, error });
      }
      onPicture();
    };
    for await (const _ of pMapIterable(found, write, { concurrency }));
  }
  rows.sort((a, b) => (a.file < b.file ? -1 : 1));
  const lines = rows.map((row) => csvLine([row.file, row.label, row.patient, ...row.values, row.burnedIn]));
  await writeResult(table, (part) => writeFile(part, `${[head, ...lines].join('\n')}\n`, ownerOnly));
  const unnamed = await othersIn(images, new Set(rows.map(({ file }) => file)));
  return { ...exported, pictures: rows.length, unnamed };
}

async function writePicture(
  instance: IdentifiedInstance,
  { sopInstanceUid, patient }: { sopInstanceUid: string; patient: string },
  { orthanc, config, key, folder }: ExportOptions,
): Promise<{ row: Omit<Row, keyof ExportedRow>; isKept: boolean }> {
  const pseudonym = (kind: string, of: string) =>
    createHmac('sha256', key).update(`${kind}\n${of}`).digest('hex').slice(0, 32);
  // Another picture under the same UID is another file.
  const file = `${picturesFolder}/${pseudonym('picture', `${sopInstanceUid}\n${pictureOf(instance)}`)}.png`;
  const path = join(folder, file);
  const isKept = await access(path).then(
    () => true,
    () => false,
  );
  const said = await orthanc.search.attribute(instance.ID, 'BurnedInAnnotation');
  // Any other value is text of somebody's.
  const burnedIn = said === 'YES' || said === 'NO' ? said : '';
  if (!isKept) {
    const { tags } = await orthanc.hierarchy.describe(instance.ID);
    const png = await orthanc.renderings.whole(
      instance.ID,
      frameOf(tags, config),
      (rendered) => pngOf(rendered, config.maxMegapixels),
      tags,
    );
    await writeResult(path, (part) => writeFile(part, png, ownerOnly));
  }
  return { row: { file, patient: pseudonym('patient', patient), burnedIn }, isKept };
}

/** Without the metadata that a PNG can hold. */
async function pngOf(rendered: Buffer, maxMegapixels: number): Promise<Buffer> {
  const { width, height, channels, pixels } = await decode(rendered, maxMegapixels);
  return sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false }).png().toBuffer();
}

async function othersIn(images: string, files: ReadonlySet<string>): Promise<number> {
  const names = (await readdir(images)).filter((name) => pictureName.test(name));
  return names.filter((name) => !files.has(`${picturesFolder}/${name}`)).length;
}

/** @throws usage where there is a table that no export has written */
async function requireOurTable(table: string, head: string): Promise<void> {
  const text = await readFile(table, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text !== undefined && text.split('\n')[0] !== head)
    throw createError('usage', { problem: `${table} is a table of something else: name another folder` });
}
