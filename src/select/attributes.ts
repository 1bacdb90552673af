import { createError } from '../errors/errors.js';

/**
 * DICOM attributes about the picture, the device and the exposure. None of them identifies a person; every other one
 * might (PS3.15 annex E), so it needs a flag. PatientAge does for the very old, see `shownValue`.
 */
const numbers = [
  ...['Rows', 'Columns', 'BitsAllocated', 'BitsStored', 'HighBit', 'PixelRepresentation', 'SamplesPerPixel'],
  ...['NumberOfFrames', 'InstanceNumber', 'RescaleIntercept', 'RescaleSlope', 'KVP', 'ExposureTime'],
  ...[
    'ExposureTimeInuS',
    'XRayTubeCurrent',
    'XRayTubeCurrentInuA',
    'Exposure',
    'ExposureInuAs',
    'Sensitivity',
  ],
  ...['RelativeXRayExposure', 'ExposureIndex', 'TargetExposureIndex', 'DeviationIndex', 'EntranceDose'],
  ...['EntranceDoseInmGy', 'ImageAndFluoroscopyAreaDoseProduct', 'DistanceSourceToDetector'],
  ...['DistanceSourceToPatient', 'BodyPartThickness', 'CompressionForce', 'PositionerPrimaryAngle'],
] as const;
const texts = [
  ...['Modality', 'SOPClassUID', 'Manufacturer', 'ManufacturerModelName', 'SoftwareVersions', 'StationName'],
  ...['InstitutionName', 'ProtocolName', 'BodyPartExamined', 'ViewPosition', 'Laterality', 'ImageLaterality'],
  ...['PatientOrientation', 'PatientPosition', 'PatientSex', 'PatientAge', 'PatientIdentityRemoved'],
  ...['PhotometricInterpretation', 'PixelSpacing', 'ImagerPixelSpacing', 'WindowCenter', 'WindowWidth'],
  ...['VOILUTFunction', 'PresentationLUTShape', 'PresentationIntentType', 'ImageType', 'ConversionType'],
  ...[
    'BurnedInAnnotation',
    'LossyImageCompression',
    'LossyImageCompressionRatio',
    'PlateType',
    'PhosphorType',
  ],
  ...[
    'DetectorType',
    'DetectorConfiguration',
    'FieldOfViewShape',
    'FieldOfViewDimensions',
    'Grid',
    'FilterType',
  ],
  ...['FilterMaterial', 'ExposureControlMode', 'AnodeTargetMaterial', 'FocalSpots', 'CollimatorShape'],
] as const;

export const harmlessAttributes: readonly string[] = [...numbers, ...texts].sort();

/** An attribute as a column of a table. */
export interface AttributeColumn {
  keyword: string;
  type: 'DOUBLE' | 'STRING';
}

/**
 * @param isIdentifying whether attributes that can identify a person are allowed
 * @throws usage
 */
export function attributeColumns(keywords: readonly string[], isIdentifying: boolean): AttributeColumn[] {
  for (const [i, keyword] of keywords.entries()) {
    const problem = problemOf(keyword, keywords.indexOf(keyword) < i, isIdentifying);
    if (problem !== undefined) throw createError('usage', { problem: `--columns ${keyword}: ${problem}` });
  }
  return keywords.map((keyword) => ({ keyword, type: isNumber(keyword) ? 'DOUBLE' : 'STRING' }));
}

function problemOf(keyword: string, isRepeated: boolean, isIdentifying: boolean): string | undefined {
  if (isRepeated) return 'it is given twice';
  if (!/^[A-Z][A-Za-z0-9]*$/.test(keyword))
    return 'name attributes by their keywords, for example StationName';
  if (keyword.endsWith('Sequence')) return 'a sequence does not fit into a table';
  if (!isIdentifying && !harmlessAttributes.includes(keyword))
    return `it is not among those that identify nobody (${harmlessAttributes.join(', ')}); --identifying allows it`;
  return undefined;
}

/** @returns what a table has of a value; undefined for none, or none that is a number where numbers are wanted */
export function shownValue(
  { keyword, type }: AttributeColumn,
  text: string | undefined,
  isIdentifying: boolean,
): string | number | undefined {
  if (text === undefined) return undefined;
  if (type === 'STRING') return keyword === 'PatientAge' && !isIdentifying ? upTo90(text) : text;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Ages of 90 years and more identify a person: so few have them (45 CFR 164.514). */
const upTo90 = (age: string): string => (/^\d{3}Y$/.test(age) && Number(age.slice(0, 3)) > 89 ? '090Y' : age);

const isNumber = (keyword: string): boolean => (numbers as readonly string[]).includes(keyword);
