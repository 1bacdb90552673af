import { Categories } from '../anatomy/categories.js';
import { loadNetwork, type Network } from '../classify/network.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { asPlainviewError, createError } from '../errors/errors.js';
import { withNetworkInUse } from '../networks/choice.js';
import { classifierOptions } from '../networks/classifier-options.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { examineLabels, examineModalities } from './archive.js';
import { type Finding, finding, findingOf } from './findings.js';
import { examineDatabase, examineFolder, examineNode, examineSecrets } from './machine.js';
import { examineOrthanc } from './orthanc.js';
import { examineService } from './service.js';

export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** Throws where a file that an option names cannot be used. */
  requireFiles: (config: Config, network: Pick<Network, 'classes' | 'views'>) => void;
  /** Who asks, for the service. */
  who: string;
}

/** Examines an installation: configuration, machine, Orthanc, archive, service and hook. Changes nothing anywhere. */
export async function examine({ env, requireFiles, who }: Surroundings): Promise<Finding[]> {
  const found = examineNode();
  /** @returns undefined where it failed: then that is a finding */
  const attempt = async <T>(step: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (caught) {
      found.push(findingOf(asPlainviewError(caught)));
      return undefined;
    }
  };
  const note = async (step: () => Promise<Finding[]>) => found.push(...((await attempt(step)) ?? []));

  const config = await attempt(() => withSecret(loadConfig(env)));
  if (config === undefined) return [...found, finding('not_examined', {})];
  await note(() => examineSecrets(env));
  const network = await attempt(async () => {
    const { network } = await loadNetwork(classifierOptions(await withNetworkInUse(config)));
    if (network.purpose === 'research') found.push(finding('network_research', { network: network.name }));
    requireFiles(config, network);
    return network;
  });
  await note(() => examineFolder(config));
  const { databaseUrl } = config;
  if (databaseUrl !== undefined) await note(() => examineDatabase(databaseUrl));

  for (const url of config.orthancUrl) {
    // Each of several on its own. What would change something is refused.
    const orthanc = new Orthanc({ ...config, orthancUrl: [url], orthancRetries: 0, confirm: refuse });
    try {
      const isFirst = url === config.orthancUrl[0];
      const works = await attempt(() => examineOrthanc(orthanc, config));
      found.push(...(works ?? []));
      if (works === undefined) found.push(finding('not_examined', {}));
      else if (isFirst) {
        const categories = Categories.read(config.viewsFile);
        categories.declare(network?.views);
        const names = categories.known(network?.classes ?? []);
        await note(() => examineLabels(orthanc, config, names));
        await note(() => examineModalities(orthanc, config));
        await note(() => examineService(orthanc, config, who));
      }
    } finally {
      orthanc.close();
    }
  }
  return found;
}

/** A write would be a fault of the doctor. */
const refuse = (): Promise<never> =>
  Promise.reject(createError('internal', {}, new Error('the doctor writes')));

/** The service does not start without one. @throws config_invalid */
function withSecret(config: Config): Config {
  if (config.secret === undefined)
    throw createError('config_invalid', {
      problems: ['PLAINVIEW_SECRET, or PLAINVIEW_SECRET_FILE: must be set'],
    });
  return config;
}
