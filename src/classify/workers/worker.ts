import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { asPlainviewError } from '../../errors/errors.js';
import { chooseEngine } from '../engines/choose.js';
import type { EngineChoice } from '../engines/engine.js';
import { buildChain } from '../graph/chain.js';
import { readGraphDef } from '../graph/graphdef.js';
import { walk } from '../graph/walk.js';
import { decode } from '../prepare/decode.js';
import { prepare } from '../prepare/resize.js';
import { Batcher } from './batcher.js';
import { Explainer } from './explainer.js';
import { FeatureExtractor } from './feature-extractor.js';
import type { Reply, Request, SerializedError, Setup, ShadowOutcome, ToWorker } from './protocol.js';
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
  const { code, message, params, cause } = asPlainviewError(error);
  return { code, message, params, cause: cause === undefined ? undefined : inspect(cause) };
}

const elapsed = (since: number) => (performance.now() - since) / 1000;

/** Starts and tests an engine for a network. */
async function startEngine(file: Buffer, { layers, preparation }: Setup, choice: EngineChoice) {
  const steps = walk(readGraphDef(Buffer.from(file.buffer, file.byteOffset, file.length)), layers);
  const chain = buildChain(steps, preparation);
  const { engine, declined } = await chooseEngine(choice, chain, steps);
  return { chain, engine, declined, batcher: new Batcher(engine, preparation) };
}

type Shadow = { batcher: Batcher; classes: number } | { error: SerializedError };

/** A second network that cannot run here does not keep the first one from running. */
async function startShadow(setup: Setup, choice: EngineChoice): Promise<Shadow | undefined> {
  if (setup.shadow === undefined) return undefined;
  try {
    const { batcher, chain } = await startEngine(setup.shadow.file, setup, choice);
    return { batcher, classes: chain.classes };
  } catch (error) {
    return { error: serialize(error) };
  }
}

async function lookAt(input: Float32Array, shadow: Shadow): Promise<ShadowOutcome> {
  if ('error' in shadow) return shadow;
  try {
    const { scores, seconds } = await shadow.batcher.infer(async () => input);
    return { scores, seconds };
  } catch (error) {
    return { error: serialize(error) };
  }
}

async function start(setup: Setup): Promise<void> {
  const { chain, engine, declined, batcher } = await startEngine(setup.file, setup, setup.engine);
  const shadow = await startShadow(setup, engine.name);
  const explainer = new Explainer(chain, engine.name);
  const extractor = new FeatureExtractor(chain, engine);
  const pictures = new ReceivedPictures(4);

  async function answer({ id, bytes, wanted, shadow: isShadowed }: Request): Promise<void> {
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
      const { input, seconds, ...extracted } =
        wanted.kind === 'features' ? await extractor.extract(prepared) : await batcher.infer(prepared);
      const result = { ...extracted, seconds: all(seconds) };
      if (isShadowed && shadow !== undefined) {
        reply({ kind: 'scored', id, result });
        reply({ kind: 'done', id, result: { ...result, shadow: await lookAt(input, shadow) } });
        return;
      }
      const map =
        wanted.kind === 'map' ? await explainer.explain(input, result.scores, wanted.classIndex) : {};
      reply({ kind: 'done', id, result: { ...result, ...map } });
    } catch (error) {
      reply({ kind: 'failed', id, error: serialize(error) });
    }
  }

  process.on('message', (message: ToWorker) => {
    if (message.kind === 'request') void answer(message.request);
  });
  const report = { engine: engine.name, device: engine.device, declined };
  reply({
    kind: 'ready',
    report,
    classes: chain.classes,
    batch: engine.batch,
    ...(shadow === undefined ? {} : { shadow: 'error' in shadow ? shadow : { classes: shadow.classes } }),
  });
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
