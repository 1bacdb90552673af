// What a fresh clone runs first: plain JavaScript without dependencies. Installs and builds where that is due,
// then hands over.  node scripts/run.mjs <start|demo|test|bench:…> [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);

/** What each task runs once everything is built, one command after the other. */
const tasks = {
  start: (args) => [['node', 'dist/sandbox/start.js', ...args]],
  demo: (args) => [['node', 'dist/sandbox/demo.js', ...args]],
  'bench:label': (args) => [[bin('tsx'), 'bench/label.ts', ...args]],
  'bench:store': (args) => [[bin('tsx'), 'bench/store.ts', ...args]],
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
const plan = tasks[task];
if (plan === undefined) end(`No such task: ${task ?? ''}. There are: ${Object.keys(tasks).join(', ')}.`, 2);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
// As `engines` in package.json, which npm only warns of.
const isSupported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
if (!isSupported)
  end(
    `Plainview does not run on Node.js ${process.versions.node}. Install Node.js 22 or 24 (20.19 or newer also works).`,
    2,
  );

if (isInstallDue()) {
  console.error('Installing dependencies (once; some tens of seconds) …');
  must(['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
must(['node', 'scripts/build.mjs']);
const commands = plan(args);
for (const command of commands.slice(0, -1)) must(command);
handOver(commands[commands.length - 1]);

/** npm notes what it installed in a file of its own: older than the lock file, it is out of date. */
function isInstallDue() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  return (
    !existsSync(installed) || statSync(installed).mtimeMs < statSync(join(root, 'package-lock.json')).mtimeMs
  );
}

function must([command, ...rest]) {
  const { status, error } = spawnSync(command, rest, { cwd: root, stdio: 'inherit' });
  if (error) end(`${command} cannot be run: ${error.message}`, 1);
  if (status !== 0) process.exit(status ?? 1);
}

/** The last command gets our signals and gives its exit status. */
function handOver([command, ...rest]) {
  const child = spawn(command, rest, { cwd: root, stdio: 'inherit' });
  // Ctrl-C reaches the child by itself, being in our group; SIGTERM does not.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => end(`${command} cannot be run: ${error.message}`, 1));
  child.on('exit', (status, signal) => process.exit(status ?? (signal ? 1 : 0)));
}

function end(sentence, status) {
  console.error(sentence);
  process.exit(status);
}
