import type { Statistics } from '../api/schema.js';
import { count } from '../base/format.js';
import { worklistHref } from '../state/filters.js';
import { texts } from '../texts/index.js';
import { TableScroll } from '../ui/table-scroll.js';

/** How often each category was given by day: a small chart each, with a scale of its own. */
export function Categories({ statistics: { categories, decisions } }: { statistics: Statistics }) {
  const sorted = [...categories]
    .filter(({ total }) => total > 0)
    .sort((one, other) => other.total - one.total);
  const step = 120 / Math.max(decisions.length, 1);
  return (
    <section class="panel" aria-labelledby="categories-title">
      <h2 id="categories-title">{texts.categoriesTitle}</h2>
      {sorted.length === 0 ? (
        <p>{texts.categoriesNone}</p>
      ) : (
        <TableScroll name={texts.categoriesTitle}>
          <table>
            <thead>
              <tr>
                <th scope="col">{texts.categoriesCategory}</th>
                <th scope="col">{texts.categoriesByDay}</th>
                <th scope="col">{texts.categoriesGiven}</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map(({ category, perDay, total }) => (
                <tr key={category}>
                  <th scope="row">
                    <a href={worklistHref({ state: 'recent', category })}>{texts.categoryName(category)}</a>
                  </th>
                  <td>
                    <svg
                      class="spark"
                      viewBox="0 0 120 20"
                      preserveAspectRatio="none"
                      role="img"
                      aria-label={texts.categoriesMost(Math.max(0, ...perDay))}
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
