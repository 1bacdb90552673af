// `npm start`: runs the service for the Orthanc that PLAINVIEW_ORTHANC_URL names. Without that option, it also starts a
// real Orthanc on loopback for a trial. With `--several 3` it starts two Orthancs on one PostgreSQL, and three services.
import { openServiceLog } from '../app/service-log.js';
import { runCommandLine } from '../commands/main.js';
import { asPlainviewError, terminalMessage } from '../errors/errors.js';
import { help, startArguments, uploadCommand } from './arguments.js';
import { startPair } from './pair.js';
import { startSeveral } from './several.js';
import { takeTrialFolders } from './trial.js';

const print = (line: string) => console.error(line);

/** @returns the name of the first one. Some send it more than once: a stop that is under way must not be cut off by it. */
const nextSignal = () =>
  new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => resolve(name));
  });

async function sandbox(): Promise<void> {
  const { log } = openServiceLog('info');
  const pair = await startPair({
    folder: await takeTrialFolders(log),
    ports: { orthanc: 8042, dicom: 4242, service: 8104 },
    log,
    onProgress: print,
  });
  print(`
Plainview is running, with its own Orthanc for a trial.

  Orthanc's pages   ${pair.orthanc.url}/app/explorer.html
  Review page       ${pair.orthanc.url}/plainview/review/
  DICOM (C-STORE)   127.0.0.1:${pair.dicomPort}, AE title ORTHANC, from this machine only
  Plainview         ${pair.service}/health/ready   ${pair.service}/metrics
  Network           ${pair.network.name} on ${pair.engine}${pair.network.purpose === 'research' ? ' – for evaluation and research only' : ''}

Try it: upload a radiograph on Orthanc's pages (Upload), or from a shell:

  ${uploadCommand(pair.orthanc.url)}
  storescu -aec ORTHANC 127.0.0.1 ${pair.dicomPort} radiograph.dcm

A second later the page of the study shows the category. \`npm run demo\`, before the start, stores the pictures in
samples/ here: two of them wait for you on the review page. Ctrl-C stops both. Stored data stays in .sandbox/ for the next
start.
`);
  const signal = await nextSignal();
  print(`${signal}: stopping. Orthanc needs some seconds to close its database …`);
  await pair.stop();
}

async function severalSandbox(count: number): Promise<void> {
  const several = await startSeveral(count, { onProgress: print, onEvent: print });
  const { postgresql, orthancs, members, leader, folder } = several;
  const row = (name: string, address: string, pid: number, note = '') =>
    `  ${name.padEnd(13)} ${address.padEnd(44)} process ${pid}${note}`;
  const [first] = orthancs;
  print(`
Plainview is running ${count} times for one archive, with two Orthancs on one PostgreSQL.

${[
  ...orthancs.map(({ name, orthanc }) => row(name, `${orthanc.url}/app/explorer.html`, orthanc.pid)),
  ...members.map((member) =>
    row(member.name, `${member.url}/health/ready`, member.pid, member === leader ? ', leads' : ''),
  ),
  row('PostgreSQL', `${postgresql.host}:${postgresql.port}`, postgresql.pid),
].join('\n')}
  Review page   ${orthancs.map(({ orthanc }) => `${orthanc.url}/plainview/review/`).join('  ')}
  Logs          ${folder}/*.log

Each Orthanc calls a service of its own, and a service that does not lead forwards to the one that does.

Upload radiographs to either Orthanc, on its pages or from a shell:

  ${uploadCommand(first?.orthanc.url)}

Meanwhile kill something. Every radiograph gets its category all the same:

  kill -9 ${leader.pid}      the service that leads: about ten seconds later one leads again
  kill -STOP ${leader.pid}   the same service hangs (kill -CONT ${leader.pid}: if another one leads by then, it ends)
  kill -9 ${first?.orthanc.pid}      ${first?.name}: the services go on with the other Orthanc

A service that ends is started again two seconds later. Orthanc and PostgreSQL are not. Ctrl-C stops all and deletes all
data.
`);
  print(`${await nextSignal()}: stopping …`);
  await several.stop();
}

try {
  const start = startArguments(process.argv.slice(2), process.env);
  if (start.mode === 'help') console.log(help);
  else if (start.mode === 'several') await severalSandbox(start.count);
  else if (process.env.PLAINVIEW_ORTHANC_URL) await runCommandLine(['serve']);
  else await sandbox();
} catch (caught) {
  print(terminalMessage(caught));
  process.exitCode = asPlainviewError(caught).exit;
}
