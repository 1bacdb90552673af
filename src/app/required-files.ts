import { openId } from '../access/openid.js';
import { readTokens } from '../access/tokens.js';
import { Categories } from '../anatomy/categories.js';
import type { Network } from '../classify/network.js';
import type { Config } from '../config/options.js';
import { readRules } from '../followups/routing/rules/read.js';
import { readProtocols } from '../hanging/file.js';
import { Words } from '../order-check/words.js';

/**
 * Checks what a service reads when it begins to work. A standby does so at its start: when it takes over, nobody may be
 * there to correct a mistake.
 * @param network that decides
 * @throws config_invalid, rules_invalid, network_unreadable
 */
export function requireFiles(config: Config, { classes, views }: Pick<Network, 'classes' | 'views'>): void {
  const categories = Categories.read(config.viewsFile);
  categories.declare(views);
  if (config.rulesFile !== undefined) readRules(config.rulesFile, [...categories.known(classes), ...classes]);
  readTokens(config.tokensFile);
  readProtocols(config.hangingFile, categories, classes);
  Words.read(categories, config.orderWords);
  openId(config);
}
