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

/** How each shell is asked. The functions of zsh that would show the candidates print them here. */
const ask = {
  bash: `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _plainview; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `_describe() { print -l -- \${candidates%%:*} }; _files() { }; compadd() { shift; print -l -- "$@" }
    words=("$@"); CURRENT=$#; source "$0"`,
  fish: `source $argv[1]; complete -C (string join -- ' ' $argv[2..]) | string replace -r '\\t.*' ''`,
};

async function completed(shell: keyof typeof ask, ...words: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await runCommand(shell, ['-c', ask[shell], completion[shell], ...words]);
  expect([status, stderr]).toEqual([0, '']);
  // What begins otherwise is left out by zsh itself.
  return stdout
    .trim()
    .split('\n')
    .filter((candidate) => candidate.startsWith(words.at(-1) ?? ''));
}

test.for(['bash', 'zsh', 'fish'] as const)(
  '%s completes commands, their commands, options and values',
  async (shell, context) => {
    if ((await runCommand(shell, ['--version'])).status === null)
      return context.skip(`no ${shell} on this machine`);
    expect(await completed(shell, 'plainview', 'mod')).toEqual(['model']);
    expect(await completed(shell, 'plainview', 'model', '')).toEqual(
      expect.arrayContaining(['fetch', 'info', 'check']),
    );
    expect(await completed(shell, 'plainview', 'model', 'fetch', '--f')).toEqual(['--from']);
    expect(await completed(shell, 'plainview', 'setup', '--dry-run', '--y')).toEqual(['--yes']);
    expect(await completed(shell, 'plainview', 'find', '--all', '--format', 't')).toEqual(['tsv']);
    expect(await completed(shell, 'plainview', 'no-such', 'doc')).toEqual(['doctor']);
  },
);

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
