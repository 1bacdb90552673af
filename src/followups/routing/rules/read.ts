import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { stateLabels } from '../../../decisions/state-labels.js';
import { createError } from '../../../errors/errors.js';
import { type Path, problemsOf, readYaml, type YamlDocument } from '../../../files/yaml.js';
import type { KnownDestinations } from '../../../orthanc/forwarder.js';
import { matchesWildcards } from '../../../orthanc/wildcards.js';
import type { Webhook } from '../../../webhook/client.js';
import { routeLabels } from '../routes-record.js';
import { type NamesInFile, namesInFile, type RulesFile, rulesFile, targetsOf } from './schema.js';

export interface Rules extends Omit<RulesFile, 'webhooks'> {
  file: string;
  /** The version of the file: the beginning of its SHA-256. */
  sha256: string;
  webhooks: ReadonlyMap<string, Webhook>;
  lineOf: YamlDocument['lineOf'];
}

type AddProblem = (path: Path, problem: string) => void;

/**
 * Reads a file of rules (YAML) and the files that it names.
 * @param categories those of the network, and the others that a person can choose
 * @throws rules_invalid with every mistake and its line
 */
export function readRules(file: string, categories: readonly string[]): Rules {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw createError('rules_invalid', { file, problems: [(error as Error).message] }, error);
  }
  const yaml = readYaml(text);
  if (yaml.errors.length > 0) throw createError('rules_invalid', { file, problems: yaml.errors });
  const problems: string[] = [];
  const addProblem: AddProblem = (path, what) => problems.push(`${yaml.placeOf(path)}: ${what}`);
  const parsed = rulesFile.safeParse(yaml.content);
  if (parsed.error) for (const wrong of problemsOf(parsed.error)) addProblem(wrong.path, wrong.problem);
  const names = namesInFile.parse(yaml.content);
  checkNames(names, categories, addProblem);
  const webhooks = readWebhooks(names, dirname(file), addProblem);
  if (!parsed.success || problems.length > 0) throw createError('rules_invalid', { file, problems });
  const sha256 = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { ...parsed.data, file, sha256, webhooks, lineOf: yaml.lineOf };
}

/** @throws rules_invalid where the rules have a destination that is not in Orthanc's configuration */
export function requireKnownDestinations(rules: Rules, known: KnownDestinations): void {
  const problems = unknownDestinations(rules, known);
  if (problems.length > 0) throw createError('rules_invalid', { file: rules.file, problems });
}

/** @returns a sentence for each destination that is not in Orthanc's configuration */
export function unknownDestinations(rules: Rules, known: KnownDestinations): string[] {
  const places = { peer: 'OrthancPeers', modality: 'DicomModalities', dicomweb: 'DicomWeb.Servers' };
  const problems: string[] = [];
  const all = [
    ...rules.rules.map((rule, index) => ({ rule, path: ['rules', index] })),
    ...(rules.studies?.rules ?? []).map((rule, index) => ({ rule, path: ['studies', 'rules', index] })),
  ];
  for (const { rule, path } of all)
    for (const { kind, name } of targetsOf(rule)) {
      if (kind === 'webhook' || known[kind].includes(name)) continue;
      const has = known[kind].length > 0 ? `it knows ${known[kind].join(', ')}` : 'it knows none';
      problems.push(
        `${rules.lineOf([...path, 'do', kind])}, rule ${rule.name}: Orthanc's configuration has no ${kind} ${name} in ${places[kind]} (${has})`,
      );
    }
  return problems;
}

/** Checks what a schema cannot express: names that must be unique, or must exist. */
function checkNames(
  { rules, studies, webhooks }: NamesInFile,
  categories: readonly string[],
  addProblem: AddProblem,
): void {
  const reserved = [...categories, ...Object.values(stateLabels), ...Object.values(routeLabels)];
  const all = [
    ...rules.map((rule, index) => ({ rule, path: ['rules', index] })),
    ...studies.rules.map((rule, index) => ({ rule, path: ['studies', 'rules', index] })),
  ];
  for (const [index, { rule, path }] of all.entries()) {
    const first = all.findIndex((each) => each.rule.name === rule.name);
    if (rule.name !== undefined && first < index)
      addProblem([...path, 'name'], `there is another rule ${rule.name}`);
    for (const at of ['when', 'unless'] as const)
      for (const [condition, patterns = []] of Object.entries(rule[at] ?? {}))
        for (const category of patterns)
          if (!categories.some((name) => matchesWildcards(category, name)))
            addProblem(
              [...path, at, condition],
              `there is no category ${category}: not of the network, and no view that a person can choose`,
            );
    for (const label of rule.do.label ?? [])
      if (reserved.includes(label))
        addProblem([...path, 'do', 'label'], `${label} is a label of Plainview's own: name it otherwise`);
    for (const name of rule.do.webhook ?? [])
      if (!Object.hasOwn(webhooks, name))
        addProblem([...path, 'do', 'webhook'], `there is no ${name} under webhooks`);
  }
}

function readWebhooks(file: NamesInFile, folder: string, addProblem: AddProblem): Map<string, Webhook> {
  const read = (name: string, key: 'secretFile' | 'caFile', path: string): Buffer => {
    try {
      return readFileSync(resolve(folder, path));
    } catch (error) {
      addProblem(['webhooks', name, key], (error as Error).message);
      return Buffer.alloc(0);
    }
  };
  const webhooks = new Map<string, Webhook>();
  for (const [name, webhook] of Object.entries(file.webhooks)) {
    if (webhook === undefined) continue;
    const { url, secretFile, caFile } = webhook;
    const before = read(name, 'secretFile', secretFile);
    const text = before.toString('utf8').trim();
    const secret = Buffer.from(text.replace(/^whsec_/, ''), 'base64');
    if (before.length > 0 && (secret.length < 24 || !/^(whsec_)?[A-Za-z0-9+/]+=*$/.test(text)))
      addProblem(
        ['webhooks', name, 'secretFile'],
        `${secretFile} must hold 24 random bytes or more in base64, as openssl rand -base64 32 makes them`,
      );
    webhooks.set(name, {
      url,
      secret,
      ...(caFile === undefined ? {} : { ca: read(name, 'caFile', caFile) }),
    });
  }
  return webhooks;
}
