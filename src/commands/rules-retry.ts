import { Command } from 'commander';
import { slices } from '../async/slices.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { maxResentInstances, resendRoutesAnswer } from '../contract/resend-routes.js';
import { isFailedRoute, routeLabels, routesOf } from '../followups/routing/routes-record.js';
import type { InstanceId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { progressBar } from './progress.js';
import { callService } from './service-client.js';

/** The service does it, because only the service knows its own pending writes to the same instances. */
export const retryCommand = () =>
  new Command('retry')
    .description(
      'have the running service send again what destinations refused (label route_failed), with the current decision',
    )
    .option('--to <destination>', 'only to this destination (peer:orthopaedics)')
    .option('--dry-run', 'only list the instances, with the reasons')
    .action(async ({ to, dryRun = false }: { to?: string; dryRun?: boolean }) => {
      const config = loadConfig(process.env);
      const orthanc = new Orthanc(config);
      const label = config.labelPrefix + routeLabels.failed;
      try {
        const count = dryRun
          ? await list(orthanc, label, to)
          : await retry(config, await orthanc.search.labelled(label), to);
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
    for (const { to, ended, why } of record?.routes.filter(isFailedRoute(record)) ?? [])
      if (only === undefined || to === only) {
        console.log([instance.ID, to, ended, why].join('\t'));
        count++;
      }
  }
  return count;
}

/** @returns the number of transfers to repeat */
async function retry(config: Config, ids: readonly InstanceId[], to: string | undefined): Promise<number> {
  const bar = progressBar(ids.length, 'instances');
  let count = 0;
  try {
    for (const instances of slices(ids, maxResentInstances)) {
      const { again } = await callService(resendRoutesAnswer, config, {
        method: 'POST',
        path: '/api/v1/routes/retry',
        body: { instances, to },
        timeoutMs: 120_000, // several writes per instance to a busy Orthanc
      });
      count += again.reduce((sum, each) => sum + each.to.length, 0);
      bar.advance(instances.length);
    }
  } finally {
    bar.stop();
  }
  return count;
}
