// `npm start`: runs the service for the Orthanc that PLAINVIEW_ORTHANC_URL names. Without that option, it also starts a
// real Orthanc on loopback for a trial.
import { join } from 'node:path';
import { openServiceLog } from '../app/service-log.js';
import { runCommandLine } from '../commands/main.js';
import { terminalMessage } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import { lockFolder } from '../store/folder-lock.js';
import { startPair } from './pair.js';
import { makeSandboxFolder } from './places.js';

const print = (line: string) => console.error(line);

async function startSandbox(): Promise<void> {
  const data = shipped('.sandbox');
  const { log } = openServiceLog('info');
  const storage = join(data, 'storage');
  makeSandboxFolder(storage);
  // A second Orthanc on one database would fail, with the words of the database.
  await lockFolder(storage, log);
  const pair = await startPair({
    folder: { orthanc: storage, state: join(data, 'state') },
    ports: { orthanc: 8042, service: 8104 },
    log,
    onProgress: print,
  });
  print(`
Plainview is running, with its own Orthanc for a trial.

  Orthanc's pages   ${pair.orthanc.url}/app/explorer.html
  Review page       ${pair.orthanc.url}/plainview/review/
  Plainview         ${pair.service}/health/ready   ${pair.service}/metrics
  Network           ${pair.network.name} on ${pair.engine}${pair.network.purpose === 'research' ? ' – for evaluation and research only' : ''}

Try it: upload a radiograph on Orthanc's pages (Upload), or from a shell:

  curl -X POST ${pair.orthanc.url}/instances --data-binary @radiograph.dcm

A second later the page of the study shows the category. \`npm run demo\` shows this with the
pictures in samples/, in another Orthanc. Ctrl-C stops both. Stored data stays in .sandbox/ for the next start.
`);
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name));
  });
  print(`${signal}: stopping. Orthanc needs some seconds to close its database …`);
  await pair.stop();
}

if (process.env.PLAINVIEW_ORTHANC_URL) await runCommandLine(['serve']);
else
  try {
    await startSandbox();
  } catch (caught) {
    print(terminalMessage(caught));
    process.exitCode = 1;
  }
