import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config/options.js';
import { FolderStore } from '../store/folder-store.js';
import type { Store } from '../store/store.js';
import { type NetworkFiles, networkFiles, withNetwork } from './classifier-options.js';

const choice = z.object({
  name: z.string(),
  /** Of the frozen graph, as it was when it was chosen. */
  sha256: z.string(),
  who: z.string(),
  /** ISO 8601, UTC. */
  when: z.string(),
});
export type Choice = z.output<typeof choice>;

const choices = z.object({ version: z.literal(1), chosen: z.array(choice) });

/** The document in the store. It belongs to one service: those that share a database all have PLAINVIEW_NETWORK. */
const document = 'chosen-network';
const mostKept = 20;

/** Networks that were chosen in place of PLAINVIEW_NETWORK, the last one last. @throws state_damaged, state_unusable */
export const readChoices = async (store: Store): Promise<readonly Choice[]> =>
  (await store.read(document, choices))?.chosen ?? [];

/** @throws state_unusable */
export const writeChoices = (store: Store, chosen: readonly Choice[]): Promise<void> =>
  store.write(document, { version: 1, chosen: chosen.slice(-mostKept) });

export const placeOfChoices = (stateDir: string): string => join(stateDir, `${document}.json`);

/**
 * The last choice, where there is one. Unlike the store, it does not make the state folder.
 * @throws state_damaged, state_unusable
 */
export async function lastChoice({
  stateDir,
  databaseUrl,
}: Pick<Config, 'stateDir' | 'databaseUrl'>): Promise<Choice | undefined> {
  if (databaseUrl !== undefined || !existsSync(placeOfChoices(stateDir))) return undefined;
  return (await readChoices(new FolderStore(stateDir))).at(-1);
}

/** The options with the network that the service on this state folder uses. @throws state_damaged, state_unusable */
export async function withNetworkInUse(config: Config): Promise<Config> {
  const chosen = (await lastChoice(config))?.name ?? config.network;
  return chosen === config.network ? config : withNetwork(config, chosen);
}

/** The files of that network. @throws state_damaged, state_unusable */
export const filesInUse = async (config: Config): Promise<NetworkFiles> =>
  networkFiles(await withNetworkInUse(config));
