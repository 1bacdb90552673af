import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { shipped } from '../../../src/files/places.js';

export const read = (path: string): string => readFileSync(shipped(path), 'utf8');

const healthcheck = z.object({ test: z.array(z.string()).min(2) });
const service = z.object({
  image: z.string().optional(),
  build: z.object({ target: z.string() }).optional(),
  profiles: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z
    .array(z.union([z.string(), z.object({ source: z.string(), target: z.string() })]))
    .default([])
    .transform((secrets) =>
      secrets.map((secret) => (typeof secret === 'string' ? { source: secret, target: secret } : secret)),
    ),
  networks: z.union([
    z.array(z.string()).transform((names) => names.map((name) => ({ name, aliases: [] as string[] }))),
    z
      .record(z.string(), z.object({ aliases: z.array(z.string()).default([]) }))
      .transform((networks) => Object.entries(networks).map(([name, rest]) => ({ name, ...rest }))),
  ]),
  ports: z.array(z.string()).default([]),
  volumes: z
    .array(z.string())
    .default([])
    .transform((volumes) =>
      volumes.map((volume) => {
        const [source = '', target = '', mode = 'rw'] = volume.split(':');
        return { source, target, mode };
      }),
    ),
  healthcheck: healthcheck.optional(),
  read_only: z.boolean().default(false),
  tmpfs: z.array(z.string()).default([]),
  restart: z.string().optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  deploy: z
    .object({
      replicas: z.number().optional(),
      resources: z
        .object({
          reservations: z.object({
            devices: z.array(z.object({ driver: z.string(), capabilities: z.array(z.string()) })),
          }),
        })
        .optional(),
    })
    .optional(),
});

const composeFile = z.object({
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) }).nullable()),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
});
export type Service = z.output<typeof service>;
export type ComposeFile = z.output<typeof composeFile>;

/** A compose file with the default values of its variables. */
const readCompose = (path: string): ComposeFile =>
  composeFile.parse(
    parse(
      read(path).replace(/\$\{\w+:-([^}]*)\}/g, (_, byDefault: string) => byDefault),
      { merge: true },
    ),
  );

export const compose = readCompose('docker-compose.yml');
/** Several Orthancs and services. */
export const composeScale = readCompose('docker-compose.scale.yml');

export interface Stage {
  name: string;
  from: string;
  steps: { instruction: string; rest: string }[];
}

/** The Dockerfile's stages. A step over several lines is one step. */
export const stages: readonly Stage[] = readStages(read('Dockerfile'));

function readStages(text: string): Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const found: Stage[] = [];
  for (const line of lines) {
    const [instruction = '', ...words] = line.trim().split(/\s+/);
    const rest = words.join(' ');
    if (instruction === 'FROM') {
      const [from = '', , name = ''] = words;
      found.push({ name, from, steps: [] });
    } else found.at(-1)?.steps.push({ instruction, rest });
  }
  return found;
}

export function stageNamed(name: string): Stage {
  const stage = stages.find((candidate) => candidate.name === name);
  if (!stage) throw new Error(`the Dockerfile has no stage ${name}`);
  return stage;
}

/** The arguments of all steps with this instruction, in the stage and in its base stages. */
export function stepsOf(name: string, instruction: string): string[] {
  const stage = stageNamed(name);
  const below = stages.some((candidate) => candidate.name === stage.from)
    ? stepsOf(stage.from, instruction)
    : [];
  const own = stage.steps.filter((step) => step.instruction === instruction).map(({ rest }) => rest);
  return [...below, ...own];
}

/** The environment of an image. */
export const imageEnvironment = (name: string): Record<string, string> =>
  Object.fromEntries(
    stepsOf(name, 'ENV')
      .flatMap((rest) => rest.split(' '))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );

/** Whether Docker sends a file to the build. The last line of .dockerignore that matches it or its folder decides. */
export function isSent(path: string): boolean {
  let isIgnored = false;
  for (const line of read('.dockerignore').split('\n')) {
    const rule = line.trim().replace(/^!/, '');
    if (rule === '' || rule.startsWith('#')) continue;
    const pattern = rule
      .split('/')
      .map((part) => part.replace(/[.+^$()|{}]/g, '\\$&').replace(/\*/g, '[^/]*'))
      .join('/');
    if (new RegExp(`^${pattern}(/|$)`).test(path)) isIgnored = !line.trim().startsWith('!');
  }
  return !isIgnored;
}
