import { join } from 'node:path';
import { Command } from 'commander';
import { type Classifier, createClassifier, type Network } from '../classify/classifier.js';
import { startWasm } from '../classify/engines/wasm.js';
import { FeatureCache } from '../classify/feature-cache.js';
import { readStartingNetwork, type StartingNetwork } from '../classify/starting-network.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { version } from '../config/version.js';
import { createError } from '../errors/errors.js';
import { readCategoryMap } from '../evaluate/category-map.js';
import type { UnreadPicture } from '../evaluate/evaluate-pictures.js';
import type { GroundTruth } from '../evaluate/ground-truth.js';
import { reportPage } from '../evaluate/html/page.js';
import { together, withMappedLabels } from '../evaluate/read-ground-truth.js';
import { reportOf } from '../evaluate/report.js';
import { thumbnailsOf } from '../evaluate/thumbnails.js';
import { cardOf, findings } from '../learn/card.js';
import { samplesOf } from '../learn/features.js';
import { graphOf, requireNewFolder, writeNetwork } from '../learn/new-network.js';
import { confidentDecisions } from '../learn/replay.js';
import type { Sample } from '../learn/sample.js';
import { fitCount, type Training, train } from '../learn/train.js';
import { withNetworkInUse } from '../networks/choice.js';
import { classifierOptions, networksFolder } from '../networks/classifier-options.js';
import { newName, requireNetworkName } from '../networks/new-name.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { integer } from './arguments.js';
import { concurrencyOf } from './concurrency.js';
import { type SourceOptions, withTruth } from './evaluate-source.js';
import { networkOptions } from './network-options.js';
import { progressBar } from './progress.js';

interface Options extends SourceOptions {
  network?: string;
  classes?: string;
  map?: string;
  out?: string;
  name?: string;
  replace?: true;
  anyway?: true;
  replay: number;
  newPictures: number;
  newPatients: number;
  seed: number;
  thumbnails: boolean;
}

/** Exit status: 0 if a network was written, 1 if not, 2 if the call or the configuration is wrong. */
export const trainCommand = () =>
  new Command('train')
    .description("make a better network from a site's own pictures whose categories are known")
    .argument('[labels]', 'labels file or folder, as for evaluate; with --orthanc too: both')
    .option('--orthanc', 'use the instances in Orthanc whose category a person has set or confirmed')
    .option(
      '--query <Tag=value...>',
      'with --orthanc: only instances with these DICOM attributes (StationName=ROOM*)',
    )
    .option('--from <date>', 'with --orthanc: only Study Dates from this day on (2026-01-31)')
    .option('--to <date>', 'with --orthanc: only Study Dates up to this day')
    .option(
      '--network <name>',
      'network to start from: embedded, nncpr, a name that plainview network list shows, or a frozen graph (.pb) (default: the one in use)',
    )
    .option(
      '--classes <file>',
      "file with the names of the graph's outputs, one per line (default: classes.txt in the graph's folder)",
    )
    .option(
      '--map <file>',
      "table with the columns label and category, which translates a site's own names of categories",
    )
    .option('--file-column <name>', 'column of the labels file that contains the paths', 'file')
    .option('--label-column <name>', 'column of the labels file that contains the categories', 'label')
    .option('--out <folder>', 'folder to write (default: networks/<name> in PLAINVIEW_STATE_DIR)')
    .option('--name <name>', "name of the new network (default: the old one's, with the date and time)")
    .option('--replace', 'replace a folder that is there already')
    .option('--anyway', 'write the network even if it is not better')
    .option(
      '--replay <n>',
      'with --orthanc: confident decisions of each category to replay, so that nothing is forgotten',
      integer(0),
      60,
    )
    .option('--new-pictures <n>', 'pictures from which a new name becomes a category', integer(2), 20)
    .option('--new-patients <n>', 'patients of whom these pictures must be', integer(2), 10)
    .option('--seed <n>', 'determines how patients are put into folds', integer(0), 1)
    .option('--no-thumbnails', 'leave the pictures out of the report')
    .addHelpText(
      'after',
      `
The folder then contains network.pb, classes.txt, network.json, card.md and report.html. Nothing uses the network until
plainview network use chooses it, or PLAINVIEW_NETWORK names it. PLAINVIEW_ENGINE and PLAINVIEW_WORKERS set the engine and the
processes.`,
    )
    .action(async (labels: string | undefined, options: Options) => {
      if (options.name !== undefined) requireNetworkName(options.name);
      const config: Config = {
        ...networkOptions(await withNetworkInUse(loadConfig(process.env)), options),
        // Features of all pictures must be alike, and those of int8 are others.
        precision: 'float32',
      };
      const start = await readStartingNetwork(classifierOptions(config));
      const when = new Date();
      const name = options.name ?? newName(start.network.name, when);
      const out = options.out ?? join(networksFolder(config.stateDir), name);
      await requireNewFolder(out, options.replace === true);
      await withTruths(labels, options, config, (found) =>
        trainAndWrite({ found, start, config, options, name, out, when }),
      );
    });

/** Reads pictures and labels from files, from an Orthanc, or from both. */
const withTruths = <T>(
  labels: string | undefined,
  options: Options,
  config: Config,
  use: (truth: GroundTruth) => Promise<T>,
): Promise<T> => {
  if (labels === undefined || options.orthanc !== true) return withTruth(labels, options, config, use);
  const { fileColumn, labelColumn } = options;
  return withTruth(labels, { fileColumn, labelColumn }, config, (files) =>
    withTruth(undefined, options, config, (corrected) => use(together(files, corrected))),
  );
};

/** A map can name categories that the network does not have yet. */
const anyName = { has: () => true };

interface Run {
  readonly found: GroundTruth;
  readonly start: StartingNetwork;
  readonly config: Config;
  readonly options: Options;
  readonly name: string;
  readonly out: string;
  readonly when: Date;
}

async function trainAndWrite({ found, start, config, options, name, out, when }: Run): Promise<void> {
  const { map, seed } = options;
  const base = start.network;
  const truth = map === undefined ? found : withMappedLabels(found, await readCategoryMap(map, anyName));
  const { samples, unread, engine } = await collected(truth, start, config, options);
  for (const { picture, error } of unread) console.error(`${picture.id}: ${error.message}`);
  const training = await fitted(start, samples, config, options);
  const { file, sha256 } = start.withLastLayer({ ...training.head, outputs: training.head.classes.length });
  const { objections } = training.verdict;
  const network: Network = {
    name,
    sha256,
    purpose: base.purpose === 'research' ? 'research' : 'unstated',
    classes: training.head.classes,
    thresholds: training.thresholds,
    note: `Trained by Plainview on ${training.used.person} pictures of ${training.used.patients} patients, from ${base.name} (${base.sha256.slice(0, 8)})${objections.length === 0 ? '' : '; NOT better than that network'}; see card.md.`,
  };
  console.log(findings(training).join('\n'));
  if (objections.length > 0 && options.anyway !== true)
    throw createError('training_without_gain', { reasons: objections });
  const card = cardOf({ training, base, network, data: truth.name, seed, when });
  const report = await reportOn({
    truth,
    unread,
    training,
    networks: [base, network],
    engine,
    when,
    config,
    options,
  });
  await writeNetwork(out, { graph: file, network, card, report }, options.replace === true);
  if (objections.length > 0)
    console.error(`WRITTEN ALTHOUGH IT IS NOT BETTER, because of --anyway: ${objections.join('; ')}.`);
  const isListed = out === join(networksFolder(config.stateDir), name);
  const how = isListed ? `run plainview network use ${name}` : 'set PLAINVIEW_NETWORK to this path';
  console.log(`The new network is ${graphOf(out)}. To use it, ${how}.`);
}

async function collected(truth: GroundTruth, start: StartingNetwork, config: Config, options: Options) {
  const { featuresHash, lastLayer, network } = start;
  const cache = new FeatureCache(join(config.stateDir, 'features'), featuresHash, lastLayer.inputs);
  const classifier = await createClassifier(classifierOptions(config));
  const concurrency = concurrencyOf([classifier], config);
  const featuresOf = (
    source: Pick<GroundTruth, 'pictures' | 'read' | 'keyOf'>,
    from: Sample['from'],
    what: string,
  ) => {
    const bar = progressBar(source.pictures.length, what);
    return samplesOf(source, from, classifier, cache, concurrency, () => bar.advance()).finally(() =>
      bar.stop(),
    );
  };
  const orthanc = options.orthanc === true && options.replay > 0 ? new Orthanc(config) : undefined;
  try {
    if (classifier.network.sha256 !== network.sha256)
      throw createError('network_mismatch', { problem: 'the graph was replaced while it was read' });
    const labelled = await featuresOf(truth, 'person', 'pictures');
    if (orthanc === undefined) return { ...labelled, engine: classifier.engine };
    const decided = await confidentDecisions(orthanc, network.classes, config, options.replay, options.seed);
    const replayed = await featuresOf(decided, 'replay', 'replayed decisions');
    return {
      samples: [...labelled.samples, ...replayed.samples],
      unread: [...labelled.unread, ...replayed.unread],
      engine: classifier.engine,
    };
  } finally {
    orthanc?.close();
    await classifier.close();
  }
}

async function fitted(
  start: StartingNetwork,
  samples: readonly Sample[],
  { labelPrefix }: Config,
  options: Options,
): Promise<Training> {
  const bar = progressBar(fitCount, 'fits');
  try {
    return train(await startWasm(), start, samples, {
      enough: { pictures: options.newPictures, patients: options.newPatients },
      labelPrefix,
      seed: options.seed,
      onFit: () => bar.advance(),
    });
  } finally {
    bar.stop();
  }
}

interface ReportOn {
  readonly truth: GroundTruth;
  readonly unread: readonly UnreadPicture[];
  readonly training: Training;
  readonly networks: readonly [Network, Network];
  readonly engine: Classifier['engine'];
  readonly when: Date;
  readonly config: Config;
  readonly options: Options;
}

/** The page of `evaluate`, with the old network and the new one. */
async function reportOn({ truth, unread, training, networks, engine, when, config, options }: ReportOn) {
  const warning = `The figures of ${networks[1].name} are out of fold: each picture was scored by a layer that was fitted to other patients, with strength, temperature and thresholds of these.`;
  const report = reportOf({
    truth: { ...truth, warnings: [...truth.warnings, warning, ...training.verdict.objections] },
    run: { results: training.results, unread },
    classifiers: networks.map((network) => ({ network, engine })),
    plainview: version,
    when,
    by: undefined,
    worst: 24,
  });
  const shown = [
    ...report.evaluations.flatMap(({ worst }) => worst.map(({ picture }) => picture)),
    ...(report.comparison?.splits ?? []).map(({ first }) => first.picture),
  ];
  return reportPage(
    report,
    options.thumbnails ? await thumbnailsOf(shown, truth, config.maxMegapixels) : undefined,
  );
}
