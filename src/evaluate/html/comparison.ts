import { otherClass } from '../../classify/decide.js';
import type { Comparison, Paired } from '../comparison.js';
import { differenceText, interval, percent, pText } from '../format.js';
import { splitGallery, type Thumbnails } from './gallery.js';
import { type Html, html } from './markup.js';

/** The section that compares two networks. */
export function comparisonSection(
  comparison: Comparison,
  names: readonly string[],
  thumbnails: Thumbnails | undefined,
): Html {
  const [first = '', second = ''] = names;
  const { best, forcedChoice, given, otherCaught, categories, notCompared, splits } = comparison;
  const all: [string, Paired][] = [
    ['best class right, nothing held back', best],
    [`best category right, ${otherClass} no answer`, forcedChoice],
    ['given the right category at its thresholds', given],
    [`${otherClass} caught at its thresholds`, otherCaught],
  ];
  const apart = categories.filter(({ onlyFirst, onlySecond }) => onlyFirst + onlySecond > 0);
  return html`<section><h2>${first} against ${second}</h2>
${pairedTable(
  'The two compared',
  html`The same pictures. A: ${first}, B: ${second}; percent with 95 % intervals, differences in points.${notCompared === 0 ? '' : ` ${notCompared} pictures of categories that only one of them has are left out.`}`,
  all,
)}
<h3>By category, nothing held back</h3>
${
  apart.length === 0
    ? html`<p>No difference at any picture.</p>`
    : pairedTable(
        'The two compared by category',
        html`Sensitivities, where they differ at any picture: ${apart.length} of ${categories.length} categories. Each row is a test of its own, so that some have a small p by chance.`,
        apart.map((row) => [row.category, row]),
      )
}
<h3>Where only one is right</h3>
${splits.length === 0 ? html`<p>Nowhere.</p>` : html`<p>The surest errors first; what stands out is wrong.</p>${splitGallery(splits, thumbnails)}`}
</section>`;
}

function pairedTable(label: string, caption: Html, rows: readonly (readonly [string, Paired])[]): Html {
  const row = ([name, paired]: readonly [string, Paired]) =>
    html`<tr><th scope="row">${name}</th><td class="n">${paired.n}</td>${[paired.first, paired.second].map((value) => html`<td class="n">${percent(value.share)}</td><td class="ci">${value.share === null ? '' : `(${interval(value)})`}</td>`)}<td class="n">${differenceText(paired.difference)}</td><td class="n">${paired.onlyFirst}</td><td class="n">${paired.onlySecond}</td><td class="n">${pText(paired.mcnemar.exact)}</td><td class="n">${pText(paired.mcnemar.midP)}</td></tr>
`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table class="figures"><caption>${caption}</caption>
<thead><tr><td></td><th scope="col" class="n">n</th><th scope="col" colspan="2">A</th><th scope="col" colspan="2">B</th><th scope="col" class="n">B − A</th><th scope="col" class="n">only A</th><th scope="col" class="n">only B</th><th scope="col" class="n">p (exact)</th><th scope="col" class="n">mid-p</th></tr></thead>
<tbody>
${rows.map(row)}</tbody></table></div>`;
}
