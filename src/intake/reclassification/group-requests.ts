import { metadataNames } from '../../decisions/schema.js';
import { type GroupId, type GroupLevel, groupPath } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';

/**
 * Copies a reclassification request on a series, study or patient to each radiograph in it. The group's own request is
 * deleted last, so after a crash it is copied once more. A request that is written twice has the same result.
 * @throws orthanc_…
 */
export async function copyGroupRequests(
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
    // Another request may have been written meanwhile. It stays: the change log has a change of its own for it.
    if ((await orthanc.metadata.get(path, metadataNames.request)) === request)
      await orthanc.metadata.delete(path, metadataNames.request);
  }
}
