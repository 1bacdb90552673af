import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { asPlainviewError } from '../../errors/errors.js';
import { chooseEngine } from '../engines/choose.js';
import { buildChain } from '../graph/chain.js';
import { readGraphDef } from '../graph/graphdef.js';
import { walk } from '../graph/walk.js';
import { decode } from '../prepare/decode.js';
import { prepare } from '../prepare/resize.js';
import { Batcher } from './batcher.js';
import { Explainer } from './explainer.js';
import type { Reply, Request, SerializedError, Setup } from './protocol.js';

// A worker thread. It reads the network, starts the engine, and computes scores of pictures until it is ended.
if (!parentPort) throw new Error('this file runs in a worker thread');
const port = parentPort;
const reply = (message: Reply) => port.postMessage(message);

function serialize(error: unknown): SerializedError {
  const { code, message, cause } = asPlainviewError(error);
  return { code, message, cause: cause === undefined ? undefined : inspect(cause) };
}

const elapsed = (since: number) => (performance.now() - since) / 1000;

async function start(setup: Setup): Promise<void> {
  const steps = walk(readGraphDef(Buffer.from(setup.file)), setup.layers);
  const chain = buildChain(steps, setup.preparation);
  const { engine, declined } = await chooseEngine(setup.engine, chain, steps);
  const batcher = new Batcher(engine, setup.preparation);
  const explainer = new Explainer(chain, engine.name);

  async function answer({ id, picture, explain }: Request): Promise<void> {
    try {
      const file = Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength);
      let decodeSeconds = 0;
      let prepareSeconds = 0;
      const prepared = async () => {
        const began = performance.now();
        const decoded = await decode(file, setup.maxMegapixels);
        decodeSeconds = elapsed(began);
        const prepareBegan = performance.now();
        const input = prepare(decoded, setup.preparation);
        prepareSeconds = elapsed(prepareBegan);
        return input;
      };
      const { input, scores, seconds } = await batcher.infer(prepared);
      const all = { decode: decodeSeconds, prepare: prepareSeconds, infer: seconds };
      const result = { scores, seconds: all };
      const map = explain === undefined ? {} : await explainer.explain(input, scores, explain);
      reply({ kind: 'done', id, result: { ...result, ...map } });
    } catch (error) {
      reply({ kind: 'failed', id, error: serialize(error) });
    }
  }

  port.on('message', (request: Request) => void answer(request));
  const report = { engine: engine.name, device: engine.device, declined };
  reply({ kind: 'ready', report, classes: chain.classes, batch: engine.batch });
}

try {
  await start(workerData as Setup);
} catch (error) {
  reply({ kind: 'unusable', error: serialize(error) });
}
