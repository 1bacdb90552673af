import { randomUUID } from 'node:crypto';
import { type SandboxOrthanc, startOrthanc } from '../src/sandbox/orthanc.js';
import { freePort } from '../src/sandbox/ports.js';
import { ServiceProcess } from '../testkit/service-process.js';
import { asTested } from '../testkit/variants.js';

export interface Deployment {
  orthanc: SandboxOrthanc;
  /** Creates a service without starting it. The hook calls the first one. */
  newService(options?: { orthanc?: string; env?: Record<string, string> }): Promise<ServiceProcess>;
}

/** Runs `use` with an empty Orthanc that has the hook. Deletes Orthanc and all services at the end. */
export async function withDeployment<T>(
  use: (stage: Deployment) => Promise<T>,
  configuration: Record<string, unknown> = {},
): Promise<T> {
  const services: ServiceProcess[] = [];
  const [hookPort, secret] = [await freePort(), randomUUID()];
  const hook = { url: `http://127.0.0.1:${hookPort}/hook`, secret };
  const orthanc = await startOrthanc(await asTested({ hook, configuration }));
  try {
    return await use({
      orthanc,
      newService: async (options = {}) => {
        const service = new ServiceProcess({
          orthanc: orthanc.url,
          port: services.length === 0 ? hookPort : await freePort(),
          secret,
          ...options,
          env: { PLAINVIEW_CHANGES_POLL_MS: '500', ...options.env },
        });
        services.push(service);
        return service;
      },
    });
  } finally {
    for (const service of services) await service.discard();
    await orthanc.discard();
  }
}
