import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { describeNetwork } from '../classify/describe.js';
import { fetchNetwork, nncpr } from '../classify/fetch.js';
import { networkFiles } from '../networks/classifier-options.js';
import { checkCommand } from './model-check.js';
import { inputLayerOption, outputLayerOption } from './network-options.js';
import { progressBar } from './progress.js';

export const modelCommand = () =>
  new Command('model')
    .description('fetch the published network, show networks, try one')
    .addCommand(fetchCommand())
    .addCommand(infoCommand())
    .addCommand(checkCommand());

const fetchCommand = () =>
  new Command('fetch')
    .description(
      "fetch NNCPR's network from its public repository; any file other than the published one is refused",
    )
    .option('--from <file or URL>', 'a mirror, or a local file', nncpr.url)
    .option('--to <file>', 'file to write', networkFiles({ network: 'nncpr' }).graph)
    .addHelpText(
      'after',
      `
Without a way to the internet: download ${nncpr.url}
on another machine, copy the file to this machine, and run: plainview model fetch --from network.pb
HTTPS_PROXY sets a proxy. The next call continues an interrupted download.`,
    )
    .action(async ({ from, to }: { from: string; to: string }) => {
      let bar: ReturnType<typeof progressBar> | undefined;
      let lastReceived = 0;
      const isNew = await fetchNetwork({
        from,
        to,
        gitBlob: nncpr.gitBlob,
        onProgress: (received, total) => {
          bar ??= progressBar(total, 'bytes', received);
          bar.advance(received - lastReceived);
          lastReceived = received;
        },
      }).finally(() => bar?.stop());
      console.log(isNew ? `NNCPR's network is now in ${to}.` : `${to} already contains NNCPR's network.`);
    });

const infoCommand = () =>
  new Command('info')
    .description('show the networks: hash, purpose, input, output, classes')
    .option(
      '--graph <file>',
      'frozen graph (.pb), ONNX file (.onnx), embedded or nncpr (default: embedded and nncpr)',
    )
    .option(
      '--labels <file>',
      "file with the names of the graph's outputs, one per line (default: classes.txt in the graph's folder)",
    )
    .option(...inputLayerOption)
    .option(...outputLayerOption)
    .action(async (options: InfoOptions) => {
      const { graph, labels } = options;
      const layers = { inputLayer: options.input_layer, outputLayer: options.output_layer };
      const textOf = (network: string) =>
        describeNetwork({ ...networkFiles({ network, labels }), ...layers });
      if (graph !== undefined) {
        console.log(await textOf(graph));
        return;
      }
      console.log(await textOf('embedded'));
      const published = networkFiles({ network: 'nncpr', labels }).graph;
      const exists = await stat(published).catch(() => undefined);
      console.log(
        exists
          ? `\n${await textOf('nncpr')}`
          : "\nNNCPR's network is not there. To fetch it: plainview model fetch",
      );
    });

interface InfoOptions {
  graph?: string;
  labels?: string;
  input_layer?: string;
  output_layer?: string;
}
