// `render.ts <URL> <PID> <concurrency> <identifiers>`: what an Orthanc can do at most. It renders films, and what comes is
// dropped. A process of its own, because one that has made the films has much to collect as garbage. Prints a `Run`.
import pMap from 'p-map';
import { loadConfig } from '../../src/config/load.js';
import { OrthancNode } from '../../src/orthanc/node.js';
import { measured } from './service.js';

const [url = '', pid = '', concurrency = '', ids = ''] = process.argv.slice(2);
const config = loadConfig({ PLAINVIEW_ORTHANC_URL: url });
const node = new OrthancNode(url, config, {}, new AbortController().signal);
const headers = { accept: 'image/x-portable-arbitrarymap' };
const receiver = () => ({ write: () => undefined });
const all = ids.split(',');
const run = await measured({ plainview: process.pid, orthanc: Number(pid) }, all.length, () =>
  pMap(
    all,
    (id) => {
      const request = { method: 'GET', url: `/instances/${id}/frames/0/rendered`, headers, receiver };
      return node.send(request, false, (call) => call());
    },
    { concurrency: Number(concurrency) },
  ),
);
node.close();
console.log(JSON.stringify(run));
