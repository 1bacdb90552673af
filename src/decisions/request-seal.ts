import { createHmac, timingSafeEqual } from 'node:crypto';
import type { InstanceId } from '../orthanc/ids.js';
import type { IdentifiedInstance } from '../orthanc/resources.js';
import { requestOf } from './read.js';
import type { InstanceRecord, ReclassifyRequest } from './schema.js';

/**
 * The seal of a request that includes what a person decided. Whoever may write metadata in Orthanc can write a request;
 * only Plainview can seal it. The seal is of one instance, name, time and decision. A copy of it on another instance does not
 * count, nor does it end a decision that came later.
 */
export class RequestSeal {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** The request for one instance, as it is written into Orthanc. */
  seal(
    instance: InstanceId,
    { who, when, includingCorrected, ends }: Omit<ReclassifyRequest, 'seal'>,
  ): ReclassifyRequest {
    if (!includingCorrected) return { who, when, includingCorrected };
    const request = { who, when, includingCorrected, ...(ends === undefined ? {} : { ends }) };
    return { ...request, seal: this.#sealOf(instance, request) };
  }

  /**
   * Whether the request of an instance asks for the decision that stands to be made anew: a person's only where it says so,
   * is sealed, and came after it. Clocks differ and are set, so the decision tells that, not the time. Only where Orthanc
   * had lost the decision when the request was written does the time have to tell.
   */
  asksAnew(instance: IdentifiedInstance, standing: Pick<InstanceRecord, 'who' | 'when'>): boolean {
    const request = requestOf(instance);
    if (request === undefined) return false;
    if (standing.who !== 'person') return true;
    if (!request.includingCorrected || this.isUnsealed(instance)) return false;
    if (request.ends !== undefined) return request.ends === standing.when;
    return Date.parse(request.when) > Date.parse(standing.when);
  }

  /** Whether the request of an instance would include what a person decided, but Plainview has not sealed it. */
  isUnsealed(instance: IdentifiedInstance): boolean {
    const request = requestOf(instance);
    if (request === undefined || !request.includingCorrected) return false;
    const given = Buffer.from(request.seal ?? '', 'hex');
    const expected = Buffer.from(this.#sealOf(instance.ID, request), 'hex');
    return given.length !== expected.length || !timingSafeEqual(given, expected);
  }

  #sealOf(
    instance: InstanceId,
    { who, when, ends }: Pick<ReclassifyRequest, 'who' | 'when' | 'ends'>,
  ): string {
    const text = JSON.stringify([instance, who, when, ends ?? null, 'includingCorrected']);
    return createHmac('sha256', this.#key).update(text).digest('hex');
  }
}
