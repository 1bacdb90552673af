import type { Logger } from 'pino';
import { createError, type PlainviewError } from '../../errors/errors.js';

/** Signed requests are refused where the clocks are a minute apart. */
const mostApartMs = 30_000;
/** A leader that cannot lead while another member can gives up after so long. They learn a few seconds apart that Orthanc is back. */
const giveUpAfterMs = 30_000;

/** Whether this process can lead its archive: one that cannot leads only where no other one can. */
export class Candidacy {
  readonly #mayLead: boolean;
  readonly #giveUpMs: number;
  readonly #log: Logger;
  #reachesOrthanc = false;
  #isOff = false;
  /** Since when this process leads, cannot, and another one can. */
  #inTheWaySince: number | undefined;

  constructor({ mayLead, giveUpMs, log }: { mayLead: boolean; giveUpMs?: number | undefined; log: Logger }) {
    this.#mayLead = mayLead;
    this.#giveUpMs = giveUpMs ?? giveUpAfterMs;
    this.#log = log;
  }

  get mayLead(): boolean {
    return this.#mayLead;
  }

  get canLead(): boolean {
    return this.#mayLead && this.#reachesOrthanc && !this.#isOff;
  }

  /** To be told whenever that changes. */
  reachesOrthanc(does: boolean): void {
    this.#reachesOrthanc = does;
  }

  /** @param asked when the database was asked for its time, and `answered`, by this machine's clock */
  compareClocks(time: number, { asked, answered }: { asked: number; answered: number }): void {
    // The database has said it at some moment between.
    const offMs = time < asked ? asked - time : Math.max(0, time - answered);
    const wasOff = this.#isOff;
    this.#isOff = offMs > mostApartMs;
    if (this.#isOff && !wasOff)
      this.#log.warn(
        { seconds: Math.round(offMs / 1000) },
        'the clock of this machine differs from that of the database: correct it. While this process leads, signed requests can be refused.',
      );
    if (wasOff && !this.#isOff)
      this.#log.info('the clock of this machine agrees with that of the database again');
  }

  /** To be asked regularly while this process leads. @returns why it must not any longer */
  whyGiveUp(otherCanLead: boolean): PlainviewError | undefined {
    if (this.canLead || !otherCanLead) this.#inTheWaySince = undefined;
    else this.#inTheWaySince ??= performance.now();
    const since = this.#inTheWaySince;
    if (since === undefined || performance.now() - since < this.#giveUpMs) return undefined;
    const why = this.#isOff ? 'has a clock that differs from that of the database' : 'does not reach Orthanc';
    return createError('lead_given_up', { why });
  }
}
