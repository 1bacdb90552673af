import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { describe as described } from '../../../scripts/release/commands.js';
import { addShare } from '../../../scripts/release/share.js';
import { createProgram } from '../../../src/commands/main.js';
import { options, variableOf } from '../../../src/config/options.js';
import { runCommand } from '../../../src/sandbox/command.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-share-'));
afterAll(() => rmSync(folder, { recursive: true }));
await addShare(folder, { version: '1.2.3', commit: 'abc', date: 1_700_000_000 });
const file = (...path: string[]) => join(folder, ...path);
const completion = {
  bash: file('bash-completion', 'completions', 'plainview'),
  zsh: file('zsh', 'vendor-completions', '_plainview'),
  fish: file('fish', 'vendor_completions.d', 'plainview.fish'),
};

async function completed(...words: string[]): Promise<string[]> {
  const script = `source '${completion.bash}'; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _plainview; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await runCommand('bash', ['-c', script, 'bash', ...words]);
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

test('bash completes commands, their commands, and options', async () => {
  expect(await completed('plainview', 'mod')).toEqual(['model']);
  expect(await completed('plainview', 'model', '')).toEqual(
    expect.arrayContaining(['fetch', 'info', 'check']),
  );
  expect(await completed('plainview', 'model', 'fetch', '--f')).toEqual(['--from']);
  expect(await completed('plainview', 'setup', '--dry-run', '--y')).toEqual(['--yes']);
  expect(await completed('plainview', 'no-such', 'doc')).toEqual(['doctor']);
});

test.for(['bash', 'zsh', 'fish'] as const)(
  '%s finds no mistake in its completion',
  async (shell, context) => {
    const checked = await runCommand(shell, ['-n', completion[shell]]);
    if (checked.status === null) return context.skip(`no ${shell} on this machine`);
    expect(checked).toMatchObject({ status: 0, stderr: '' });
  },
);

test('completion and man page name every command and option, and the page every variable', async () => {
  const page = gunzipSync(readFileSync(file('man', 'man1', 'plainview.1.gz'))).toString();
  for (const { path, options: flags } of described(await createProgram())) {
    const name = path.join(' ').replaceAll('-', '\\-');
    if (path.length > 0) expect(page).toContain(`.SS plainview ${name} `);
    for (const { names } of flags)
      for (const flag of names) expect(page).toContain(flag.replaceAll('-', '\\-'));
  }
  for (const name of Object.keys(options.shape))
    expect(page).toContain(`.B ${variableOf(name as keyof typeof options.shape)}\n`);
});

test('man sets the page without a complaint', async (context) => {
  const page = file('man', 'man1', 'plainview.1.gz');
  const { status, stdout, stderr } = await runCommand('man', [
    '--warnings=mac,char,font,missing,el,syntax',
    '-l',
    page,
  ]);
  if (status === null) return context.skip('no man on this machine');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('plainview model fetch');
});
