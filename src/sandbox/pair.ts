import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { startService } from '../app/service.js';
import { loadConfig } from '../config/load.js';
import { openClassifier } from '../networks/open.js';
import { type SandboxOrthanc, startOrthanc } from './orthanc.js';
import { freePort } from './ports.js';

export interface Pair {
  orthanc: SandboxOrthanc;
  /** Port on 127.0.0.1 on which Orthanc takes C-STORE. */
  dicomPort: number;
  /** Address of the service. */
  service: string;
  /** Name of the network in use, and its permitted purpose. */
  network: { name: string; purpose: string };
  engine: string;
  stop(): Promise<void>;
}

/**
 * Starts a real Orthanc with the hook, and the service for it, both on loopback with a new shared secret.
 * @param options.folder keeps stored data; without it, the data is deleted at the end
 * @param options.onProgress is called with a line of text before something that takes long
 */
export async function startPair(options: {
  folder?: { orthanc: string; state: string };
  ports?: { orthanc: number; dicom: number; service: number };
  log: Logger;
  onProgress: (line: string) => void;
}): Promise<Pair> {
  const port = await freePort(options.ports?.service);
  const dicomPort = await freePort(options.ports?.dicom);
  const secret = randomBytes(24).toString('base64url');
  /** Stops what has been started, in reverse order. */
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const stopPart of stops.splice(0).reverse()) await stopPart();
  };
  try {
    options.onProgress('Starting Orthanc …');
    const orthanc = await startOrthanc({
      port: await freePort(options.ports?.orthanc),
      dicomPort,
      ...(options.folder ? { folder: options.folder.orthanc } : {}),
      hook: { url: `http://127.0.0.1:${port}/hook`, secret },
      plugins: ['dicomweb', 'gdcm'],
      explorer: true,
      // Orthanc listens on loopback without a login, so each of its users is the user of this machine.
      configuration: { Plainview: { DefaultRole: 'admin' } },
      onProgress: options.onProgress,
    });
    stops.push(() => orthanc.discard());
    const config = loadConfig({
      ...process.env,
      PLAINVIEW_ORTHANC_URL: orthanc.url,
      PLAINVIEW_SECRET: secret,
      PLAINVIEW_SECRET_FILE: '',
      PLAINVIEW_HOST: '127.0.0.1',
      PLAINVIEW_PORT: String(port),
      PLAINVIEW_STATE_DIR: options.folder?.state ?? orthanc.folder,
    });
    options.onProgress('Loading the network …');
    const classifier = await openClassifier(config, options.log);
    stops.push(() => classifier.close());
    const service = await startService(config, classifier, { log: options.log });
    stops.push(() => service.stop());
    await service.ready;
    return {
      orthanc,
      dicomPort,
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
