import { type History, runHistory } from '../../testkit/history/history.js';
import { discardStates } from '../../testkit/mortal-service.js';
import { type Scenario, sized } from '../report.js';

/** Random histories with kills: nothing that was acknowledged is lost, and nothing is invented. */
export const histories: Scenario = async (options) => {
  const count = sized(1000, options);
  const first = Math.floor(options.random() * 1_000_000_000);
  const violations: string[] = [];
  const done: History[] = [];
  for (let n = 0; n < count; n++) {
    const history = await runHistory(first + n);
    done.push(history);
    violations.push(...history.problems);
    for (const problem of history.problems) options.log(problem);
    if ((n + 1) % 50 === 0) options.log(`${n + 1} of ${count}, ${violations.length} violations`);
    discardStates();
  }
  const sum = (what: 'kills' | 'words' | 'requests' | 'losses') =>
    done.reduce((total, history) => total + history[what], 0);
  return {
    title: `Random histories, seeds ${first} to ${first + count - 1} (a simulated Orthanc)`,
    rows: {
      histories: { value: count },
      'with two services': { value: done.filter(({ services }) => services === 2).length },
      kills: { value: sum('kills') },
      'corrections and undos acknowledged': { value: sum('words') },
      'requests acknowledged': { value: sum('requests') },
      'pictures replaced, moved, merged, deleted': { value: sum('losses') },
      violations: { value: violations.length },
    },
    violations,
  };
};
