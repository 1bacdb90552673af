import { Command, Option } from 'commander';
import { sleep } from '../async/sleep.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import { sweepOrders, sweepProgress } from '../contract/sweep.js';
import { createError } from '../errors/errors.js';
import { progressBar } from './progress.js';
import { callService } from './service-client.js';

export const sweepCommand = () =>
  new Command('sweep')
    .description(
      'have the running service search the archive for radiographs without a decision, and show its progress',
    )
    .addOption(new Option('--order <order>', 'which radiographs come first').choices(sweepOrders))
    .option('--no-wait', 'do not wait until it ends')
    .action(async ({ order, wait }: { order?: string; wait: boolean }) => {
      const config = loadConfig(process.env);
      let state = await callSweep(config, 'POST', order === undefined ? {} : { order });
      if (!wait)
        return console.log(
          `the sweep has started${state.why === undefined ? '' : `, but waits: ${state.why}`}`,
        );
      // The total is 0 if the service has not counted yet, or if this Orthanc cannot count.
      const bar = progressBar(state.total || undefined, 'series', state.done);
      let shownReason: string | undefined;
      try {
        while (state.state !== 'idle') {
          if (state.why !== undefined && state.why !== shownReason) {
            bar.hide();
            console.error(`the sweep waits: ${state.why}`);
          }
          shownReason = state.why;
          await sleep(500, new AbortController().signal);
          const { done } = state;
          state = await callSweep(config, 'GET');
          bar.advance(Math.max(0, state.done - done));
        }
      } finally {
        bar.stop();
      }
      if (state.problem !== undefined) throw createError('sweep_broke_off', { why: state.problem });
      console.log(`${state.done} series looked through, ${state.found} instances needed a look`);
      const kinds = Object.entries(state.leftAlone).map(([kind, count]) => `${kind} ${count}`);
      if (kinds.length > 0)
        console.log(`series of other kinds (PLAINVIEW_MODALITIES), left alone: ${kinds.join(', ')}`);
      if (state.left > 0)
        console.log(`${state.left} studies were not changed. For the reasons see the service's log.`);
    });

const callSweep = (config: Config, method: 'GET' | 'POST', body?: object) =>
  callService(sweepProgress, config, {
    method,
    path: '/api/v1/sweep',
    ...(body === undefined ? {} : { body }),
  });
