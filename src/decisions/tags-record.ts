import { z } from 'zod';
import type { Declared } from '../orthanc/declared.js';
import type { Description, IdentifiedInstance, InstanceContent } from '../orthanc/resources.js';
import { metadataNames, readRecord } from './schema.js';

/** The attributes that are written, by keyword. */
export const tagOf = {
  AnatomicRegionSequence: '0008,2218',
  BodyPartExamined: '0018,0015',
  ViewPosition: '0018,5101',
  ViewCodeSequence: '0054,0220',
} as const;
export const keyword = z.enum([
  'AnatomicRegionSequence',
  'BodyPartExamined',
  'ViewPosition',
  'ViewCodeSequence',
]);
export type Keyword = z.output<typeof keyword>;

/** Text, or the items of a sequence by tag. */
export type Value = string | { [tag: string]: Value }[];
export const value: z.ZodType<Value> = z.lazy(() =>
  z.union([z.string(), z.array(z.record(z.string(), value))]),
);

const written = z.partialRecord(
  keyword,
  z.object({
    /** What stood there before; absent where the attribute was. */
    was: value.optional(),
    now: value,
  }),
);
export type Written = z.output<typeof written>;

/** What stands in `RadiographTags` of an instance. */
export const tagsRecord = z.object({
  version: z.literal(1),
  /** `when` of the decision that the file says, or could not be made to say. */
  of: z.string(),
  written,
  /** Orthanc's identifier of the file as it came, which shows the same picture. */
  file: z.string().optional(),
  /** Orthanc's own metadata of the file as it came: a file that is stored anew gets others. */
  received: z.record(z.string(), z.string()).optional(),
  /** Somebody wanted the file as it was: nothing is written until it is decided anew. */
  undone: z.literal(true).optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type TagsRecord = z.output<typeof tagsRecord>;

export const tagsOf = (instance: InstanceContent): TagsRecord | undefined =>
  readRecord(tagsRecord, instance.Metadata[metadataNames.tags]);

/** What identifies the picture of an instance: it changes when another file is stored under the same UIDs. */
export const pictureOf = (instance: InstanceContent & Pick<IdentifiedInstance, 'FileUuid'>): string =>
  tagsOf(instance)?.file ?? instance.FileUuid;

/** When and whence an instance came, which Orthanc forgets when it is stored anew. */
export const receptionNames = [
  'ReceptionDate',
  'Origin',
  'RemoteAET',
  'CalledAET',
  'RemoteIP',
  'HttpUsername',
  'HttpHost',
  'ModifiedFrom',
  'AnonymizedFrom',
] as const;

/** An instance's metadata, as they were before we stored it anew. */
export const metadataAsReceived = (instance: InstanceContent): Record<string, string> => ({
  ...instance.Metadata,
  ...tagsOf(instance)?.received,
});

/** What a file declared before we wrote into it. */
export function declaredByOthers(found: Declared, instance: InstanceContent): Declared {
  const { written: ours = {} } = tagsOf(instance) ?? {};
  const before = (written: { was?: Value | undefined }) =>
    typeof written.was === 'string' && written.was !== '' ? written.was : undefined;
  const { bodyPart, view, ...others } = found;
  return {
    ...others,
    bodyPart: ours.BodyPartExamined === undefined ? bodyPart : before(ours.BodyPartExamined),
    view: ours.ViewPosition === undefined ? view : before(ours.ViewPosition),
  };
}

/** What DICOM says but for what we have written there ourselves. */
export function descriptionsByOthers(
  descriptions: readonly Description[],
  instance: InstanceContent,
): Description[] {
  const { written: ours = {} } = tagsOf(instance) ?? {};
  const isOurs = (attribute: string) => Object.hasOwn(ours, attribute);
  const before = Object.entries(ours).flatMap(([attribute, { was }]) =>
    typeof was === 'string' && was !== '' ? [{ attribute, text: was }] : [],
  );
  return [...descriptions.filter(({ attribute }) => !isOurs(attribute)), ...before];
}
