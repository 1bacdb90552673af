import type { Statistics } from '../api/schema.js';
import { count } from '../base/format.js';
import { worklistHref } from '../state/filters.js';
import { texts } from '../texts/index.js';
import { TableScroll } from '../ui/table-scroll.js';

type Shadow = Statistics['shadows'][number];

const mostShown = 12;

/** Where a second network would have decided otherwise, and who was right. */
export function Shadows({ shadows }: { shadows: readonly Shadow[] }) {
  if (shadows.length === 0) return null;
  return (
    <section class="panel wide" aria-labelledby="shadow-title">
      <h2 id="shadow-title">{texts.shadowTitle}</h2>
      <p class="quiet">{texts.shadowNote}</p>
      {shadows.map((each) => (
        <Pair key={`${each.network.sha256} ${each.shadow.sha256}`} of={each} />
      ))}
    </section>
  );
}

function Pair({ of }: { of: Shadow }) {
  const { network, shadow, decided, failed, partings, right } = of;
  const parted = partings.reduce((sum, { count: number }) => sum + number, 0);
  return (
    <>
      <TableScroll name={texts.shadowTable(network.name)}>
        <table class="agreement">
          <caption>
            <strong>{texts.shadowPair(network.name, shadow.name)}</strong>{' '}
            <span class="quiet">{shadow.sha256.slice(0, 8)}</span> –{' '}
            {texts.shadowSummary(parted, decided, failed)}
          </caption>
          <thead>
            <tr>
              <th scope="col">{texts.shadowNetworkSaid}</th>
              <th scope="col">{texts.shadowSaid}</th>
              <th scope="col">{texts.shadowCount}</th>
            </tr>
          </thead>
          <tbody>
            {partings.slice(0, mostShown).map((each) => (
              <tr key={`${each.network} ${each.shadow}`}>
                <th scope="row">{texts.categoryName(each.network)}</th>
                <td>{texts.categoryName(each.shadow)}</td>
                <td>{count(each.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableScroll>
      {partings.length > mostShown && <p class="quiet">{texts.shadowMore(partings.length - mostShown)}</p>}
      <p>{texts.shadowRight(right)}</p>
      {parted > 0 && (
        <p>
          <a href={worklistHref({ state: 'recent', shadow: 'differs' })}>{texts.shadowExamples}</a>
        </p>
      )}
    </>
  );
}
