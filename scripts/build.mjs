// Builds dist/ from src/: the program by TypeScript, the review page by scripts/build-review.mjs.
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
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
must(join(root, 'node_modules', '.bin', 'tsc'), '-p', 'tsconfig.build.json');
must(process.execPath, join('scripts', 'build-review.mjs'));
removeStale();
// An npx that was used here before runs this file, and sets this bit only the first time.
const cli = join(built, 'cli.js');
const { mode } = statSync(cli);
chmodSync(cli, mode | ((mode & 0o444) >> 2));

/** TypeScript leaves what it built from files that are gone. The rest stays: a service may run from it. */
function removeStale() {
  for (const file of readdirSync(built, { recursive: true })) {
    const module = /^(.*)\.js(\.map)?$/.exec(file)?.[1];
    if (module === undefined || module.startsWith(`review${sep}`)) continue;
    if (!existsSync(join(source, `${module}.ts`))) rmSync(join(built, file));
  }
}

function must(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
