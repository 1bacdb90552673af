import type { Statistics } from '../api/schema.js';
import { count, percent, spoken } from '../ui/format.js';
import { TableScroll } from '../ui/table-scroll.js';
import { wilson } from './wilson.js';

type Network = Statistics['agreement'][number];

/** How often people agreed with each network, category by category: what a site can trust it with. */
export function Agreement({ told }: { told: Statistics['agreement'] }) {
  return (
    <section class="panel wide" aria-labelledby="agreement-title">
      <h2 id="agreement-title">People and the network</h2>
      <p class="quiet">
        How often a person who looked agreed with what the network was sure of. Nobody looks at everything, so
        this is no measure of its accuracy. Lines are 95 % intervals (Wilson).
      </p>
      {told.length === 0 && <p>Nobody has confirmed or corrected anything in this time.</p>}
      {told.map((network) => (
        <OneNetwork key={network.network.sha256} told={network} />
      ))}
    </section>
  );
}

function OneNetwork({ told }: { told: Network }) {
  const { network, confirmed, corrected, unsure } = told;
  const categories = [...told.categories].sort(
    (one, other) => other.confirmed + other.corrected - (one.confirmed + one.corrected),
  );
  return (
    <TableScroll name={`Agreement with ${network.name}`}>
      <table class="agreement">
        <caption>
          <strong>{network.name}</strong> <span class="quiet">{network.sha256.slice(0, 8)}</span> – agreed in{' '}
          {percent(confirmed, confirmed + corrected)} of {count(confirmed + corrected)}; where it had asked
          for a person, its best guess was right in{' '}
          {percent(unsure.confirmed, unsure.confirmed + unsure.corrected)} of{' '}
          {count(unsure.confirmed + unsure.corrected)}
        </caption>
        <thead>
          <tr>
            <th scope="col">The network said</th>
            <th scope="col">People agreed</th>
            <th scope="col">
              <span class="unseen">Interval</span>
            </th>
            <th scope="col">Looked at</th>
            <th scope="col">Said instead</th>
          </tr>
        </thead>
        <tbody>
          {categories.map((each) => (
            <OneCategory key={each.category} told={each} />
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

function OneCategory({ told }: { told: Network['categories'][number] }) {
  const { category, confirmed, corrected, insteadOf } = told;
  const all = confirmed + corrected;
  const [low, high] = wilson(confirmed, all);
  return (
    <tr>
      <th scope="row">{spoken(category)}</th>
      <td>{percent(confirmed, all)}</td>
      <td>
        <svg
          class="interval"
          viewBox="0 0 100 12"
          preserveAspectRatio="none"
          role="img"
          aria-label={`${percent(low, 1)} to ${percent(high, 1)}`}
        >
          <path class="grid" d="M0 6H100" />
          <path class="range" d={`M${100 * low} 6H${100 * high}`} />
          <rect class="point" x={(100 * confirmed) / Math.max(all, 1) - 1} y="1" width="2" height="10" />
        </svg>
      </td>
      <td>{count(all)}</td>
      <td class="quiet">
        {insteadOf
          .slice(0, 3)
          .map(
            (other) =>
              `${other.category === null ? 'none of these' : spoken(other.category)} ${count(other.count)}`,
          )
          .join(', ')}
      </td>
    </tr>
  );
}
