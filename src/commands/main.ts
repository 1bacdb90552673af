import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { asPlainview } from '../errors.js';
import { failuresCommand } from './failures.js';
import { labelCommand } from './label.js';
import { modelCommand } from './model.js';
import { optionsCommand } from './options.js';
import { reclassifyCommand } from './reclassify.js';
import { serveCommand } from './serve.js';
import { sweepCommand } from './sweep.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Runs one command line. Sets the exit status: 0 done, 1 failed, 2 wrongly called or configured. */
export async function runCommandLine(args: string[]): Promise<void> {
  const program = new Command('plainview')
    .description('names the body part and projection of plain radiographs')
    .version(version)
    .addCommand(serveCommand())
    .addCommand(labelCommand())
    .addCommand(modelCommand())
    .addCommand(sweepCommand())
    .addCommand(failuresCommand())
    .addCommand(reclassifyCommand())
    .addCommand(optionsCommand());
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (caught) {
    const error = asPlainview(caught);
    console.error(error.message);
    if (error.code === 'internal') console.error(error.cause);
    process.exitCode = error.code === 'config_invalid' || error.code === 'usage' ? 2 : 1;
  }
}
