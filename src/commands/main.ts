import { Command, CommanderError } from 'commander';
import { versionText } from '../config/version.js';
import { asPlainviewError, terminalMessage } from '../errors/errors.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { explorer2Command } from './explorer2.js';
import { exportCorrectionsCommand } from './export-corrections.js';
import { failuresCommand } from './failures.js';
import { findCommand } from './find.js';
import { labelCommand } from './label.js';
import { modelCommand } from './model.js';
import { networkCommand } from './network.js';
import { ohifCommand } from './ohif.js';
import { optionsCommand } from './options.js';
import { reclassifyCommand } from './reclassify.js';
import { reportCommand } from './report.js';
import { rulesCommand } from './rules.js';
import { serveCommand, workCommand } from './serve.js';
import { setupCommand } from './setup.js';
import { storeCommand } from './store.js';
import { sweepCommand } from './sweep.js';
import { tagsCommand } from './tags.js';
import { tokenCommand } from './token.js';
import { trainCommand } from './train.js';

/** Every command with its options. Help, man page and completion are made of it. */
export const createProgram = (): Command =>
  new Command('plainview')
    .description('name the body part and projection of plain radiographs')
    .version(versionText)
    .addCommand(serveCommand())
    .addCommand(workCommand())
    .addCommand(labelCommand())
    .addCommand(evaluateCommand())
    .addCommand(trainCommand())
    .addCommand(modelCommand())
    .addCommand(networkCommand())
    .addCommand(sweepCommand())
    .addCommand(findCommand())
    .addCommand(reportCommand())
    .addCommand(exportCorrectionsCommand())
    .addCommand(failuresCommand())
    .addCommand(reclassifyCommand())
    .addCommand(rulesCommand())
    .addCommand(tagsCommand())
    .addCommand(storeCommand())
    .addCommand(tokenCommand())
    .addCommand(explorer2Command())
    .addCommand(ohifCommand())
    .addCommand(setupCommand())
    .addCommand(doctorCommand())
    .addCommand(optionsCommand());

/** Runs one command line. Sets the exit status: 0 success, 1 failure, 2 wrong call or wrong configuration. */
export async function runCommandLine(args: string[]): Promise<void> {
  const program = createProgram();
  throwInsteadOfExit(program);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (caught) {
    if (caught instanceof CommanderError) {
      // Commander has already printed the problem, the help or the version.
      process.exitCode = caught.exitCode === 0 ? 0 : 2;
      return;
    }
    console.error(terminalMessage(caught));
    process.exitCode = asPlainviewError(caught).exit;
  }
}

/** Without this, commander exits with status 1 after a wrong call. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const each of command.commands) throwInsteadOfExit(each);
}
