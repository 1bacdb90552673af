// Builds dist/ from src/: TypeScript compiles the program, scripts/build-review.mjs bundles the review page.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [source, built] = [join(root, 'src'), join(root, 'dist')];

try {
  accessSync(existsSync(built) ? built : root, constants.W_OK);
} catch (error) {
  console.error(`Plainview cannot be built: ${error.message}. Make the folder writable.`);
  process.exit(1);
}
runOrExit(join(root, 'node_modules', '.bin', 'tsc'), '-p', 'tsconfig.build.json');
runOrExit(process.execPath, join('scripts', 'build-review.mjs'));
removeStale();
writeFileSync(join(built, 'build.json'), `${JSON.stringify({ commit: commitOf() })}\n`);
// npx may still have a link to this file from an earlier version. It sets the executable bit only when it makes the link.
const cli = join(built, 'cli.js');
const { mode } = statSync(cli);
chmodSync(cli, mode | ((mode & 0o444) >> 2));

/** Of a checkout, from git; else from the environment, as in the Dockerfile. Undefined where neither knows it. */
function commitOf() {
  const git = spawnSync('git', ['describe', '--always', '--abbrev=12', '--dirty', '--exclude=*'], {
    cwd: root,
    encoding: 'utf8',
  });
  // A copy without `.git` can lie in another project's checkout, whose commit says nothing about it.
  const isCheckout = existsSync(join(root, '.git')) && git.status === 0;
  return (isCheckout && git.stdout.trim()) || process.env.SOURCE_COMMIT || undefined;
}

/** Deletes output of deleted sources, which TypeScript keeps. All other files stay, because a service may use them. */
function removeStale() {
  for (const file of readdirSync(built, { recursive: true })) {
    const module = /^(.*)\.js(\.map)?$/.exec(file)?.[1];
    if (module === undefined || module.startsWith(`review${sep}`)) continue;
    if (!existsSync(join(source, `${module}.ts`))) rmSync(join(built, file));
  }
}

function runOrExit(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
