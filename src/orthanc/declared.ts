import { z } from 'zod';

/** What a file says of its picture, and of where it was taken. Values are as they stand there, without padding. */
export const declared = z.object({
  /** Body Part Examined (0018,0015) */
  bodyPart: z.string().optional(),
  /** View Position (0018,5101) */
  view: z.string().optional(),
  /** Station Name (0008,1010) */
  station: z.string().optional(),
  /** Manufacturer (0008,0070) */
  manufacturer: z.string().optional(),
  /** Manufacturer's Model Name (0008,1090) */
  model: z.string().optional(),
  /** The code of Institutional Department Type (0008,1041), else Institutional Department Name (0008,1040). */
  department: z.string().optional(),
});
export type Declared = z.output<typeof declared>;

const text = z.string().trim().min(1).optional().catch(undefined);

/** The attributes that `declaredOf` reads, in Orthanc's simplified format. */
export const declaredTags = z.object({
  BodyPartExamined: text,
  ViewPosition: text,
  StationName: text,
  Manufacturer: text,
  ManufacturerModelName: text,
  InstitutionalDepartmentName: text,
  InstitutionalDepartmentTypeCodeSequence: z
    .array(z.object({ CodeValue: text }))
    .optional()
    .catch(undefined),
});

export function declaredOf(tags: z.output<typeof declaredTags>): Declared {
  const [departmentType] = tags.InstitutionalDepartmentTypeCodeSequence ?? [];
  const values = {
    bodyPart: tags.BodyPartExamined,
    view: tags.ViewPosition,
    station: tags.StationName,
    manufacturer: tags.Manufacturer,
    model: tags.ManufacturerModelName,
    department: departmentType?.CodeValue ?? tags.InstitutionalDepartmentName,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
