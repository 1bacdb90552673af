import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { networkFiles } from '../app/classifier-options.js';
import { describeNetwork } from '../classify/describe.js';
import { fetchNetwork, nncpr } from '../classify/fetch.js';
import { progressBar } from './progress.js';

export const modelCommand = () =>
  new Command('model')
    .description('the networks: fetch the published one, show what is there')
    .addCommand(fetchCommand())
    .addCommand(infoCommand());

const fetchCommand = () =>
  new Command('fetch')
    .description(
      "fetch NNCPR's network from its public repository; only the very file that its authors published is taken",
    )
    .option('--from <file or URL>', 'a mirror, or a file that was carried here', nncpr.url)
    .option('--to <file>', 'where it goes', networkFiles({ network: 'nncpr' }).graph)
    .addHelpText(
      'after',
      `
Without a way to the internet: download ${nncpr.url}
on another machine, carry the file here, and run: plainview model fetch --from network.pb
A proxy is taken from HTTPS_PROXY. A broken download is gone on with by the next call.`,
    )
    .action(async ({ from, to }: { from: string; to: string }) => {
      let bar: ReturnType<typeof progressBar> | undefined;
      let last = 0;
      const isNew = await fetchNetwork({
        from,
        to,
        gitBlob: nncpr.gitBlob,
        onProgress: (received, total) => {
          bar ??= progressBar(total, 'bytes', received);
          bar.advance(received - last);
          last = received;
        },
      }).finally(() => bar?.stop());
      console.log(isNew ? `${to} is there, and is NNCPR's network.` : `${to} is NNCPR's network already.`);
    });

const infoCommand = () =>
  new Command('info')
    .description('show what the networks are')
    .option('--graph <file>', 'frozen graph (.pb), or: embedded, nncpr (default: both)')
    .option('--labels <file>', "names of the graph's outputs, one a line (default: classes.txt beside it)")
    .option('--input_layer <name>', 'name of the input layer in the graph', 'input')
    .option('--output_layer <name>', 'name of the output layer in the graph', 'final_result')
    .action(async (options: InfoOptions) => {
      const { graph, labels } = options;
      const layers = { inputLayer: options.input_layer, outputLayer: options.output_layer };
      if (graph !== undefined) {
        console.log(await describeNetwork(networkFiles({ network: graph, labels }), layers));
        return;
      }
      console.log(await describeNetwork(networkFiles({ network: 'embedded', labels }), layers));
      const published = networkFiles({ network: 'nncpr', labels });
      const isThere = await stat(published.graph).catch(() => undefined);
      console.log(
        isThere
          ? `\n${await describeNetwork(published, layers)}`
          : "\nNNCPR's network is not there; `plainview model fetch` gets it.",
      );
    });

interface InfoOptions {
  graph?: string;
  labels?: string;
  input_layer: string;
  output_layer: string;
}
