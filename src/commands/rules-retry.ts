import { Command } from 'commander';
import { slices } from '../async/slices.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { maxResent, resendRoutesAnswer } from '../contract/resend-routes.js';
import {
  isFailedRoute,
  routeLabels,
  routesOf,
  type StudyRoute,
  studyRoutesOf,
} from '../followups/routing/routes-record.js';
import type { InstanceId, StudyId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { progressBar } from './progress.js';
import { callService } from './service-client.js';

/** The service does it, because only the service knows its own pending writes to the same instances and studies. */
export const retryCommand = () =>
  new Command('retry')
    .description(
      'have the running service send again what destinations refused (label route_failed), instances and studies, as they are decided now',
    )
    .option('--to <destination>', 'only to this destination (peer:orthopaedics)')
    .option('--dry-run', 'only list them, with the reasons')
    .action(async ({ to, dryRun = false }: { to?: string; dryRun?: boolean }) => {
      const config = loadConfig(process.env);
      const orthanc = new Orthanc(config);
      const label = config.labelPrefix + routeLabels.failed;
      const studiesFailed = () =>
        orthanc.search.studiesLabelled(label, {}, { since: 0, limit: Number.POSITIVE_INFINITY });
      try {
        const count = dryRun
          ? (await list(orthanc, label, to)) + (await listStudies(orthanc, await studiesFailed(), to))
          : await retry(
              config,
              { instances: await orthanc.search.labelled(label), studies: await studiesFailed() },
              to,
            );
        console.error(`${count} ${dryRun ? 'would be' : 'are to be'} sent again`);
      } finally {
        orthanc.close();
      }
    });

/** @returns the number of failed transfers */
async function list(orthanc: Orthanc, label: string, only: string | undefined): Promise<number> {
  let count = 0;
  for await (const instance of orthanc.search.labelledWithMetadata(label)) {
    const record = routesOf(instance);
    count += print(instance.ID, record?.routes.filter(isFailedRoute(record)) ?? [], only);
  }
  return count;
}

async function listStudies(
  orthanc: Orthanc,
  studies: readonly StudyId[],
  only: string | undefined,
): Promise<number> {
  let count = 0;
  for (const study of studies) {
    const group = await orthanc.hierarchy.group('studies', study);
    const record = group && studyRoutesOf(group);
    count += print(study, record?.routes.filter(isFailedRoute({ of: record.content })) ?? [], only);
  }
  return count;
}

function print(id: InstanceId | StudyId, failed: readonly StudyRoute[], only: string | undefined): number {
  const shown = failed.filter(({ to }) => only === undefined || to === only);
  for (const { to, ended, why } of shown) console.log([id, to, ended, why].join('\t'));
  return shown.length;
}

/** @returns the number of transfers to repeat */
async function retry(
  config: Config,
  { instances, studies }: { instances: readonly InstanceId[]; studies: readonly StudyId[] },
  to: string | undefined,
): Promise<number> {
  const bar = progressBar(instances.length + studies.length, 'instances and studies');
  const bodies = [
    ...[...slices(instances, maxResent)].map((some) => ({
      size: some.length,
      body: { instances: some, to },
    })),
    ...[...slices(studies, maxResent)].map((some) => ({ size: some.length, body: { studies: some, to } })),
  ];
  let count = 0;
  try {
    for (const { size, body } of bodies) {
      const answer = await callService(resendRoutesAnswer, config, {
        method: 'POST',
        path: '/api/v1/routes/retry',
        body,
        timeoutMs: 120_000, // several writes per instance to a busy Orthanc
      });
      count += [...answer.again, ...answer.studies].reduce((sum, each) => sum + each.to.length, 0);
      bar.advance(size);
    }
  } finally {
    bar.stop();
  }
  return count;
}
