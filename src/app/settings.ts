import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Classifier } from '../classify/classifier.js';
import { type Config, type OptionName, variableOf } from '../config/options.js';

/** What decides how a radiograph is classified and recorded, and whose archive it is. */
const ofWork: readonly OptionName[] = [
  'orthancUrl',
  'secret',
  'inputLayer',
  'outputLayer',
  'precision',
  'threshold',
  'margin',
  'unknownBelow',
  'modalities',
  'multiframe',
  'maxMegapixels',
  'rendering',
  'labelPrefix',
  'orientation',
  'side',
  'orderWords',
  'viewsFile',
  'report',
  'tags',
  'rulesFile',
];
/** And what a process needs that may lead. */
const ofLeading: readonly OptionName[] = [
  'tokensFile',
  'oidcIssuer',
  'oidcAudience',
  'oidcRoles',
  'oidcRoleClaim',
  'oidcNameClaim',
  'oidcSignIn',
  'hangingFile',
  'sweep',
  'sweepHours',
  'driftWebhook',
];
/** Of these the content is compared: the machines may keep them in different places. */
const files: ReadonlySet<OptionName> = new Set([
  'orderWords',
  'viewsFile',
  'rulesFile',
  'tokensFile',
  'hangingFile',
]);

/**
 * What all processes of an archive must have alike: a fingerprint for each variable. It is so short that nobody can find
 * out a secret from it, and two values are rarely alike.
 */
export function settingsOf(
  config: Config,
  { network, shadow }: Pick<Classifier, 'network' | 'shadow'>,
  mayLead: boolean,
): Record<string, string> {
  const contentOf = (name: OptionName): unknown => {
    const value = config[name];
    return typeof value === 'string' && files.has(name) ? readFileSync(value, 'utf8') : value;
  };
  const names = mayLead ? [...ofWork, ...ofLeading] : ofWork;
  return {
    ...Object.fromEntries(names.map((name) => [variableOf(name), fingerprint(contentOf(name))])),
    [variableOf('network')]: fingerprint([
      network.sha256,
      network.classes,
      ...(network.form === undefined ? [] : [network.form]),
    ]),
    [variableOf('shadowNetwork')]: fingerprint(shadow?.network?.sha256),
  };
}

const fingerprint = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex')
    .slice(0, 4);

/** @returns the variables that differ, of those that both have */
export const differing = (one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>) =>
  Object.keys(one).filter((name) => name in other && one[name] !== other[name]);
