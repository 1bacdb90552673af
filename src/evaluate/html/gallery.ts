import type { Disagreement } from '../comparison.js';
import type { EvaluatedPicture } from '../evaluate-pictures.js';
import type { LabelledPicture } from '../ground-truth.js';
import { type Html, html } from './markup.js';

/** Picture id → `data:` URL. */
export type Thumbnails = ReadonlyMap<string, string>;

/** The worst errors with the best classes. @param thumbnails undefined: without pictures */
export function gallery(worst: readonly EvaluatedPicture[], thumbnails: Thumbnails | undefined): Html {
  if (worst.length === 0) return html`<p>None.</p>`;
  const card = ({ picture, top, decision }: EvaluatedPicture) => html`<li>${pictureOf(picture, thumbnails)}
<dl>${top.map(({ category, score }, i) => html`<div${i === 0 && decision === 'category' ? html` class="given"` : undefined}><dt>${breakable(category)}</dt><dd>${score.toFixed(3)}</dd></div>`)}</dl></li>
`;
  return html`<p>First what was given a wrong category at the thresholds (the uppermost score, which stands out), then what was held back; each by how sure the network was.</p><ul class="gallery">
${worst.map(card)}</ul>`;
}

/** Pictures on which exactly one of two networks is right, with the best class of each. */
export function splitGallery(splits: readonly Disagreement[], thumbnails: Thumbnails | undefined): Html {
  const bestClass = (name: string, { best, picture }: EvaluatedPicture) =>
    html`<div${best.category === picture.label ? undefined : html` class="given"`}><dt>${name}: ${breakable(best.category)}</dt><dd>${best.score.toFixed(3)}</dd></div>`;
  return html`<ul class="gallery">
${splits.map(
  (split) => html`<li>${pictureOf(split.first.picture, thumbnails)}
<dl>${bestClass('A', split.first)}${bestClass('B', split.second)}</dl></li>
`,
)}</ul>`;
}

const pictureOf = (picture: LabelledPicture, thumbnails: Thumbnails | undefined): Html =>
  html`${image(picture, thumbnails)}
<div class="id">${breakable(picture.id)}</div><div>labelled <b>${breakable(picture.label)}</b></div>`;

function image({ id, label }: LabelledPicture, thumbnails: Thumbnails | undefined): Html {
  if (thumbnails === undefined) return html``;
  const address = thumbnails.get(id);
  return html`<div class="picture">${address === undefined ? html`<span>not read again</span>` : html`<img src="${address}" alt="radiograph labelled ${label}">`}</div>`;
}

/** Allows line breaks in names and paths, which have no spaces. */
const breakable = (name: string): Html =>
  html`${name.split(/(?<=[_/\\])/).map((part) => html`${part}<wbr>`)}`;
