import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { asPlainviewError, createError } from '../errors/errors.js';
import { placeFile } from '../files/place.js';
import { declaredMetadata, requireCapabilities } from '../orthanc/capabilities.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { type Change, planSetup } from '../setup/plan.js';
import { showChange } from '../setup/show.js';

interface Given {
  folder: string;
  state: string;
  user: string;
  orthancUser: string;
  orthancConfiguration?: string;
  systemd?: string;
  dryRun?: boolean;
  yes?: boolean;
}

const orthancFolder = '/etc/orthanc';
const systemdFolder = '/etc/systemd/system';

export const setupCommand = () =>
  new Command('setup')
    .description(
      'prepare this machine for an Orthanc that there is: secrets, environment file, lines of its configuration; shows each change, and asks before it writes',
    )
    .option('--folder <folder>', 'folder of the environment file and of the secrets', '/etc/plainview')
    .option('--state <folder>', 'state folder of the service', '/var/lib/plainview')
    .option('--user <user>', 'user of the service', 'plainview')
    .option('--orthanc-user <user>', 'user of Orthanc', 'orthanc')
    .option(
      '--orthanc-configuration <path>',
      `configuration of Orthanc, a file or a folder (${orthancFolder}, if it is there); without one, its lines are shown`,
    )
    .option('--systemd <folder>', `folder of systemd's units (${systemdFolder}, if it is there)`)
    .option('--dry-run', 'show the changes, and write nothing')
    .option('-y, --yes', 'do not ask')
    .action(async (given: Given) => {
      const { env } = process;
      const config = loadConfig(env);
      console.log(await whatAnswers(config));
      const orthancConfiguration = given.orthancConfiguration ?? ifThere(orthancFolder);
      const systemd = given.systemd ?? ifThere(systemdFolder);
      const { changes, secrets, linesForOrthanc } = planSetup({
        env,
        orthancUrl: config.orthancUrl.join(','),
        folder: given.folder,
        stateDir: given.state,
        user: given.user,
        orthancUser: given.orthancUser,
        ...(orthancConfiguration === undefined ? {} : { orthancConfiguration }),
        ...(systemd === undefined ? {} : { systemd }),
      });
      if (linesForOrthanc !== undefined)
        console.log(
          `\nThe configuration of Orthanc is not on this machine. Add there, with lua/plainview.lua at that path (orthanc/README.md):\n${linesForOrthanc}\nAnd give its environment the secret below as PLAINVIEW_SECRET_FILE, and PLAINVIEW_HOOK_URL=http://<this machine>:${config.port}/hook.`,
        );
      if (changes.length === 0) return console.log('\nEverything is in place. Nothing was changed.');
      for (const change of changes) console.log(`\n${showChange(change, secrets)}`);
      if (given.dryRun === true) return console.log('\nNothing was changed (--dry-run).');
      if (given.yes !== true && !(await agrees(`\nWrite these ${changes.length} files? [y/N] `))) {
        process.exitCode = 1;
        return console.log('Nothing was changed.');
      }
      const groups = groupsOf(changes);
      for (const { path, content, mode, reader, before } of changes) {
        // An administrator can go back to it.
        if (before !== undefined && !existsSync(`${path}.before-plainview`))
          await place(`${path}.before-plainview`, before, { mode: 0o600, group: undefined });
        await place(path, content, {
          mode,
          group: reader === undefined ? undefined : groups.get(reader),
        });
      }
      console.log(
        `\n${changes.length} files are written. Now restart Orthanc (systemctl daemon-reload && systemctl restart orthanc), start the service, and run \`plainview doctor\` with the environment ${given.folder}/env.`,
      );
    });

/** @throws setup_unwritable */
const place: typeof placeFile = (path, ...what) =>
  placeFile(path, ...what).catch((error: Error) => {
    throw createError('setup_unwritable', { file: path, why: error.message }, error);
  });

const ifThere = (folder: string): string | undefined => (existsSync(folder) ? folder : undefined);

/** One that is stopped can be set up, too. @throws orthanc_not_ready where no line of its configuration would help */
async function whatAnswers(config: Config): Promise<string> {
  const orthanc = new Orthanc({ ...config, orthancRetries: 0 });
  try {
    const system = await orthanc.system();
    requireCapabilities({ ...system, UserMetadata: declaredMetadata, OverwriteInstances: true });
    return `Orthanc ${system.Version} answers at ${config.orthancUrl[0]}.`;
  } catch (caught) {
    const error = asPlainviewError(caught);
    if (error.code === 'orthanc_not_ready' || error.code === 'internal') throw error;
    return `${error.message} Setup goes on without it.`;
  } finally {
    orthanc.close();
  }
}

async function agrees(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw createError('usage', {
      problem: 'standard input is no terminal, so nobody can be asked: give --yes, or --dry-run',
    });
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}

/** The numeric groups of the users that may read a file. Before anything is written. @throws usage where there is no such user */
function groupsOf(changes: readonly Change[]): Map<string, number> {
  const readers = new Set(changes.flatMap(({ reader }) => reader ?? []));
  return new Map(
    [...readers].map((user) => {
      try {
        return [
          user,
          Number(execFileSync('id', ['-g', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
        ];
      } catch (error) {
        const problem = `there is no user ${user} on this machine: make it, or name another one with --user or --orthanc-user`;
        throw createError('usage', { problem }, error);
      }
    }),
  );
}
