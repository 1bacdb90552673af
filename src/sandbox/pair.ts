import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { classifierOptions } from '../app/classifier-options.js';
import { startService } from '../app/service.js';
import { createClassifier } from '../classify/classifier.js';
import { loadConfig } from '../config/load.js';
import { type SandboxOrthanc, startOrthanc } from './orthanc.js';
import { freePort } from './ports.js';

export interface Pair {
  orthanc: SandboxOrthanc;
  /** Where the service listens. */
  service: string;
  /** Name of the network in use, and what it may be used for. */
  network: { name: string; purpose: string };
  engine: string;
  stop(): Promise<void>;
}

/**
 * A real Orthanc with the hook in place and the service beside it, both on loopback, sharing a fresh secret.
 * @param folder keeps what is stored; without one it is gone at the end
 * @param say told what takes long
 */
export async function startPair(options: {
  folder?: { orthanc: string; state: string };
  ports?: { orthanc: number; service: number };
  log: Logger;
  say: (line: string) => void;
}): Promise<Pair> {
  const port = await freePort(options.ports?.service);
  const secret = randomBytes(24).toString('base64url');
  /** What has been started, to be ended in the reverse order. */
  const started: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    options.say('Starting Orthanc …');
    const orthanc = await startOrthanc({
      port: await freePort(options.ports?.orthanc),
      ...(options.folder ? { folder: options.folder.orthanc } : {}),
      hook: { url: `http://127.0.0.1:${port}/hook`, secret },
      plugins: ['dicomweb', 'gdcm'],
      explorer: true,
      // On loopback and without a login, whoever sits here is everybody.
      configuration: { Plainview: { DefaultRole: 'admin' } },
      say: options.say,
    });
    started.push(() => orthanc.discard());
    const config = loadConfig({
      ...process.env,
      PLAINVIEW_ORTHANC_URL: orthanc.url,
      PLAINVIEW_SECRET: secret,
      PLAINVIEW_SECRET_FILE: '',
      PLAINVIEW_HOST: '127.0.0.1',
      PLAINVIEW_PORT: String(port),
      PLAINVIEW_STATE_DIR: options.folder?.state ?? orthanc.folder,
    });
    options.say('Loading the network …');
    const classifier = await createClassifier(classifierOptions(config));
    started.push(() => classifier.close());
    const service = await startService(config, classifier, options.log);
    started.push(() => service.stop());
    await service.ready;
    return {
      orthanc,
      service: service.url,
      network: classifier.network,
      engine: classifier.engine.engine,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
