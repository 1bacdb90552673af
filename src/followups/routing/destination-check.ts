import type { Logger } from 'pino';
import { asPlainviewError } from '../../errors/errors.js';
import { mayMeanAway } from '../../orthanc/availability.js';
import type { KnownDestinations } from '../../orthanc/forwarder.js';
import type { Orthanc } from '../../orthanc/orthanc.js';
import { type Rules, requireKnownDestinations } from './rules/read.js';

interface Parts {
  orthanc: Orthanc;
  rules: Rules;
  hasSeveral: boolean;
  log: Logger;
}

/** Whether Orthanc knows the destinations of the rules, and what it knows of them. */
export class DestinationCheck {
  readonly #parts: Parts;
  #known: Pick<KnownDestinations, 'aets'> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get known(): Pick<KnownDestinations, 'aets'> {
    return this.#known ?? { aets: new Map() };
  }

  /**
   * Of several Orthancs, the one that sends must answer the first time. Later, only its routes wait for it.
   * @throws rules_invalid at the first check. Later, an unknown destination is logged and treated as unreachable.
   */
  async check(): Promise<void> {
    const { orthanc, rules, hasSeveral, log } = this.#parts;
    const known = await orthanc.forwarder.destinations().catch((caught: unknown) => {
      const error = asPlainviewError(caught);
      const isAway = mayMeanAway(error) || error.code === 'orthanc_timeout';
      if (!isAway || this.#known === undefined || !hasSeveral) throw error;
      log.warn({ err: error }, 'the Orthanc that sends is away: routes to its destinations wait');
    });
    if (known === undefined) return;
    try {
      requireKnownDestinations(rules, known);
    } catch (error) {
      if (this.#known === undefined) throw error;
      log.error({ err: error }, 'routes to these destinations wait');
    }
    this.#known = known;
  }
}
