import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createProgram } from '../../src/commands/main.js';
import { describe } from './commands.js';
import { bashCompletion, fishCompletion, zshCompletion } from './completion.js';
import type { Facts } from './facts.js';
import { manual } from './manual.js';

/** Man page and completion, at the places below /usr/share where man and the shells look for them. */
export async function addShare(folder: string, facts: Facts): Promise<void> {
  const commands = describe(await createProgram());
  const files = {
    'man/man1/plainview.1.gz': gzipSync(manual(commands, facts), { level: 9 }),
    'bash-completion/completions/plainview': bashCompletion(commands),
    'zsh/vendor-completions/_plainview': zshCompletion(commands),
    'fish/vendor_completions.d/plainview.fish': fishCompletion(commands),
  };
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
}
