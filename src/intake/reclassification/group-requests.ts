import type { Logger } from 'pino';
import { SingleFlight } from '../../async/single-flight.js';
import { sleep } from '../../async/sleep.js';
import { recordOf } from '../../decisions/read.js';
import type { RequestWriter } from '../../decisions/request-writer.js';
import { metadataNames, readRecord, reclassifyRequest } from '../../decisions/schema.js';
import { asPlainviewError } from '../../errors/errors.js';
import { ifAbsent } from '../../orthanc/catch-handlers.js';
import { type GroupId, type GroupLevel, groupPath } from '../../orthanc/ids.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import type { InstanceContent } from '../../orthanc/resources.js';
import { retryWhileAway } from '../../orthanc/retry-while-away.js';

interface Parts {
  orthanc: Pick<Orthanc, 'hierarchy' | 'metadata' | 'isAway'>;
  requests: RequestWriter;
  modalities: readonly string[];
  log: Logger;
}

const pauseMs = 60_000;

/**
 * Copies reclassification requests on series, studies and patients to each radiograph in them, while the change log is
 * read on. The group's own request is deleted last, so a run that a stop or a crash cut off goes on with the next start.
 */
export class GroupRequests {
  readonly #parts: Parts;
  readonly #runs = new SingleFlight<GroupId>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Begins with the requests of these groups. It does not wait for their end.
   * @param open called for each group that has a request; what it returns is called when the request is copied
   * @throws orthanc_…
   */
  async begin(level: GroupLevel, ids: readonly GroupId[], open: (id: GroupId) => () => void): Promise<void> {
    const distinct = [...new Set(ids)];
    const groups = await this.#parts.orthanc.hierarchy.metadata(level, distinct);
    for (const id of distinct) {
      if (groups.get(id)?.[metadataNames.request] === undefined) continue;
      const settled = open(id);
      const run = this.#runs
        .run(id, () => this.#run(level, id))
        .then(() => {
          this.#running.delete(run);
          if (!this.#stop.signal.aborted) settled();
        });
      this.#running.add(run);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  /** Never throws: a request that cannot be copied now is tried again until it can. */
  async #run(level: GroupLevel, id: GroupId): Promise<void> {
    const { signal } = this.#stop;
    for (let isDone = false; !isDone && !signal.aborted; )
      try {
        await retryWhileAway(() => this.#copy(level, id), this.#parts, signal);
        isDone = true;
      } catch (error) {
        this.#parts.log.error(
          { err: asPlainviewError(error), group: id },
          'a request could not be copied to its instances',
        );
        await sleep(pauseMs, signal);
      }
  }

  async #copy(level: GroupLevel, id: GroupId): Promise<void> {
    const { hierarchy, metadata } = this.#parts.orthanc;
    const path = groupPath(level, id);
    const request = await metadata.get(path, metadataNames.request).catch(ifAbsent(undefined));
    if (request === undefined) return;
    const below = await hierarchy.instancesBelow([id], this.#parts.modalities);
    for (const instance of below.filter((each) => !hasAnswer(each, request))) {
      if (this.#stop.signal.aborted) return;
      // Only a request of one instance can be sealed, so this one includes nothing that people decided.
      await this.#parts.requests.put(instance.ID, request, { includingCorrected: false });
    }
    // Another request may have been written meanwhile. It stays: the change log has a change of its own for it.
    await metadata.deleteIf(path, metadataNames.request, request);
  }
}

/** Whether an instance has the request, or a decision that answers it: an earlier run was cut off. */
function hasAnswer(instance: InstanceContent, request: string): boolean {
  if (instance.Metadata[metadataNames.request] === request) return true;
  const { when, who } = readRecord(namedRequest, request) ?? {};
  const answered = recordOf(instance)?.record.requested;
  return when !== undefined && answered?.when === when && answered.who === who;
}

/** A request without a time, as a button of Orthanc's writes it, cannot be told from a later one. */
const namedRequest = reclassifyRequest
  .pick({ who: true })
  .extend({ when: reclassifyRequest.shape.when.unwrap() });
