import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command } from 'commander';
import { pino } from 'pino';
import { loadConfig } from '../config/load.js';
import { createError } from '../errors/errors.js';
import { lockFolder } from '../store/folder-lock.js';
import { progressBar } from './progress.js';

export const storeCommand = () =>
  new Command('store').description('manage the state that Plainview keeps').addCommand(importCommand());

const importCommand = () =>
  new Command('import')
    .description(
      'copy the state from the folder PLAINVIEW_STATE_DIR into the database PLAINVIEW_DATABASE_URL, once, while no service runs',
    )
    .action(async () => {
      const { databaseUrl, stateDir } = loadConfig(process.env);
      if (databaseUrl === undefined)
        throw createError('usage', { problem: 'PLAINVIEW_DATABASE_URL is not set' });
      if (!existsSync(stateDir)) throw createError('usage', { problem: `there is no folder ${stateDir}` });
      const log = pino({ level: 'silent' });
      const { Database, Membership, importFolder } = await import('../store/postgresql/open.js');
      const folder = await lockFolder(stateDir, log);
      try {
        const database = await Database.open(databaseUrl, log, AbortSignal.timeout(5000));
        try {
          const membership = await Membership.join(database, {
            who: `plainview store import on ${hostname()} (${process.pid})`,
            url: '',
            mayLead: true,
            log,
          });
          const bar = progressBar(undefined, 'documents');
          try {
            const { who, leads } = await membership.someLeads();
            if (!leads) throw createError('database_in_use', { place: database.place, holder: who });
            const { taken, same, different } = await importFolder(
              stateDir,
              database,
              membership,
              bar.advance,
            );
            bar.stop();
            if (taken + same + different.length === 0)
              throw createError('usage', {
                problem: `the folder ${stateDir} holds no state. PLAINVIEW_STATE_DIR must name the one of the service that ran before`,
              });
            console.log(
              `${taken} documents are copied from ${stateDir} to ${database.place}; ${same} were there already`,
            );
            for (const key of different) console.log(`${key}: the database has another content, which stays`);
          } finally {
            bar.stop();
            await membership.leave();
          }
        } finally {
          await database.close();
        }
      } finally {
        await folder.release();
      }
    });
