// `npm run chaos [-- --only kills,proxy --scale 0.1 --seed 1 --full]`: causes failures on loopback and checks that no
// decision is lost. Each scenario prints a table. The exit status is 1 where an invariant is violated.
// `--shared` is `--only shared,deaths`: several services that share the work of one archive.
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { asPlainviewError } from '../src/errors/errors.js';
import { seeded } from '../testkit/random.js';
import { print, type Scenario } from './report.js';
import { burst } from './scenarios/burst.js';
import { changes } from './scenarios/changes.js';
import { database } from './scenarios/database.js';
import { deaths } from './scenarios/deaths.js';
import { flat } from './scenarios/flat.js';
import { freeze } from './scenarios/freeze.js';
import { histories } from './scenarios/histories.js';
import { interference } from './scenarios/interference.js';
import { kills } from './scenarios/kills.js';
import { night } from './scenarios/night.js';
import { power } from './scenarios/power.js';
import { proxy } from './scenarios/proxy.js';
import { shared } from './scenarios/shared.js';
import { twins } from './scenarios/twins.js';

const scenarios: Record<string, Scenario> = {
  kills,
  proxy,
  twins,
  shared,
  deaths,
  night,
  flat,
  burst,
  interference,
  database,
  freeze,
  changes,
  histories,
  power,
};
const names = Object.keys(scenarios);

const {
  only,
  scale,
  seed,
  full,
  shared: isShared,
} = z
  .object({
    only: z
      .string()
      .transform((text) => text.split(','))
      .pipe(z.array(z.enum(names)))
      .optional(),
    scale: z.coerce.number().min(0.001).max(10),
    seed: z.coerce.number().int().min(0),
    full: z.boolean(),
    shared: z.boolean(),
  })
  .parse(
    parseArgs({
      options: {
        only: { type: 'string' },
        scale: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        full: { type: 'boolean', default: false },
        shared: { type: 'boolean', default: false },
      },
    }).values,
  );

// The exit handlers kill the started processes.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

for (const name of only ?? (isShared ? ['shared', 'deaths'] : names)) {
  const log = (line: string) => console.error(`${name}: ${line}`);
  try {
    // Each scenario has its own seed, so that it does the same alone and after others.
    const report = await scenarios[name]?.({ random: seeded(seed), scale, full, log });
    if (report && !print(report)) process.exitCode = 1;
  } catch (caught) {
    console.error(`${name}:`, asPlainviewError(caught));
    process.exitCode = 1;
  }
}
