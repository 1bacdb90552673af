import { readdir, stat } from 'node:fs/promises';
import { type Classifier, createClassifier, type Network } from '../classify/classifier.js';
import type { DecidingClassifier } from '../classify/deciding.js';
import { loadNetwork } from '../classify/network.js';
import type { Config } from '../config/options.js';
import type { NetworkEntry, NetworkList } from '../contract/networks.js';
import { asPlainviewError, createError } from '../errors/errors.js';
import type { Store } from '../store/store.js';
import { type Choice, readChoices, writeChoices } from './choice.js';
import {
  classifierOptions,
  folderName,
  networkFiles,
  networksFolder,
  serviceOptions,
  withNetwork,
} from './classifier-options.js';

interface Parts {
  config: Config;
  classifier: DecidingClassifier;
  store: Store;
  /** Throws where this site cannot use a network: its labels, rules or hanging protocols do not fit. */
  check: (network: Network) => void;
  onSwitched: () => void;
  /** Other than the default in tests alone. */
  load?: (name: string, cancelled: AbortSignal) => Promise<Classifier>;
}

/** Within which a network must be loaded and tested, milliseconds. */
const longestLoadMs = 120_000;

/** Which networks there are, which one decides, and the switch to another one while the service runs. */
export class Networks {
  readonly #parts: Parts;
  readonly #load: NonNullable<Parts['load']>;
  readonly #stopped = new AbortController();
  #isSwitching = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#load =
      parts.load ?? ((name, cancelled) => createClassifier(serviceOptions(parts.config, name), cancelled));
  }

  /** A network that is being loaded is not waited for. */
  stop(): void {
    this.#stopped.abort();
  }

  /** @throws state_damaged, state_unusable */
  async list(): Promise<NetworkList> {
    const { config } = this.#parts;
    const choices = await this.#choices();
    const last = choices.at(-1);
    const deciding = last?.name ?? config.network;
    const networks = (await this.#names()).map((name) => this.#entry(name, name === deciding));
    return {
      networks: await Promise.all(networks),
      ...(last === undefined
        ? {}
        : {
            chosen: { who: last.who, when: last.when },
            before: choices.at(-2)?.name ?? config.network,
          }),
    };
  }

  /**
   * From now on this network decides, also after a restart. It is loaded and tested beside the one in use.
   * @throws network_shared, network_unknown, network_refused, busy; state_… where the choice cannot be kept. Nothing is changed then.
   */
  async use(name: string, who: string): Promise<NetworkList> {
    return this.#alone(async (choices) => {
      const known = await this.#names();
      if (!known.includes(name)) throw createError('network_unknown', { name, known });
      // Chosen once more, with other files or thresholds, it is one step.
      const before = choices.at(-1)?.name === name ? choices.slice(0, -1) : choices;
      await this.#switchTo(name, (sha256) => [
        ...before,
        { name, sha256, who, when: new Date().toISOString() },
      ]);
    });
  }

  /** Back to the network that decided before the last choice. @throws as `use` does; network_first */
  async back(): Promise<NetworkList> {
    return this.#alone(async (choices) => {
      const left = choices.slice(0, -1);
      if (left.length === choices.length) throw createError('network_first', {});
      await this.#switchTo(left.at(-1)?.name ?? this.#parts.config.network, () => left);
    });
  }

  /** One switch at a time. */
  async #alone(task: (choices: readonly Choice[]) => Promise<void>): Promise<NetworkList> {
    if (this.#parts.config.databaseUrl !== undefined) throw createError('network_shared', {});
    if (this.#isSwitching) throw createError('busy', {});
    this.#isSwitching = true;
    try {
      await task(await this.#choices());
    } finally {
      this.#isSwitching = false;
    }
    return this.list();
  }

  /** The choice is kept before it takes effect: a kill in between changes nothing, or is a restart after the switch. */
  async #switchTo(name: string, chosen: (sha256: string) => readonly Choice[]): Promise<void> {
    const { classifier, check, store, onSwitched } = this.#parts;
    const refuse = (caught: unknown) =>
      createError('network_refused', { name, why: asPlainviewError(caught).message }, caught);
    const cancelled = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(longestLoadMs)]);
    if (cancelled.aborted) throw createError('classifier_closed', {});
    const next = await this.#load(name, cancelled).catch((caught: unknown) => {
      throw refuse(caught);
    });
    try {
      try {
        check(next.network);
      } catch (caught) {
        throw refuse(caught);
      }
      await writeChoices(store, chosen(next.network.sha256));
    } catch (error) {
      await next.close();
      throw error;
    }
    classifier.replace(next);
    onSwitched();
  }

  async #choices(): Promise<readonly Choice[]> {
    const { config, store } = this.#parts;
    return config.databaseUrl === undefined ? readChoices(store) : [];
  }

  async #names(): Promise<string[]> {
    const { network, shadowNetwork, stateDir } = this.#parts.config;
    const isFetched = await stat(networkFiles({ network: 'nncpr', labels: undefined }).graph).then(
      () => true,
      () => false,
    );
    const folders = await readdir(networksFolder(stateDir), { withFileTypes: true }).catch(() => []);
    const own = folders.filter((each) => each.isDirectory() && folderName.test(each.name));
    return [
      ...new Set([
        'embedded',
        ...(isFetched ? ['nncpr'] : []),
        ...own.map(({ name }) => name).sort(),
        network,
        ...(shadowNetwork === undefined ? [] : [shadowNetwork]),
      ]),
    ];
  }

  async #entry(name: string, decides: boolean): Promise<NetworkEntry> {
    const { config, classifier } = this.#parts;
    const isShadow = name === config.shadowNetwork;
    const source = classifierOptions(name === config.network ? config : withNetwork(config, name));
    try {
      // The file of the one that decides may have been replaced since it was loaded.
      const network = decides ? classifier.network : (await loadNetwork(source)).network;
      const { mtime } = await stat(source.graph);
      return {
        name,
        title: network.name,
        sha256: network.sha256,
        purpose: network.purpose,
        classes: [...network.classes],
        when: mtime.toISOString(),
        decides,
        isShadow,
      };
    } catch (caught) {
      return { name, classes: [], decides, isShadow, problem: asPlainviewError(caught).message };
    }
  }
}
