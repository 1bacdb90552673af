import { otherClass } from '../../classify/decide.js';
import type { Figures } from '../figures.js';
import { counted, interval, namesOf, percent, thresholdsText } from '../format.js';
import type { Evaluation, Report } from '../report.js';
import type { Proportion } from '../statistics.js';
import { curveChart, reliabilityChart } from './charts.js';
import { comparisonSection } from './comparison.js';
import { gallery, type Thumbnails } from './gallery.js';
import { Html, html } from './markup.js';
import { style } from './style.js';
import { categoryTable, confusionTable, groupTable } from './tables.js';

/**
 * The whole report as a single HTML page without scripts. Its Content-Security-Policy forbids the browser to load
 * anything.
 * @param thumbnails undefined: without pictures
 */
export function reportPage(report: Report, thumbnails: Thumbnails | undefined): string {
  const { data, evaluations, comparison, when } = report;
  const names = namesOf(evaluations.map(({ network }) => network));
  const title = `${names.join(' and ')}, evaluated on ${data.pictures} pictures`;
  const warnings = [
    ...(thumbnails === undefined || evaluations.every(({ worst }) => worst.length === 0)
      ? []
      : [
          'This page holds pictures of patients. Treat it as you treat those, or make it with --no-thumbnails.',
        ]),
    ...data.warnings,
  ];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title><style>${new Html(style)}</style></head>
<body><main>
<h1>${title}</h1>
${facts([
  ['data', html`<code>${data.name}</code>`],
  ...(data.sha256 === undefined ? [] : [pair('labels, SHA-256', html`<code>${data.sha256}</code>`)]),
  [
    'pictures',
    `${data.pictures}${data.patients === undefined ? '' : ` of ${data.patients} patients`}; ${data.unread.length} unreadable`,
  ],
  ['date', `${when.slice(0, 16).replace('T', ' ')} UTC, Plainview ${report.plainview}`],
])}
${warningList(warnings)}
${comparison === undefined ? undefined : comparisonSection(comparison, names, thumbnails)}
${evaluations.map((evaluation, i) => section(evaluation, names[i] ?? '', data.by, thumbnails))}
${unreadList(data.unread)}
${definitions}
</main></body></html>
`.text;
}

function section(
  { network, engine, figures, worst, warnings }: Evaluation,
  name: string,
  by: string | undefined,
  thumbnails: Thumbnails | undefined,
): Html {
  const { curve, calibration, groups, confusion, pictures } = figures;
  const operating = {
    labelled: figures.labelled,
    right: figures.rightOfLabelled,
    text: `threshold ${network.thresholds.threshold}`,
  };
  return html`<section><h2>${name}</h2>
${facts([
  ['network, SHA-256', html`<code>${network.sha256}</code>`],
  ['purpose', network.purpose],
  ['thresholds', thresholdsText(network.thresholds)],
  ['pictures', `${pictures.categories} of its categories, ${pictures.other} of none of them (${otherClass})`],
  ['run by', network.precision === undefined ? engine : `${engine}, ${network.precision}`],
])}
${warningList(warnings)}
${tiles(figures)}
<h3>By category</h3>
${categoryTable(figures)}
<h3>What was taken for what</h3>
${confusionTable(confusion)}
<h3>Knowing when it does not know</h3>
<div class="charts">
<figure>${curveChart(curve, pictures.other > 0, operating)}<figcaption>Risk–coverage curve over the threshold. Solid: of all that is labelled${pictures.other > 0 ? html`, an <i>other</i> picture that is given a category counting as wrong; dashed: without those` : undefined}. The point is the thresholds in use.</figcaption></figure>
<figure>${reliabilityChart(calibration)}<figcaption>Reliability diagram: how often the best class is right, by its score. Area: number of pictures; whiskers: 95 % Wilson intervals. Expected calibration error ${percent(calibration.error)} % (${calibration.bins.length} bins, ${calibration.n} pictures).</figcaption></figure>
</div>
${groups.length === 0 ? undefined : html`<h3>By ${by}</h3>${groupTable(groups, by ?? 'group')}`}
<h3>Worst errors</h3>
${gallery(worst, thumbnails)}
</section>`;
}

function tiles({ forcedChoice, calibration, confusion, ...summary }: Figures): Html {
  const tile = (value: number | null, name: string, detail: string) =>
    html`<li><b>${percent(value)}${value === null ? undefined : html` %`}</b>${name}<small>${detail}</small></li>`;
  const share = (value: Proportion, name: string) =>
    tile(value.share, name, `95 % CI ${interval(value)}; ${counted(value)}`);
  const forced = confusion.columns.includes(otherClass)
    ? tile(
        forcedChoice.accuracy.share,
        'accuracy, forced choice',
        `${otherClass} no answer: ${counted(forcedChoice.accuracy)}; balanced ${percent(forcedChoice.balancedAccuracy)} %`,
      )
    : undefined;
  return html`<ul class="tiles">${share(summary.accuracy, 'accuracy, nothing held back')}${tile(summary.balancedAccuracy, 'balanced accuracy', 'mean of the sensitivities')}${forced}${share(summary.labelled, 'labelled at the thresholds')}${share(summary.rightOfLabelled, 'right of the labelled')}${share(summary.otherCaught, `${otherClass} caught`)}${tile(calibration.error, 'calibration error', 'expected, 15 bins')}</ul>`;
}

const pair = (name: string, value: Html | string): [string, Html | string] => [name, value];

const facts = (rows: readonly [string, Html | string][]): Html =>
  html`<dl class="facts">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

const warningList = (warnings: readonly string[]): Html =>
  warnings.length === 0
    ? html``
    : html`<ul class="warnings">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`;

function unreadList(unread: Report['data']['unread']): Html {
  const shown = unread.slice(0, 50);
  if (shown.length === 0) return html``;
  return html`<section><h2>Not read</h2><p>In none of the figures: ${unread.length}${unread.length > shown.length ? ` (the first ${shown.length} are listed)` : ''}.</p>
<ul>${shown.map(({ id, message }) => html`<li><code>${id}</code>: ${message}</li>`)}</ul></section>`;
}

const definitions = html`<section><h2>What the figures are</h2>
${facts([
  ['other', 'Every picture whose label is no category of the network: none of the categories.'],
  ['nothing held back', 'The class with the best score is taken as the answer, whatever the score.'],
  ['accuracy', 'Of the pictures of the categories, those whose best class is their label.'],
  ['balanced accuracy', 'Mean of the sensitivities of the categories that have pictures.'],
  [
    'forced choice',
    'The best class that is not other is taken as the answer: for comparison with networks and papers that know no such class.',
  ],
  ['sensitivity, specificity, PPV', 'Each category against the rest, among the pictures of the categories.'],
  ['labelled', 'Of the pictures of the categories, those that are given a category at the thresholds.'],
  [
    'right of the labelled',
    'Of all pictures that are given a category, those for which it is right; other pictures that are given one are wrong.',
  ],
  ['other caught', 'Of the other pictures, those that are given no category.'],
  [
    'calibration error',
    'Expected calibration error of the best score in 15 bins of equal width (Guo et al., ICML 2017). For a network without a class other, of the pictures of the categories alone.',
  ],
  [
    '95 % intervals',
    'Wilson’s score intervals (Newcombe, Statistics in Medicine 1998;17:857–872); of differences, Wald’s with the adjustment of Bonett and Price (2012). They take pictures as independent of each other.',
  ],
  [
    'McNemar’s test',
    'Of the pictures that only one of two networks gets right: exact (binomial) at any number, and its mid-p version (Fagerland et al., BMC Medical Research Methodology 2013;13:91). No correction for the number of rows.',
  ],
])}</section>`;
