import type { Statistics } from '../api/schema.js';
import { count, percent } from '../base/format.js';
import { texts } from '../texts/index.js';
import { IntervalLine } from '../ui/interval-line.js';
import { TableScroll } from '../ui/table-scroll.js';
import { wilson } from './wilson.js';

type NetworkAgreement = Statistics['agreement'][number];

/** How often people agreed with each network, by category: how far a site can trust it. */
export function Agreement({
  networks,
  answers,
}: {
  networks: readonly NetworkAgreement[];
  answers: Statistics['acknowledged'];
}) {
  return (
    <section class="panel wide" aria-labelledby="agreement-title">
      <h2 id="agreement-title">{texts.agreementTitle}</h2>
      <p class="quiet">{texts.agreementNote}</p>
      {networks.length === 0 && <p>{texts.agreementNone}</p>}
      {networks.map((agreement) => (
        <NetworkTable key={agreement.network.sha256} agreement={agreement} />
      ))}
      {Object.values(answers).some((number) => number > 0) && <p>{texts.mismatchSummary(answers)}</p>}
    </section>
  );
}

function NetworkTable({ agreement }: { agreement: NetworkAgreement }) {
  const { network, unsure } = agreement;
  const categories = [...agreement.categories].sort(
    (one, other) => other.confirmed + other.corrected - (one.confirmed + one.corrected),
  );
  return (
    <TableScroll name={texts.agreementTable(network.name)}>
      <table class="agreement">
        <caption>
          <strong>{network.name}</strong> <span class="quiet">{network.sha256.slice(0, 8)}</span> –{' '}
          {texts.agreementSummary(agreement, unsure)}
        </caption>
        <thead>
          <tr>
            <th scope="col">{texts.agreementSaid}</th>
            <th scope="col">{texts.agreementAgreed}</th>
            <th scope="col">
              <span class="visually-hidden">{texts.agreementInterval}</span>
            </th>
            <th scope="col">{texts.agreementChecked}</th>
            <th scope="col">{texts.agreementInstead}</th>
          </tr>
        </thead>
        <tbody>
          {categories.map((each) => (
            <CategoryRow key={each.category} agreement={each} />
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

function CategoryRow({ agreement }: { agreement: NetworkAgreement['categories'][number] }) {
  const { category, confirmed, corrected, insteadOf } = agreement;
  const all = confirmed + corrected;
  const [low, high] = wilson(confirmed, all);
  return (
    <tr>
      <th scope="row">{texts.categoryName(category)}</th>
      <td>{percent(confirmed, all)}</td>
      <td>
        <IntervalLine
          share={confirmed / Math.max(all, 1)}
          low={low}
          high={high}
          end={1}
          name={texts.agreementRange(low, high)}
        />
      </td>
      <td>{count(all)}</td>
      <td class="quiet">
        {insteadOf
          .slice(0, 3)
          .map((other) => texts.agreementInsteadOf(other.category, other.count))
          .join(', ')}
      </td>
    </tr>
  );
}
