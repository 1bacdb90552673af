import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { asPlainviewError } from '../../errors/errors.js';
import { chooseEngine } from '../engines/choose.js';
import { buildChain } from '../graph/chain.js';
import { readGraphDef } from '../graph/graphdef.js';
import { walk } from '../graph/walk.js';
import { decode } from '../prepare/decode.js';
import { prepare } from '../prepare/resize.js';
import { Batcher } from './batcher.js';
import { Explainer } from './explainer.js';
import { FeatureExtractor } from './feature-extractor.js';
import type { Reply, Request, SerializedError, Setup, ToWorker } from './protocol.js';
import { ReceivedPictures } from './received-pictures.js';

// A worker process. It reads the network, starts the engine, and computes scores of pictures until it is ended.
// Where the parent was killed, nobody reads the answer, and `disconnect` follows.
const reply = (message: Reply) => process.send?.(message, undefined, undefined, () => undefined);
// It ends with its parent, also where that is killed.
process.on('disconnect', () => process.exit());
// systemd and terminals send these to all processes of a service. The parent still finishes its pictures.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);
preferForOomKiller();

function serialize(error: unknown): SerializedError {
  const { code, message, cause } = asPlainviewError(error);
  return { code, message, cause: cause === undefined ? undefined : inspect(cause) };
}

const elapsed = (since: number) => (performance.now() - since) / 1000;

async function start(setup: Setup): Promise<void> {
  const steps = walk(
    readGraphDef(Buffer.from(setup.file.buffer, setup.file.byteOffset, setup.file.length)),
    setup.layers,
  );
  const chain = buildChain(steps, setup.preparation);
  const { engine, declined } = await chooseEngine(setup.engine, chain, steps);
  const batcher = new Batcher(engine, setup.preparation);
  const explainer = new Explainer(chain, engine.name);
  const extractor = new FeatureExtractor(chain, engine);
  const pictures = new ReceivedPictures(4);

  async function answer({ id, bytes, wanted }: Request): Promise<void> {
    // The order of the requests is that of the pictures.
    const received = pictures.next(bytes);
    try {
      let decodeSeconds = 0;
      let prepareSeconds = 0;
      const prepared = async () => {
        const file = await received;
        const began = performance.now();
        const decoded = await decode(file, setup.maxMegapixels);
        decodeSeconds = elapsed(began);
        const prepareBegan = performance.now();
        const input = prepare(decoded, setup.preparation);
        prepareSeconds = elapsed(prepareBegan);
        return input;
      };
      const all = (infer: number) => ({ decode: decodeSeconds, prepare: prepareSeconds, infer });
      if (wanted.kind === 'features') {
        const { seconds, ...extracted } = await extractor.extract(prepared);
        reply({ kind: 'done', id, result: { ...extracted, seconds: all(seconds) } });
        return;
      }
      const { input, scores, seconds } = await batcher.infer(prepared);
      const result = { scores, seconds: all(seconds) };
      const map = wanted.kind === 'map' ? await explainer.explain(input, scores, wanted.classIndex) : {};
      reply({ kind: 'done', id, result: { ...result, ...map } });
    } catch (error) {
      reply({ kind: 'failed', id, error: serialize(error) });
    }
  }

  process.on('message', (message: ToWorker) => {
    if (message.kind === 'request') void answer(message.request);
  });
  const report = { engine: engine.name, device: engine.device, declined };
  reply({ kind: 'ready', report, classes: chain.classes, batch: engine.batch });
}

/** Where the machine has no memory left, Linux ends this process before the service or Orthanc. */
function preferForOomKiller(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // Only Linux has it.
  }
}

process.once('message', (message: ToWorker) => {
  if (message.kind === 'setup')
    start(message.setup).catch((error: unknown) => reply({ kind: 'unusable', error: serialize(error) }));
});
