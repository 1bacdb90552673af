import { afterEach } from 'vitest';
import { type Stub, stubClassifier } from './classifier.js';
import { startTestService, type TestService } from './service.js';

type StubOptions = Partial<Parameters<typeof startTestService<Stub>>[0]>;

/** Starts services with a stub classifier for one Orthanc. Stops them after each test. */
export function useServices(
  real: { readonly orthanc: { url: string } },
  hook: { secret: string; port: number },
) {
  const running: TestService[] = [];
  const stop = async () => {
    for (const started of running.splice(0)) await started.stop();
  };
  afterEach(stop);
  const service = async (options: StubOptions = {}): Promise<TestService> => {
    const started = await startTestService({
      orthanc: real.orthanc.url,
      hook,
      classifier: stubClassifier(),
      ...options,
    });
    running.push(started);
    return started;
  };
  return { running, service, stop };
}
