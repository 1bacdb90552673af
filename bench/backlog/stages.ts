// `stages.ts <URL> <PID> <concurrency> <warm-up> <identifiers>`: each stage of the pipeline alone, for all of these instances,
// before it the same for some of them to warm up. A process of its own, as `render.ts`. Prints a `Run` by stage.
import pMap from 'p-map';
import { pino } from 'pino';
import { deriveKey } from '../../src/access/keys.js';
import { inFolder } from '../../src/app/in-folder.js';
import { createWork } from '../../src/app/work.js';
import { createClassifier } from '../../src/classify/classifier.js';
import { decideOn } from '../../src/classify/decide.js';
import { loadConfig } from '../../src/config/load.js';
import { RequestSeal } from '../../src/decisions/request-seal.js';
import { temporaryFolder } from '../../src/files/temporary.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { serviceOptions } from '../../src/networks/classifier-options.js';
import { instanceId } from '../../src/orthanc/ids.js';
import { Orthanc } from '../../src/orthanc/orthanc.js';
import { noTracing } from '../../src/tracing/tracing.js';
import { measured, type Run } from './service.js';

const [url = '', pid = '', given = '', first = '', instances = ''] = process.argv.slice(2);
const concurrency = Number(given);
const warmUp = Number(first);
const runs: Record<string, Run> = {};
await measureStages();
console.log(JSON.stringify(runs));

async function measureStages(): Promise<void> {
  const config = loadConfig({
    PLAINVIEW_ORTHANC_URL: url,
    PLAINVIEW_SECRET: 'bench-bench-bench-bench',
    PLAINVIEW_STATE_DIR: await temporaryFolder('plainview-bench-'),
    PLAINVIEW_BACKLOG_CONCURRENCY: given,
    PLAINVIEW_CONCURRENCY: given,
  });
  const classifier = await createClassifier(serviceOptions(config));
  const orthanc = new Orthanc(config);
  const work = createWork({
    ...inFolder(config.stateDir),
    orthanc,
    classifier,
    config,
    seal: new RequestSeal(deriveKey('bench-bench-bench-bench', 'seal')),
    metrics: new Metrics(),
    tracing: noTracing,
    log: pino({ level: 'silent' }),
  });
  const ids = instances.split(',').map((id) => instanceId.parse(id));
  const each = async <T>(name: string, task: (id: (typeof ids)[number], n: number) => Promise<T>) => {
    const run = (some: typeof ids, from: number) =>
      pMap(some, (id, n) => task(id, from + n), { concurrency });
    const first = await run(ids.slice(0, warmUp), 0);
    let rest: T[] = [];
    const pids = { plainview: process.pid, orthanc: Number(pid) };
    runs[name] = await measured(pids, ids.length - warmUp, async () => {
      rest = await run(ids.slice(warmUp), warmUp);
    });
    return [...first, ...rest];
  };
  try {
    const { hierarchy, renderings } = orthanc;
    const read = await each('describe', async (id) => ({
      before: await hierarchy.instance(id),
      described: await hierarchy.describe(id),
    }));
    const tagsOf = (n: number) => read[n]?.described.tags;
    await each('render', (id, n) =>
      renderings.whole(id, 0, async () => undefined, tagsOf(n), classifier.taps),
    );
    const some: Buffer[] = [];
    for (const [n, id] of ids.slice(0, 8).entries())
      await renderings.whole(id, 0, async (file) => some.push(file), tagsOf(n), classifier.taps);
    const seen = await each('decode, prepare, infer', (_, n) =>
      classifier.classify(some[n % some.length] ?? Buffer.alloc(0)),
    );
    await each('record', async (_, n) => {
      const one = read[n];
      const classified = seen[n];
      if (one === undefined || classified === undefined) throw new Error('an instance was not read');
      const { category, ...decided } = decideOn(classified);
      await work.recorder.record(one.described, one.before, {
        ...decided,
        ...(category === undefined ? {} : { category }),
        who: 'network',
        network: { name: classifier.network.name, sha256: classifier.network.sha256 },
        engine: classifier.engine.engine,
        when: new Date().toISOString(),
        ms: 1,
      });
    });
  } finally {
    orthanc.close();
    await classifier.close();
  }
}
