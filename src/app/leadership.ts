import { Lifecycle, type Part } from './lifecycle.js';

/** The parts of the process that leads: they begin when it does. */
export class Leadership implements Part {
  readonly #create: () => Promise<readonly Part[]>;
  #beginning: Promise<void> | undefined;
  #parts: Lifecycle | undefined;
  #isPaused = true;

  constructor(create: () => Promise<readonly Part[]>) {
    this.#create = create;
  }

  /** @throws what the parts throw: then this process cannot lead */
  begin(): Promise<void> {
    this.#beginning ??= this.#begin();
    return this.#beginning;
  }

  pause(): void {
    this.#isPaused = true;
    this.#parts?.pause();
  }

  async resume(): Promise<void> {
    this.#isPaused = false;
    await this.#parts?.resume();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#beginning?.catch(() => undefined);
    await this.#parts?.stop(deadline);
  }

  async #begin(): Promise<void> {
    const parts = new Lifecycle(await this.#create());
    parts.pause();
    this.#parts = parts;
    await parts.start();
    if (!this.#isPaused) await parts.resume();
  }
}
