import { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { type NetworkEntry, type NetworkList, networkList } from '../contract/networks.js';
import { callService } from './service-client.js';

/** Loading and testing a network takes a few seconds, and longer while the machine is busy. */
const timeoutMs = 300_000;

export const networkCommand = () =>
  new Command('network')
    .description('show the networks of the running service, and switch between them without a restart')
    .addCommand(
      new Command('list')
        .description('show the networks that are there, which one decides, and which one is the shadow')
        .option('--json', 'print JSON', false)
        .action(async ({ json }: { json: boolean }) => {
          const list = await call('GET', '');
          console.log(json ? JSON.stringify(list, null, 1) : textOf(list));
        }),
    )
    .addCommand(
      new Command('use')
        .description(
          'have another network decide from now on, also after a restart; decisions stay until a sweep makes them anew',
        )
        .argument('<name>', 'name of a network, as `plainview network list` shows it')
        .action(async (network: string) =>
          console.log(switchedText(await call('POST', '/use', { network }))),
        ),
    )
    .addCommand(
      new Command('back')
        .description('have the network decide that did so before the last `use`')
        .action(async () => console.log(switchedText(await call('POST', '/back', {})))),
    );

const call = (method: 'GET' | 'POST', path: string, body?: object): Promise<NetworkList> =>
  callService(networkList, loadConfig(process.env), {
    method,
    path: `/api/v1/networks${path}`,
    timeoutMs,
    ...(body === undefined ? {} : { body }),
  });

function textOf({ networks, chosen, before }: NetworkList): string {
  const why =
    chosen === undefined
      ? 'PLAINVIEW_NETWORK decides: no network was chosen in its place.'
      : `Chosen by ${chosen.who} at ${chosen.when}. \`plainview network back\` goes back to ${before}.`;
  return [...networks.map(lineOf), why].join('\n');
}

function lineOf({
  name,
  title,
  sha256,
  purpose,
  classes,
  when,
  decides,
  isShadow,
  problem,
}: NetworkEntry): string {
  const role = decides ? 'decides' : isShadow ? 'shadow' : '';
  const what =
    problem ??
    [
      title === name ? undefined : title,
      sha256?.slice(0, 8),
      when?.slice(0, 10),
      `${classes.length} classes`,
      purpose,
    ]
      .filter((each) => each !== undefined)
      .join(', ');
  return `${role.padEnd(9)}${name.padEnd(24)} ${what}`;
}

function switchedText({ networks }: NetworkList): string {
  const deciding = networks.find(({ decides }) => decides);
  return `${deciding?.name} (${deciding?.sha256?.slice(0, 8)}) decides from now on. What is decided stays; \`plainview sweep\` decides it anew, except what people have decided.`;
}
