import { Command, CommanderError } from 'commander';
import { version } from '../config/version.js';
import type { ErrorCode } from '../errors/errors.js';
import { evaluateCommand } from './evaluate.js';
import { explorer2Command } from './explorer2.js';
import { failuresCommand } from './failures.js';
import { findCommand } from './find.js';
import { labelCommand } from './label.js';
import { modelCommand } from './model.js';
import { ohifCommand } from './ohif.js';
import { optionsCommand } from './options.js';
import { printError } from './print-error.js';
import { reclassifyCommand } from './reclassify.js';
import { rulesCommand } from './rules.js';
import { serveCommand } from './serve.js';
import { sweepCommand } from './sweep.js';
import { tagsCommand } from './tags.js';
import { tokenCommand } from './token.js';

/** Errors of the command line or the configuration. */
const wrongCalls: readonly ErrorCode[] = [
  'attribute_unknown',
  'config_invalid',
  'usage',
  'file_unreadable',
  'labels_invalid',
  'network_unreadable',
  'network_mismatch',
  'network_layer',
  'network_unsupported',
  'report_unwritable',
  'rules_invalid',
];

/** Runs one command line. Sets the exit status: 0 done, 1 failed, 2 wrongly called or configured. */
export async function runCommandLine(args: string[]): Promise<void> {
  const program = new Command('plainview')
    .description('names the body part and projection of plain radiographs')
    .version(version)
    .addCommand(serveCommand())
    .addCommand(labelCommand())
    .addCommand(evaluateCommand())
    .addCommand(modelCommand())
    .addCommand(sweepCommand())
    .addCommand(findCommand())
    .addCommand(failuresCommand())
    .addCommand(reclassifyCommand())
    .addCommand(rulesCommand())
    .addCommand(tagsCommand())
    .addCommand(tokenCommand())
    .addCommand(explorer2Command())
    .addCommand(ohifCommand())
    .addCommand(optionsCommand());
  throwInsteadOfExit(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (caught) {
    if (caught instanceof CommanderError) {
      // It has said what is wrong, or shown the help or the version that was asked for.
      process.exitCode = caught.exitCode === 0 ? 0 : 2;
      return;
    }
    process.exitCode = wrongCalls.includes(printError(caught).code) ? 2 : 1;
  }
}

/** Commander would exit with 1 where a command is wrongly called. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const each of command.commands) throwInsteadOfExit(each);
}
