import { problemsOfHistory } from '../../testkit/history.js';
import { discardStates } from '../../testkit/mortal-service.js';
import { type Scenario, sized } from '../report.js';

/** Random histories with kills: nothing that was acknowledged is lost, and nothing is invented. */
export const histories: Scenario = async (options) => {
  const count = sized(1000, options);
  const first = Math.floor(options.random() * 1_000_000_000);
  const violations: string[] = [];
  for (let n = 0; n < count; n++) {
    violations.push(...(await problemsOfHistory(first + n)));
    if ((n + 1) % 50 === 0) options.log(`${n + 1} of ${count}, ${violations.length} violations`);
  }
  discardStates();
  return {
    title: 'Random histories (a simulated Orthanc)',
    rows: { histories: { value: count }, violations: { value: violations.length } },
    violations,
  };
};
