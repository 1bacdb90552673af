import type { PlainviewError } from '../../../src/errors/errors.js';
import type { FollowUp } from '../../../src/followups/follow-up.js';
import { Metrics } from '../../../src/metrics/metrics.js';
import type { InstanceId } from '../../../src/orthanc/ids.js';
import type { KeptFeatures } from '../../../src/pipeline/kept-features.js';
import { Pipeline } from '../../../src/pipeline/pipeline.js';
import type { Job } from '../../../src/queue/queue.js';
import { InWork } from '../../../src/store/in-work.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import type { FakeSite } from '../../../testkit/fake-site.js';

/** A follow-up that notes what is asked of it. */
export class NotingFollowUp implements FollowUp {
  readonly ran: InstanceId[] = [];
  readonly givenUp: { code: string; message: string }[] = [];
  due = true;
  failure: PlainviewError | undefined;

  constructor(readonly name: string) {}

  isDue(): boolean {
    return this.due;
  }

  async run(id: InstanceId): Promise<void> {
    this.ran.push(id);
    if (this.failure !== undefined) throw this.failure;
    this.due = false;
  }

  async recordFailure(_: unknown, failure: { code: string; message: string }): Promise<void> {
    this.givenUp.push(failure);
    this.due = false;
  }
}

/** A pipeline on the fake Orthanc that begins now. */
export function pipelineOn(
  site: FakeSite,
  {
    env = {},
    followUps = [],
    sha256,
    kept,
  }: {
    env?: NodeJS.ProcessEnv;
    followUps?: FollowUp[];
    sha256?: string;
    kept?: KeptFeatures;
  } = {},
) {
  const process = site.process(env);
  const classifier = stubClassifier(sha256);
  const metrics = new Metrics();
  const pipeline = new Pipeline({
    ...process,
    inWork: new InWork(site.stateDir),
    classifier,
    metrics,
    followUps,
    ...(kept === undefined ? {} : { kept }),
  });
  return { ...process, classifier, pipeline, metrics };
}

export const jobOf = (instance: InstanceId): Job => ({
  instance,
  reason: 'hook',
  attempt: 1,
});

export const failure = { code: 'orthanc_failed', message: 'Orthanc failed' };
