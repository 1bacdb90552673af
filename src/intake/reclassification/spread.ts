import { metadataNames } from '../../decisions/schema.js';
import { type GroupId, type GroupLevel, groupPath } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';

/**
 * A request on a series, study or patient becomes the same request on each radiograph in it. The group's own goes
 * last, so a crash on the way spreads it once more; asked twice is answered the same.
 */
export async function spreadRequests(
  orthanc: Orthanc,
  level: GroupLevel,
  ids: readonly GroupId[],
  modalities: readonly string[],
): Promise<void> {
  const groups = await orthanc.hierarchy.metadata(level, [...new Set(ids)]);
  for (const id of new Set(ids)) {
    const request = groups.get(id)?.[metadataNames.request];
    if (request === undefined) continue;
    for (const instance of await orthanc.hierarchy.instancesBelow([id], modalities))
      await orthanc.metadata.put(`instances/${instance.ID}`, metadataNames.request, request);
    const path = groupPath(level, id);
    // Somebody may have asked for something else meanwhile: that stays, and is told by a change of its own.
    if ((await orthanc.metadata.get(path, metadataNames.request)) === request)
      await orthanc.metadata.delete(path, metadataNames.request);
  }
}
