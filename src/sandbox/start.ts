// `npm start`: the service beside the Orthanc that PLAINVIEW_ORTHANC_URL names; without one, beside a real
// Orthanc of its own on loopback, to try everything out.
import { join } from 'node:path';
import { pino } from 'pino';
import { runCommandLine } from '../commands/main.js';
import { printError } from '../commands/print-error.js';
import { shipped } from '../files/places.js';
import { startPair } from './pair.js';

const say = (line: string) => console.error(line);

async function startSandbox(): Promise<void> {
  const data = shipped('.sandbox');
  const pair = await startPair({
    folder: { orthanc: join(data, 'storage'), state: join(data, 'state') },
    ports: { orthanc: 8042, service: 8104 },
    log: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }),
    say,
  });
  say(`
Plainview is running beside an Orthanc of its own.

  Orthanc's pages   ${pair.orthanc.url}/app/explorer.html
  Review page       ${pair.orthanc.url}/plainview/review/
  Plainview         ${pair.service}/health/ready   ${pair.service}/metrics
  Network           ${pair.network.name} on ${pair.engine}${pair.network.purpose === 'research' ? ' – for evaluation and research only' : ''}

Try it: upload a radiograph on Orthanc's pages (Upload), or from a shell

  curl -X POST ${pair.orthanc.url}/instances --data-binary @radiograph.dcm

and find its category on the page of the study a second later. \`npm run demo\` does this with
pictures that come along. Ctrl-C ends both; what you stored stays in .sandbox/ for the next time.
`);
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name));
  });
  say(`${signal}: ending; Orthanc takes some seconds to close its database …`);
  await pair.stop();
}

if (process.env.PLAINVIEW_ORTHANC_URL) await runCommandLine(['serve']);
else
  try {
    await startSandbox();
  } catch (caught) {
    printError(caught);
    process.exitCode = 1;
  }
