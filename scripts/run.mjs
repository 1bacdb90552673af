// npm's scripts run this file. A new clone has no dependencies yet, so it uses none. It installs and builds if
// necessary, and runs the task:  node scripts/run.mjs <start|demo|test|bench:…> [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);

/** The commands of each task, in order. They run after the build. */
const tasks = {
  start: (args) => [['node', 'dist/sandbox/start.js', ...args]],
  demo: (args) => [['node', 'dist/sandbox/demo.js', ...args]],
  'bench:backlog': (args) => [[bin('tsx'), 'bench/backlog.ts', ...args]],
  'bench:drift': (args) => [[bin('tsx'), 'bench/drift.ts', ...args]],
  'bench:engines': (args) => [[bin('tsx'), 'bench/engines.ts', ...args]],
  'bench:learn': (args) => [[bin('tsx'), 'bench/learn.ts', ...args]],
  'bench:train': (args) => [[bin('tsx'), 'bench/train.ts', ...args]],
  'bench:label': (args) => [[bin('tsx'), 'bench/label.ts', ...args]],
  'bench:review': (args) => [[bin('tsx'), 'bench/review.ts', ...args]],
  'bench:shared': (args) => [[bin('tsx'), 'bench/shared.ts', ...args]],
  'bench:start': (args) => [[bin('tsx'), 'bench/start.ts', ...args]],
  'bench:store': (args) => [[bin('tsx'), 'bench/store.ts', ...args]],
  'bench:tags': (args) => [[bin('tsx'), 'bench/tags.ts', ...args]],
  'bench:study': (args) => [[bin('tsx'), 'bench/large-study.ts', ...args]],
  release: (args) => [[bin('tsx'), 'scripts/release/main.ts', ...args]],
  chaos: (args) => [[bin('tsx'), 'chaos/main.ts', ...args]],
  test: (args) =>
    args.length > 0
      ? [[bin('vitest'), 'run', ...args]]
      : [
          [bin('tsc'), '-p', '.'],
          [bin('tsc'), '-p', 'src/review'],
          [bin('tsc'), '-p', 'test/unit/review'],
          [bin('biome'), 'check', '--error-on-warnings', '.'],
          [bin('vitest'), 'run'],
        ],
};

const [task, ...args] = process.argv.slice(2);
const commandsOf = tasks[task];
if (commandsOf === undefined)
  exit(`There is no task ${task ?? ''}. The tasks are ${Object.keys(tasks).join(', ')}.`, 2);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
// As `engines` in package.json, which npm only warns of.
const isSupported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
if (!isSupported)
  exit(
    `Plainview does not run on Node.js ${process.versions.node}. Install Node.js 22 or 24 (20.19 or newer also works).`,
    2,
  );

if (isInstallDue()) {
  console.error('Installing dependencies (once; some tens of seconds) …');
  runOrExit(['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
runOrExit(['node', 'scripts/build.mjs']);
const commands = commandsOf(args);
for (const command of commands.slice(0, -1)) runOrExit(command);
runLast(commands[commands.length - 1]);

/** npm writes what it installed into a file. If that is older than the lock file, an install is due. */
function isInstallDue() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  return (
    !existsSync(installed) || statSync(installed).mtimeMs < statSync(join(root, 'package-lock.json')).mtimeMs
  );
}

function runOrExit([command, ...rest]) {
  const { status, error } = spawnSync(command, rest, { cwd: root, stdio: 'inherit' });
  if (error) exit(`${command} cannot be run: ${error.message}`, 1);
  if (status !== 0) process.exit(status ?? 1);
}

/** Passes signals to the last command, and exits with its status. */
function runLast([command, ...rest]) {
  // Workers that it starts need not be compiled again: see worker-from-source.mjs.
  const env = { ...process.env, TEST_WORKER: 'built' };
  const child = spawn(command, rest, { cwd: root, stdio: 'inherit', env });
  // The child is in the same process group, so it gets Ctrl-C from the terminal. SIGTERM must be passed on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => exit(`${command} cannot be run: ${error.message}`, 1));
  child.on('exit', (status, signal) => process.exit(status ?? (signal ? 1 : 0)));
}

function exit(message, status) {
  console.error(message);
  process.exit(status);
}
