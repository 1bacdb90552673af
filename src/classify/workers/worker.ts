import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { asPlainviewError } from '../../errors/errors.js';
import type { EngineChoice } from '../engines/engine.js';
import type { Size } from '../graph/steps.js';
import { decode } from '../prepare/decode.js';
import type { Picture } from '../prepare/picture.js';
import { turnOf } from '../turn.js';
import type { Ahead } from './process.js';
import type { Reply, Request, SerializedError, Setup, ShadowOutcome, ToWorker } from './protocol.js';
import { ReceivedPictures } from './received-pictures.js';
import { type Running, startNetwork } from './running.js';
import { startSideReader } from './side-reader.js';

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

type Shadow = Running | { error: SerializedError };

/** A second network that cannot run here does not keep the first one from running. */
async function startShadow({ shadow }: Setup, choice: EngineChoice): Promise<Shadow | undefined> {
  if (shadow === undefined) return undefined;
  try {
    return await startNetwork(shadow.model, shadow.model.kind === 'onnx' ? 'auto' : choice);
  } catch (error) {
    return { error: serialize(error) };
  }
}

/** @param input that of the network in use, where the second one takes the same; else undefined */
async function lookAt(
  picture: Picture,
  input: Float32Array | undefined,
  shadow: Shadow,
): Promise<ShadowOutcome> {
  if ('error' in shadow) return shadow;
  try {
    const { scores, seconds } = await shadow.batcher.infer(async () => input ?? shadow.prepare(picture));
    return { scores, seconds };
  } catch (error) {
    return { error: serialize(error) };
  }
}

async function start(setup: Setup): Promise<void> {
  const network = await startNetwork(setup.model, setup.engine, setup.orientation);
  const { engine, batcher } = network;
  const readSide = setup.side && (await startSideReader(setup.side, engine.name));
  const shadow = await startShadow(setup, engine.name);
  const sharesInput =
    shadow !== undefined && 'preparation' in shadow && shadow.preparation === network.preparation;
  const pictures = new ReceivedPictures(4);
  // Nothing below keeps the setup: it holds the networks' files.
  const { maxMegapixels, frame } = setup;

  async function answer({ id, bytes, wanted, shadow: isShadowed }: Request): Promise<void> {
    // The order of the requests is that of the pictures.
    const received = pictures.next(bytes);
    try {
      let decodeSeconds = 0;
      let prepareSeconds = 0;
      const decoding = received.then(async (file) => {
        const began = performance.now();
        const picture = await decode(file, maxMegapixels, frame);
        decodeSeconds = elapsed(began);
        return picture;
      });
      // What fails before it waits for the picture has its own error.
      decoding.catch(() => undefined);
      const prepared = async () => {
        const picture = await decoding;
        const began = performance.now();
        const input = await network.prepare(picture);
        prepareSeconds = elapsed(began);
        return input;
      };
      const all = (infer: number) => ({ decode: decodeSeconds, prepare: prepareSeconds, infer });
      const inferred = await batcher.infer(prepared);
      const { input, scores, seconds } = inferred;
      const features = wanted.kind === 'features' ? network.featuresOf?.(inferred) : undefined;
      const began = performance.now();
      const orientation = wanted.kind === 'map' ? undefined : await network.orient?.(inferred);
      const side = wanted.kind === 'map' ? undefined : await readSide?.(await decoding, turnOf(orientation));
      const result = {
        scores,
        seconds: all(seconds + elapsed(began)),
        ...(features === undefined ? {} : { features }),
        ...(orientation === undefined ? {} : { orientation }),
        ...(side === undefined ? {} : { side }),
      };
      if (isShadowed && shadow !== undefined) {
        reply({ kind: 'scored', id, result });
        const outcome = await lookAt(await decoding, sharesInput ? input : undefined, shadow);
        reply({ kind: 'done', id, result: { ...result, shadow: outcome } });
        return;
      }
      const map =
        wanted.kind === 'map' ? await network.explain(inferred, wanted.classIndex, await decoding) : {};
      reply({ kind: 'done', id, result: { ...result, ...map } });
    } catch (error) {
      reply({ kind: 'failed', id, error: serialize(error) });
    } finally {
      void received.then(
        (file) => pictures.release(file),
        () => undefined,
      );
    }
  }

  process.on('message', (message: ToWorker) => {
    if (message.kind === 'request') void answer(message.request);
  });
  const report = { engine: engine.name, device: engine.device, declined: network.declined };
  reply({
    kind: 'ready',
    report,
    classes: network.classes,
    batch: engine.batch,
    orients: network.orient !== undefined,
    samples: readSide === undefined && (shadow === undefined || sharesInput) ? sizeOf(network) : undefined,
    onnx: network.onnx,
    ...(shadow === undefined ? {} : { shadow: 'error' in shadow ? shadow : { classes: shadow.classes } }),
  });
  // What the start needed is four times the size of the network. It is freed after the first picture, which somebody waits for.
  setTimeout(() => globalThis.gc?.(), 1000).unref();
}

function sizeOf({ samples }: Running): Size | undefined {
  return samples && { height: samples.height, width: samples.width };
}

/** Where the machine has no memory left, Linux ends this process before the service or Orthanc. */
function preferForOomKiller(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // Only Linux has it.
  }
}

/** What the parent knows to be needed. Whether it fails is told when it is needed. */
const ahead: Readonly<Record<Ahead, () => Promise<unknown>>> = {
  onnxruntime: () => import('onnxruntime-node'),
  bitmap: () => import('../prepare/bitmap.js'),
};
for (const [name, load] of Object.entries(ahead))
  if (process.argv.includes(name)) load().catch(() => undefined);

process.once('message', (message: ToWorker) => {
  if (message.kind === 'setup')
    start(message.setup).catch((error: unknown) => reply({ kind: 'unusable', error: serialize(error) }));
});
