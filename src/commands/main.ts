import { Command, CommanderError } from 'commander';
import { versionText } from '../config/version.js';
import { asPlainviewError, terminalMessage } from '../errors/errors.js';

interface Lazy {
  /** For the list of the commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}
/** Each is loaded only when it is called: all of them take half a second. In the order of the list. */
const commands = new Map<string, Lazy>(
  Object.entries({
    serve: {
      summary: 'run the service for an Orthanc',
      load: async () => (await import('./serve.js')).serveCommand(),
    },
    work: {
      summary: 'share the work of the services on a database',
      load: async () => (await import('./serve.js')).workCommand(),
    },
    label: {
      summary: 'classify pictures',
      load: async () => (await import('./label.js')).labelCommand(),
    },
    evaluate: {
      summary: 'measure a network on pictures whose categories are known',
      load: async () => (await import('./evaluate.js')).evaluateCommand(),
    },
    train: {
      summary: 'train a network of your own on what people have decided',
      load: async () => (await import('./train.js')).trainCommand(),
    },
    model: {
      summary: 'fetch the published network, show networks, try one',
      load: async () => (await import('./model.js')).modelCommand(),
    },
    network: {
      summary: 'show the networks of the running service, and switch between them',
      load: async () => (await import('./network.js')).networkCommand(),
    },
    sweep: {
      summary: 'search the archive for radiographs without a decision',
      load: async () => (await import('./sweep.js')).sweepCommand(),
    },
    find: {
      summary: 'list decided radiographs without patient data, or copy them',
      load: async () => (await import('./find.js')).findCommand(),
    },
    report: {
      summary: 'count radiographs with missing or wrong DICOM attributes',
      load: async () => (await import('./report.js')).reportCommand(),
    },
    'export-corrections': {
      summary: 'write the pictures about which people have decided, under pseudonyms',
      load: async () => (await import('./export-corrections.js')).exportCorrectionsCommand(),
    },
    failures: {
      summary: 'list the instances that could not be classified',
      load: async () => (await import('./failures.js')).failuresCommand(),
    },
    reclassify: {
      summary: 'have instances classified again',
      load: async () => (await import('./reclassify.js')).reclassifyCommand(),
    },
    rules: {
      summary: 'check and test the routing rules, and send again',
      load: async () => (await import('./rules.js')).rulesCommand(),
    },
    tags: {
      summary: 'manage what PLAINVIEW_TAGS has written into DICOM files',
      load: async () => (await import('./tags.js')).tagsCommand(),
    },
    store: {
      summary: 'manage the state that Plainview keeps',
      load: async () => (await import('./store.js')).storeCommand(),
    },
    token: {
      summary: 'create a token for the API',
      load: async () => (await import('./token.js')).tokenCommand(),
    },
    explorer2: {
      summary: 'print a configuration for Orthanc Explorer 2',
      load: async () => (await import('./explorer2.js')).explorer2Command(),
    },
    ohif: {
      summary: "print a configuration for Orthanc's OHIF plugin",
      load: async () => (await import('./ohif.js')).ohifCommand(),
    },
    setup: {
      summary: 'prepare this machine for an Orthanc that there is',
      load: async () => (await import('./setup.js')).setupCommand(),
    },
    doctor: {
      summary: 'examine this installation, and change nothing',
      load: async () => (await import('./doctor.js')).doctorCommand(),
    },
    options: {
      summary: 'list every option of the service',
      load: async () => (await import('./options.js')).optionsCommand(),
    },
  }),
);

/**
 * Help, man page and completion are made of it.
 * @param wanted the commands with their options; of the others only name and summary. Default: all with options
 */
export async function createProgram(wanted: Iterable<string> = commands.keys()): Promise<Command> {
  const program = new Command('plainview')
    .description('name the body part and projection of plain radiographs')
    .version(versionText);
  const complete = new Set(wanted);
  for (const [name, { summary, load }] of commands)
    program.addCommand((complete.has(name) ? await load() : new Command(name)).summary(summary));
  return program;
}

/** Runs one command line. Sets the exit status: 0 success, 1 failure, 2 wrong call or wrong configuration. */
export async function runCommandLine(args: string[]): Promise<void> {
  // `plainview help label` is about `label` too.
  const program = await createProgram(args.slice(0, args[0] === 'help' ? 2 : 1));
  throwInsteadOfExit(program);
  // The reader may close the pipe early (`| head`). That is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
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
