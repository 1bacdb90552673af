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

/** The service does it: it alone knows what it is about to write to the same instances. */
export const retryCommand = () =>
  new Command('retry')
    .description(
      'have the running service send once more what destinations did not take (label route_failed), as it stands decided',
    )
    .option('--to <destination>', 'only to this one: peer:orthopaedics')
    .option('--dry-run', 'only list it, with the reasons')
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

/** @returns how many sendings failed */
async function list(orthanc: Orthanc, label: string, only: string | undefined): Promise<number> {
  let count = 0;
  for await (const instance of orthanc.search.labelledWithMetadata(label)) {
    const known = routesOf(instance);
    for (const { to, ended, why } of known?.routes.filter(isFailedRoute(known)) ?? [])
      if (only === undefined || to === only) {
        console.log([instance.ID, to, ended, why].join('\t'));
        count++;
      }
  }
  return count;
}

/** @returns how many are to be sent again */
async function retry(config: Config, ids: readonly InstanceId[], to: string | undefined): Promise<number> {
  const bar = progressBar(ids.length, 'instances');
  let count = 0;
  try {
    for (const instances of slices(ids, maxResentInstances)) {
      const { again } = await callService(resendRoutesAnswer, config, {
        method: 'POST',
        path: '/api/v1/routes/retry',
        body: { instances, to },
        timeoutMs: 120_000, // several writes for each to a busy Orthanc
      });
      count += again.reduce((sum, each) => sum + each.to.length, 0);
      bar.advance(instances.length);
    }
  } finally {
    bar.stop();
  }
  return count;
}
