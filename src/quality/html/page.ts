import {
  type Dimension,
  dimensions,
  type FigureName,
  figureNames,
  type QualityFigure,
  type QualityGroup,
  type QualityReport,
  relations,
} from '../../contract/quality.js';
import { counted, interval, percent } from '../../evaluate/format.js';
import { Html, html } from '../../evaluate/html/markup.js';
import { style } from '../../evaluate/html/style.js';
import { dimensionTitles, meanings, oneIn, titles, warnings } from '../titles.js';
import { sharesChart } from './charts.js';

const shownInCharts = 16;

/**
 * The report as a single page without scripts. It loads nothing, and holds no patient data: identifiers alone.
 * @param orthancPages address of Orthanc's pages, for links to examples
 */
export function qualityPage(report: QualityReport, orthancPages: string): string {
  const { all, when, plainview, from, to, networkScore, unread } = report;
  const link = (instance: string, text: string) =>
    html`<a href="${orthancPages}/app/explorer.html#instance?uuid=${instance}">${text}</a>`;
  const range =
    from === undefined && to === undefined ? 'all' : `${from ?? 'the first'} to ${to ?? 'the last'}`;
  const notes = [
    ...(unread === 0
      ? []
      : [`Orthanc could not read ${unread} files. They are in no figure about attributes.`]),
    ...warnings,
  ];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>DICOM attributes of ${all.radiographs} radiographs</title><style>${new Html(style)}${new Html(own)}</style></head>
<body><main>
<h1>DICOM attributes of ${all.radiographs} radiographs</h1>
<dl class="facts"><dt>made</dt><dd>${when}, Plainview ${plainview}</dd><dt>Study Dates</dt><dd>${range}</dd><dt>network counts from score</dt><dd>${networkScore}</dd></dl>
<ul class="warnings">${notes.map((note) => html`<li>${note}</li>`)}</ul>
<ul class="tiles">${figureNames.map((name) => tile(titles[name], all.figures[name]))}</ul>
<h2>Examples</h2>
<dl class="facts">${figureNames.map((name) => html`<dt>${titles[name]}</dt><dd>${links(all.figures[name].examples, link)}</dd>`)}</dl>
<h2>How declared values go with the pictures</h2>
${relationsTable(all)}
${dimensions.map((dimension) => {
  const groups = report.by[dimension];
  return groups === undefined ? undefined : section(dimension, groups, all, link);
})}
<h2>What the figures are</h2>
<dl class="facts">${figureNames.map((name) => html`<dt>${titles[name]}</dt><dd>${meanings(networkScore)[name]}</dd>`)}<dt>95 % intervals</dt><dd>Wilson’s score intervals (Newcombe, Statistics in Medicine 1998;17:857–872).</dd></dl>
</main></body></html>
`.text;
}

type Link = (instance: string, text: string) => Html;

const own = `
td.examples a { padding: 0 .15rem; font-size: .8em; }
details > summary { cursor: pointer; margin: .8rem 0; }
`;

const tile = (title: string, figure: QualityFigure): Html =>
  html`<li><b>${percent(figure.share)}${figure.share === null ? undefined : ' %'}</b>${title}<small>95 % CI ${interval(figure)}; ${counted(figure)}${oneIn(figure) === undefined ? undefined : html`; ${oneIn(figure)}`}</small></li>`;

const links = (examples: readonly string[], link: Link): readonly Html[] | string =>
  examples.length === 0 ? '–' : examples.map((instance, index) => html`${link(instance, `${index + 1}`)} `);

function relationsTable({ bodyPart, view }: QualityGroup): Html {
  const rows = [
    ['Body Part Examined, by a person', bodyPart.person],
    ['Body Part Examined, by the network', bodyPart.network],
    ['View Position, by a person', view.person],
    ['View Position, by the network', view.network],
  ] as const;
  return scroll(
    'How declared values go with the pictures',
    html`<caption>Only contradictory values count as wrong. Unmappable values are compared with nothing.</caption>
<thead><tr><td></td>${relations.map((relation) => html`<th scope="col" class="n">${relation}</th>`)}</tr></thead>
<tbody>${rows.map(([name, counts]) => html`<tr><th scope="row">${name}</th>${relations.map((relation) => html`<td class="n">${counts[relation]}</td>`)}</tr>`)}</tbody>`,
  );
}

function section(dimension: Dimension, groups: readonly QualityGroup[], all: QualityGroup, link: Link): Html {
  const told = figureNames.filter((name) => all.figures[name].of > 0);
  const drawn = dimension === 'month' ? groups.slice(-shownInCharts) : groups.slice(0, shownInCharts);
  const title = dimensionTitles[dimension];
  return html`<h2>By ${title}</h2>
<details open><summary>Charts</summary><div class="charts">${told
    .filter((name) => drawn.some(({ figures }) => figures[name].of > 0))
    .map((name) => sharesChart(titles[name], name, drawn))}</div></details>
${groupTable(title, groups, told, link)}`;
}

function groupTable(
  title: string,
  groups: readonly QualityGroup[],
  names: readonly FigureName[],
  link: Link,
): Html {
  const cells = (figure: QualityFigure) =>
    html`<td class="n">${percent(figure.share)}</td><td class="ci">${figure.share === null ? undefined : html`(${interval(figure)}) ${counted(figure)}`}</td><td class="examples">${figure.examples.length === 0 ? undefined : links(figure.examples, link)}</td>`;
  return scroll(
    `Table by ${title}`,
    html`<caption>Percent, 95 % interval, count of all that can be told, links to examples.</caption>
<thead><tr><th scope="col">${title}</th><th scope="col" class="n">n</th>${names.map((name) => html`<th scope="col" colspan="3">${titles[name]}</th>`)}</tr></thead>
<tbody>
${groups.map(({ value, radiographs, figures }) => html`<tr><th scope="row">${value}</th><td class="n">${radiographs}</td>${names.map((name) => cells(figures[name]))}</tr>\n`)}</tbody>`,
  );
}

const scroll = (label: string, content: Html): Html =>
  html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table class="figures">${content}</table></div>`;
