import { Command } from 'commander';
import { Categories } from '../anatomy/categories.js';
import { type Classifier, createClassifier } from '../classify/classifier.js';
import { decideOn, otherClass } from '../classify/decide.js';
import { describeNetwork } from '../classify/describe.js';
import { loadNetwork, type NetworkSource } from '../classify/network.js';
import { readPicture } from '../classify/prepare/file.js';
import { loadConfig } from '../config/load.js';
import { unfitLabels } from '../decisions/labels.js';
import { networkFiles } from '../networks/classifier-options.js';
import { inputLayerOption, outputLayerOption } from './network-options.js';

interface Options {
  picture?: string[];
  labels?: string;
  input_layer?: string;
  output_layer?: string;
}

/** Exit status: 0 if nothing is suspicious, 1 if something is, 2 if the network cannot be used. */
export const checkCommand = () =>
  new Command('check')
    .description('try a network: what its description was understood as, what it answers, what is suspicious')
    .argument(
      '<network>',
      'ONNX file (.onnx), frozen graph (.pb), embedded, nncpr, or a name in the folder of networks',
    )
    .option('--picture <file...>', 'pictures to classify')
    .option('--labels <file>', "file with the names of a frozen graph's outputs, one per line")
    .option(...inputLayerOption)
    .option(...outputLayerOption)
    .action(async (network: string, options: Options) => {
      const config = loadConfig(process.env);
      const source = {
        ...networkFiles({ network, labels: options.labels, stateDir: config.stateDir }),
        inputLayer: options.input_layer,
        outputLayer: options.output_layer,
      };
      console.log(await describeNetwork(source));
      const classifier = await createClassifier({ ...source, engine: config.engine, workers: 1 });
      try {
        const categories = Categories.read(config.viewsFile);
        categories.declare(classifier.network.views);
        const suspicions = [
          ...classifier.suspicions,
          ...namesToLookAt(classifier, await finalCategories(source), categories, config.labelPrefix),
        ];
        for (const path of options.picture ?? []) suspicions.push(...(await tryPicture(path, classifier)));
        for (const suspicion of suspicions) console.log(`\nSUSPICIOUS: ${suspicion}`);
        if (suspicions.length > 0) process.exitCode = 1;
      } finally {
        await classifier.close();
      }
    });

async function tryPicture(path: string, classifier: Classifier): Promise<string[]> {
  const classified = await classifier.classify(await readPicture(path));
  const { decision, category, reason, top } = decideOn(classified, 5);
  console.log(`\n${path}: ${category ?? decision} (${reason})`);
  for (const { category, score } of top) console.log(`  ${score.toFixed(4)}  ${category}`);
  const { decode, prepare, infer } = classified.seconds;
  const ms = (seconds: number) => (seconds * 1000).toFixed(0);
  console.log(`  decoded in ${ms(decode)} ms, prepared in ${ms(prepare)} ms, classified in ${ms(infer)} ms`);
  const [best] = top;
  const isFlat = best !== undefined && best.score < 1.5 / classified.scores.length;
  return isFlat
    ? [
        `${path}: all scores are about the same. Check \`range\`, \`mean\` and \`std\`, and whether the weights were exported`,
      ]
    : [];
}

/** Those that a decision can have: in a cascade, where another network looks next, that one decides. */
async function finalCategories(source: NetworkSource): Promise<string[]> {
  const { network, next } = await loadNetwork(source);
  return network.classes.filter((name) => name !== otherClass && !next.has(name));
}

/** Names that are no labels stop the service, so they are an error there. */
function namesToLookAt(
  { network }: Classifier,
  final: readonly string[],
  categories: Categories,
  prefix: string,
): string[] {
  const unfit = unfitLabels(network.classes, prefix);
  const uncoded = final.filter((name) => categories.codesOf(name) === undefined && !unfit.includes(name));
  return [
    ...(unfit.length === 0
      ? []
      : [`${unfit.join(', ')} cannot be labels in Orthanc, so the service will not start with this network`]),
    ...(uncoded.length === 0
      ? []
      : [
          `${uncoded.join(', ')}: without DICOM codes, so neither tags, reports nor the order check know them. Declare them in \`views\` of the description, or use a name that Plainview knows (docs/views.md)`,
        ]),
    ...(network.classes.includes(otherClass)
      ? []
      : [
          `there is no category ${otherClass}: a picture of none of the categories gets one of them wherever its score is high enough`,
        ]),
  ];
}
