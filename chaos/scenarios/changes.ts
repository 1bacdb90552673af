import pMap from 'p-map';
import { combinations, nameOf, operations, problemsOf } from '../../testkit/kill-matrix.js';
import { discardStates } from '../../testkit/mortal-service.js';
import type { Scenario } from '../report.js';

/** Kills the service before each change of each operation, with each combination of what follows. */
export const changes: Scenario = async ({ random, scale, log }) => {
  const rows: Record<string, Record<string, string | number>> = {};
  const violations: string[] = [];
  const cases = operations.flatMap((operation) =>
    combinations.map((followUps) => ({ operation, followUps, name: `${operation}, ${nameOf(followUps)}` })),
  );
  // A killed run mostly waits.
  await pMap(
    cases,
    async ({ operation, followUps, name }) => {
      const { kills, problems } = await problemsOf(operation, followUps, () => random() < scale).catch(
        (error: Error) => ({ kills: 0, problems: [`${name}: ${error.message}`] }),
      );
      rows[name] = { kills, wrong: problems.length };
      violations.push(...problems);
      log(`${name}: ${kills} kills`);
    },
    { concurrency: 4 },
  );
  discardStates();
  const total = Object.values(rows).reduce((sum, { kills }) => sum + Number(kills), 0);
  return { title: `Killed before each change: ${total} kills (a simulated Orthanc)`, rows, violations };
};
