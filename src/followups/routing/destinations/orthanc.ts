import { sleep } from '../../../async/sleep.js';
import type { Config } from '../../../config/options.js';
import { asPlainviewError, createError, type PlainviewError } from '../../../errors/errors.js';
import { mayMeanAway } from '../../../orthanc/availability.js';
import type { DestinationKind } from '../../../orthanc/forwarder.js';
import type { InstanceId } from '../../../orthanc/ids.js';
import { Orthanc } from '../../../orthanc/orthanc.js';
import type { Due } from '../ledger.js';
import type { Destination } from './destination.js';

/** Instances in one of Orthanc's jobs: a peer's or a modality's connection is made once for all of them. */
const most = 16;
/** Whether it arrived cannot be known then, not by Orthanc's waiting calls either. */
const forgotten = 'Orthanc has forgotten the job: "JobsHistorySize" in its configuration must be 10 or more';
const longestAnswerMs = 120_000;
const pollMs = { first: 25, longest: 1000 };

/**
 * A peer, modality or DICOMweb server, to which Orthanc itself sends. Orthanc's jobs are used and not its waiting
 * calls, which hold one of its HTTP threads and which a proxy between us would cut.
 */
export class OrthancDestination implements Destination {
  readonly name: string;
  readonly most = most;
  readonly #kind: DestinationKind;
  readonly #place: string;
  readonly #orthanc: Orthanc;

  constructor(kind: DestinationKind, place: string, config: Config) {
    this.name = `${kind}:${place}`;
    this.#kind = kind;
    this.#place = place;
    // Connections of its own: a destination that hangs must not take one from the classification or its siblings.
    // They wait longer, too: what Orthanc asks of a slow place lasts as long as that place needs.
    const orthancTimeoutMs = Math.max(config.orthancTimeoutMs, longestAnswerMs);
    this.#orthanc = new Orthanc({ ...config, orthancRetries: 0, orthancTimeoutMs });
  }

  async send(due: readonly Due[], signal: AbortSignal): Promise<void> {
    const ids = due.map(({ instance }) => instance.ID);
    try {
      await this.#job(ids, signal);
    } catch (caught) {
      throw this.#blame(asPlainviewError(caught));
    }
  }

  async answers(): Promise<boolean | undefined> {
    try {
      await this.#orthanc.forwarder.echo(this.#kind, this.#place);
      return true;
    } catch (caught) {
      if (mayMeanAway(asPlainviewError(caught))) throw caught;
      // A DICOMweb server that only stores answers no search, and may still be well.
      return this.#kind === 'dicomweb' ? undefined : false;
    }
  }

  close(): void {
    this.#orthanc.close();
  }

  async #job(ids: readonly InstanceId[], signal: AbortSignal): Promise<void> {
    const job = await this.#orthanc.forwarder.startJob(this.#kind, this.#place, ids);
    for (let ms = pollMs.first; ; ms = Math.min(ms * 1.5, pollMs.longest)) {
      await sleep(ms, signal);
      // Orthanc goes on; the next start sends once more what is not known to have arrived.
      if (signal.aborted)
        throw createError('route_unreachable', { destination: this.name, why: 'Plainview stops' });
      const now = await this.#orthanc.forwarder.job(job);
      if (now.state === 'done') return;
      if (now.state === 'failed')
        throw createError('route_unreachable', { destination: this.name, why: now.why });
      if (now.state === 'forgotten')
        throw createError('route_unreachable', { destination: this.name, why: forgotten });
    }
  }

  #blame(error: PlainviewError): PlainviewError {
    if (error.code === 'route_unreachable' || mayMeanAway(error)) return error;
    return createError('route_unreachable', { destination: this.name, why: error.message }, error);
  }
}
