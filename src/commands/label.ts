import { Command, InvalidArgumentError } from 'commander';
import { engineChoices } from '../classify/engines/engine.js';
import { precisions } from '../classify/precision.js';
import { defaultMegapixels, memoryFor } from '../classify/workers/memory.js';
import { EarlyProcess } from '../classify/workers/process.js';
import { fraction, integer } from './arguments.js';
import type { LabelOptions } from './label-pictures.js';
import { inputLayerOption, outputLayerOption } from './network-options.js';

export const labelCommand = () =>
  new Command('label')
    .description(
      "classify DICOM and picture files (PNG, JPEG, GIF, PAM, TIFF, WebP, BMP), and print one line per file as NNCPR's label_image.py does",
    )
    .argument(
      '<image...>',
      'files, or folders with files at any depth; - reads paths from standard input, one per line',
    )
    .option('--graph <file>', 'frozen graph (.pb), ONNX file (.onnx), embedded or nncpr', 'embedded')
    .option(
      '--labels <file>',
      "file with the names of a frozen graph's outputs, one per line (default: classes.txt in its folder)",
    )
    .option('--input_height <pixels>', 'input height of a frozen graph (default: 224)', integer(1))
    .option('--input_width <pixels>', 'input width of a frozen graph (default: 224)', integer(1))
    .option('--input_mean <level>', 'grey level that becomes 0, of a frozen graph (default: 128)', integer(0))
    .option('--input_std <levels>', 'grey levels that become 1, of a frozen graph (default: 128)', integer(1))
    .option(...inputLayerOption)
    .option(...outputLayerOption)
    .option('--json', 'print one JSON object per line', false)
    .option('--top <n>', 'show the n best categories (default: 1; with --json: 5)', integer(1))
    .option('--engine <name>', engineChoices.join(', '), oneOf(engineChoices), 'auto')
    .option(
      '--precision <name>',
      `${precisions.join(' or ')} (onnxruntime alone)`,
      oneOf(precisions),
      'float32',
    )
    .option('--workers <n>', 'number of processes; 0: one per CPU core, at most four', integer(0), 0)
    .option('--threshold <score>', 'lowest best score for which a category is given', fraction)
    .option(
      '--margin <score>',
      'smallest difference between the two best scores for which a category is given',
      fraction,
    )
    .option('--unknown_below <score>', 'below this best score the view is unknown', fraction)
    .addHelpText(
      'after',
      `
DICOM files are rendered as the service has them rendered, without an Orthanc. Of a folder, files that are no pictures
are left out, and DICOM files that the service would leave alone (PLAINVIEW_MODALITIES, PLAINVIEW_MULTIFRAME).
label_image.py reads PNG, JPEG and GIF; with --json, files of another format have \`format\`.`,
    )
    .action(async (images: string[], options: LabelOptions) => {
      // It starts while this process loads the rest of its own files, the configuration and the network.
      const early = new EarlyProcess(
        { engine: options.engine, memoryBytes: memoryFor(defaultMegapixels) },
        options.engine === 'wasm' || options.engine === 'tfjs-gpu'
          ? []
          : ['onnxruntime', ...(images.some(isBitmap) ? (['bitmap'] as const) : [])],
      );
      try {
        const { label } = await import('./label-pictures.js');
        process.exitCode = await label(images, options, early);
      } finally {
        early.end();
      }
    });

/** By its name: where that is wrong, its decoder is loaded later, or in vain. */
const isBitmap = (path: string): boolean => /\.(png|gif|tiff?|webp)$/i.test(path);

function oneOf<T extends string>(names: readonly T[]) {
  return (text: string): T => {
    const found = names.find((name) => name === text);
    if (found === undefined) throw new InvalidArgumentError(`It must be one of ${names.join(', ')}.`);
    return found;
  };
}
