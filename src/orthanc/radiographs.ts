import type { InstanceId, SeriesId, StudyId } from './ids.js';

/**
 * What kind of picture an instance is, named by a code of Modality (0008,0060). The SOP class counts first, because
 * Modality is often missing or wrong; then Modality.
 */

const storage = '1.2.840.10008.5.1.4.1.1.';
/** SOP classes, each for presentation and for processing. */
const classes: Readonly<Record<string, string>> = {
  [`${storage}1`]: 'CR',
  [`${storage}1.1`]: 'DX',
  [`${storage}1.1.1`]: 'DX',
  [`${storage}1.2`]: 'MG',
  [`${storage}1.2.1`]: 'MG',
  [`${storage}1.3`]: 'IO',
  [`${storage}1.3.1`]: 'IO',
};
/** Families of SOP classes that are no pictures, below `storage`, as in `lua/plainview.lua`. */
const noPictureFamilies = ['9', '11', '66', '67', '68', '88', '104', '481'];
/** Families of pictures of other kinds: CT, MR, ultrasound, nuclear medicine, PET, photographs. */
const otherFamilies = [...noPictureFamilies, '2', '4', '6', '20', '77', '128', '130'];
/** A picture of the class CR or DX may be each of these. Any other Modality is wrong there. */
const projections = ['CR', 'DX', 'RG', 'PX', 'IO', 'MG', 'RF', 'XA', 'BMD'];
/** The Modalities of plain radiographs. */
export const plainModalities: readonly string[] = ['CR', 'DX', 'RG', 'PX', 'IO'];
/** Modalities that cannot be those of plain radiographs, as in `lua/plainview.lua`. */
export const nonRadiographs: readonly string[] = [
  ...['AR', 'ASMT', 'AU', 'BDUS', 'BI', 'CT', 'CTPROTOCOL', 'DOC', 'ECG', 'EEG', 'EMG', 'EOG', 'EPS', 'FID'],
  ...['HD', 'IOL', 'IVOCT', 'IVUS', 'KER', 'KO', 'LEN', 'LP', 'M3D', 'MR', 'MS', 'NM', 'OAM', 'OCT', 'OPM'],
  ...['OPT', 'OPV', 'OSS', 'PLAN', 'POS', 'PR', 'PT', 'REG', 'RESP', 'RTDOSE', 'RTIMAGE', 'RTINTENT'],
  ...['RTPLAN', 'RTRAD', 'RTRECORD', 'RTSEGANN', 'RTSTRUCT', 'RWV', 'SEG', 'SM', 'SMR', 'SR', 'SRF', 'STAIN'],
  ...['TEXTUREMAP', 'TG', 'US', 'VA', 'XAPROTOCOL'],
];
/** Objects about pictures, which may be in one series with them. */
const noPictures = ['SR', 'KO', 'PR', 'DOC', 'REG', 'SEG', 'FID', 'AU', 'PLAN', 'RWV'];

/** The values of Modality: in upper case, without padding. */
const valuesOf = (modality: string | undefined): string[] =>
  (modality ?? '').split('\\').flatMap((value) => value.trim().toUpperCase() || []);

const isProjection = (code: string): boolean => projections.includes(code);

/** @returns no code where neither SOP class nor Modality names one; several where Modality does */
export function kindsOf(sopClassUid: string | undefined, modality: string | undefined): string[] {
  const values = valuesOf(modality);
  const kind = classes[sopClassUid ?? ''];
  if (isOf(noPictureFamilies, sopClassUid)) return values.filter((code) => !isProjection(code));
  if (kind === undefined) return values;
  const precise = kind === 'CR' || kind === 'DX' ? values.filter(isProjection) : [];
  return precise.length > 0 ? precise : [kind];
}

/** A series in Orthanc's index. Its Modality is that of the instance that was received first. */
export interface IndexedSeries {
  id: SeriesId;
  seriesInstanceUid: string;
  study: StudyId;
  modality: string;
  instances: InstanceId[];
}

/** Whether the Modality of a series tells nothing of the pictures in it: it is missing, or begins with another object. */
const isSilent = (modality: string): boolean => valuesOf(modality).every((code) => noPictures.includes(code));

/** What is known of an instance by Orthanc's index alone: see `kindsOf`. */
export const indexedKinds = (sopClassUid: string | undefined, seriesModality: string): string[] =>
  kindsOf(sopClassUid, isSilent(seriesModality) ? undefined : seriesModality);

/**
 * Whether an instance may be a radiograph of these kinds, by Orthanc's index alone. Only its file tells its own Modality,
 * so where the series begins with another object, some instances are not.
 */
export function mayBeRadiograph(
  sopClassUid: string | undefined,
  seriesModality: string,
  modalities: readonly string[],
): boolean {
  if (valuesOf(seriesModality).length > 0 && isSilent(seriesModality)) {
    const kind = classes[sopClassUid ?? ''];
    if (kind === undefined) return !isOf(otherFamilies, sopClassUid);
    if (kind === 'CR' || kind === 'DX') return modalities.some(isProjection);
  }
  return indexedKinds(sopClassUid, seriesModality).some((code) => modalities.includes(code));
}

const isOf = (families: readonly string[], sopClassUid = ''): boolean =>
  sopClassUid.startsWith(storage) && families.includes(sopClassUid.slice(storage.length).split('.')[0] ?? '');

/** Instances that are looked at in a series whose Modality names another kind. A larger one is all of one kind. */
const sampleSize = 8;

/**
 * The instances that tell whether a series may hold radiographs of these kinds; undefined where its Modality does. A
 * series of a thousand slices is not read.
 */
export function toLookAt(series: IndexedSeries, modalities: readonly string[]): InstanceId[] | undefined {
  if (valuesOf(series.modality).some((code) => modalities.includes(code))) return undefined;
  return isSilent(series.modality) ? series.instances : series.instances.slice(0, sampleSize);
}
