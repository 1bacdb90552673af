import { createError } from '../errors/errors.js';
import type { IdentifiedInstance, InstanceContent } from '../orthanc/resources.js';
import { isBy, recordOf } from './read.js';
import { metadataNames, type NewDecision } from './schema.js';
import { pictureOf } from './tags-record.js';

// What has changed on an instance between the moment when a job read it, and the moment when the decision is written.

/** @param picture that was decided @throws picture_replaced */
export function requirePicture(instance: IdentifiedInstance, picture: string): void {
  if (pictureOf(instance) !== picture) throw createError('picture_replaced', { instance: instance.ID });
}

/** The instance without a request that came since, which is for the next job to answer. */
export function withoutNewRequest(instance: IdentifiedInstance, before: InstanceContent): IdentifiedInstance {
  const { [metadataNames.request]: request, ...others } = instance.Metadata;
  return request === before.Metadata[metadataNames.request] ? instance : { ...instance, Metadata: others };
}

/**
 * Whether a decision that was missing or half-written when a job read it stands now: another service made it, or an undo
 * wrote it to its end. The job has nothing to add.
 */
export function isCompletedSince(
  before: InstanceContent,
  now: IdentifiedInstance,
  decided: NewDecision,
): boolean {
  const standing = recordOf(now);
  if (decided.requested !== undefined || !standing?.complete) return false;
  const isSameNetwork = standing.record.decision !== 'failed' && isBy(standing.record, decided.network);
  return isSameNetwork && recordOf(before)?.complete !== true;
}
