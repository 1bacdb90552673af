import { sleep } from '../../../async/sleep.js';
import type { Config } from '../../../config/options.js';
import { asPlainviewError, createError, type PlainviewError } from '../../../errors/errors.js';
import { mayMeanAway } from '../../../orthanc/availability.js';
import type { DestinationKind } from '../../../orthanc/forwarder.js';
import type { InstanceId, StudyId } from '../../../orthanc/ids.js';
import { Orthanc } from '../../../orthanc/orthanc.js';
import type { AnyDue, Destination } from './destination.js';

/** Instances in one Orthanc job. Orthanc opens one connection to the destination for all of them. */
const maxBatch = 16;
/** Then it is unknown whether the instances arrived. Orthanc's synchronous calls would not tell it either. */
const jobForgotten =
  'Orthanc has forgotten the job: "JobsHistorySize" in its configuration must be 10 or more, and no load balancer may lead to several Orthancs (docs/scaling.md)';
const minTimeoutMs = 120_000;
const pollMs = { first: 25, longest: 1000 };

/**
 * A peer, modality or DICOMweb server to which Orthanc sends. It uses Orthanc's asynchronous jobs: a synchronous call
 * occupies one of Orthanc's HTTP threads, and a proxy may end it after a timeout.
 */
export class OrthancDestination implements Destination<AnyDue> {
  readonly name: string;
  readonly maxBatch = maxBatch;
  readonly #kind: DestinationKind;
  readonly #remoteName: string;
  readonly #orthanc: Orthanc;

  constructor(kind: DestinationKind, remoteName: string, config: Config) {
    this.name = `${kind}:${remoteName}`;
    this.#kind = kind;
    this.#remoteName = remoteName;
    // The destination has its own connections. One that hangs takes none from the classification or from others.
    // The timeout is longer, since Orthanc answers only after a slow destination has answered.
    const orthancTimeoutMs = Math.max(config.orthancTimeoutMs, minTimeoutMs);
    this.#orthanc = new Orthanc({ ...config, orthancRetries: 0, orthancTimeoutMs });
  }

  async send(due: readonly AnyDue[], signal: AbortSignal): Promise<void> {
    const ids = due.map(({ resource }) => resource.ID);
    try {
      await this.#job(ids, signal);
    } catch (caught) {
      throw this.#asRouteError(asPlainviewError(caught));
    }
  }

  async isReachable(): Promise<boolean | undefined> {
    try {
      await this.#orthanc.forwarder.echo(this.#kind, this.#remoteName);
      return true;
    } catch (caught) {
      if (mayMeanAway(asPlainviewError(caught))) throw caught;
      // A DICOMweb server that only stores does not answer a search.
      return this.#kind === 'dicomweb' ? undefined : false;
    }
  }

  close(): void {
    this.#orthanc.close();
  }

  async #job(ids: readonly (InstanceId | StudyId)[], signal: AbortSignal): Promise<void> {
    const job = await this.#orthanc.forwarder.startJob(this.#kind, this.#remoteName, ids);
    for (let ms = pollMs.first; ; ms = Math.min(ms * 1.5, pollMs.longest)) {
      await sleep(ms, signal);
      // Orthanc goes on with the job. The next start sends again what is not recorded as sent.
      if (signal.aborted)
        throw createError('route_unreachable', { destination: this.name, why: 'Plainview stops' });
      const now = await this.#orthanc.forwarder.job(job);
      if (now.state === 'done') return;
      if (now.state === 'failed')
        throw createError('route_unreachable', { destination: this.name, why: now.why });
      if (now.state === 'forgotten')
        throw createError('route_unreachable', { destination: this.name, why: jobForgotten });
    }
  }

  #asRouteError(error: PlainviewError): PlainviewError {
    if (error.code === 'route_unreachable' || mayMeanAway(error)) return error;
    return createError('route_unreachable', { destination: this.name, why: error.message }, error);
  }
}
