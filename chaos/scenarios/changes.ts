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
  // One after the other: Orthanc and the services of a run are in this process, and keep one core busy.
  for (const { operation, followUps, name } of cases) {
    const { kills, problems } = await problemsOf(operation, followUps, () => random() < scale).catch(
      (error: Error) => ({ kills: 0, problems: [`${name}: ${error.message}`] }),
    );
    rows[name] = { kills, wrong: problems.length };
    violations.push(...problems);
    log(`${name}: ${kills} kills`);
  }
  discardStates();
  const total = Object.values(rows).reduce((sum, { kills }) => sum + Number(kills), 0);
  return { title: `Killed before each change: ${total} kills (a simulated Orthanc)`, rows, violations };
};
