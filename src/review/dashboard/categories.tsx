import type { Statistics } from '../api/schema.js';
import { worklistHref } from '../state/worklist.js';
import { count, spoken } from '../ui/format.js';
import { TableScroll } from '../ui/table-scroll.js';

/** Which categories were given when: a small line of bars each, to a scale of its own. */
export function Categories({ told: { categories, decisions } }: { told: Statistics }) {
  const sorted = [...categories]
    .filter(({ total }) => total > 0)
    .sort((one, other) => other.total - one.total);
  const step = 120 / Math.max(decisions.length, 1);
  return (
    <section class="panel" aria-labelledby="categories-title">
      <h2 id="categories-title">Categories over time</h2>
      {sorted.length === 0 ? (
        <p>No category was given in this time.</p>
      ) : (
        <TableScroll name="Categories over time">
          <table>
            <thead>
              <tr>
                <th scope="col">Category</th>
                <th scope="col">By day</th>
                <th scope="col">Given</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map(({ category, perDay, total }) => (
                <tr key={category}>
                  <th scope="row">
                    <a href={worklistHref({ state: 'recent', category })}>{spoken(category)}</a>
                  </th>
                  <td>
                    <svg
                      class="spark"
                      viewBox="0 0 120 20"
                      preserveAspectRatio="none"
                      role="img"
                      aria-label={`${Math.max(0, ...perDay)} a day at most`}
                    >
                      {perDay.map((value, index) => (
                        <rect
                          key={decisions[index]?.at ?? index}
                          class="given"
                          x={index * step}
                          y={20 - (20 * value) / Math.max(1, ...perDay)}
                          width={step * 0.8}
                          height={(20 * value) / Math.max(1, ...perDay)}
                        />
                      ))}
                    </svg>
                  </td>
                  <td>{count(total)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableScroll>
      )}
    </section>
  );
}
