import { bodyPartOf, type CategoryCodes, projectionOf } from '../anatomy/categories.js';
import { areNear, isWider, likeness, type Projection } from '../anatomy/regions.js';
import type { Relation } from '../contract/quality.js';
import { understandBodyPart, understandViewPosition } from '../order-check/check.js';
import type { Words } from '../order-check/words.js';

/** Projections that exclude each other, but for frontal and oblique: an oblique limb is taken AP or PA as well. */
const basic: readonly Projection[] = ['frontal', 'lateral', 'oblique', 'axial'];

/** What sets frontal pictures apart, which no network tells. */
const directions = ['AP', 'PA'];

/** How a value of an attribute goes with what a picture shows. docs/report.md has the rules for readers. */
export class Relations {
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  /** @param value of Body Part Examined (0018,0015) @param codes of the category that the picture shows */
  bodyPart(value: string, codes: CategoryCodes | undefined): Relation {
    const term = value.toUpperCase();
    if (term === codes?.bodyPartExamined) return 'equal';
    const shown = bodyPartOf(codes);
    if (shown === undefined) return 'unmappable';
    const parts = understandBodyPart(this.#words, term, this.#words.languagesOf(term)).flatMap(
      ({ bodyPart }) => bodyPart,
    );
    return bestOf(
      parts.map((part) => {
        if (part === shown) return 'equal';
        if (isWider(part, shown) || isWider(shown, part)) return 'compatible';
        return areNear(part, shown) ? 'neighbouring' : 'contradictory';
      }),
    );
  }

  /** @param value of View Position (0018,5101) @param codes of the category that the picture shows */
  view(value: string, codes: CategoryCodes | undefined): Relation {
    const term = value.toUpperCase();
    if (term === codes?.viewPosition) return 'equal';
    const shown = projectionOf(codes);
    if (shown === undefined) return 'unmappable';
    const isOtherDirection = codes?.viewPosition !== undefined && directions.includes(term);
    const projections = understandViewPosition(this.#words, term, this.#words.languagesOf(term)).flatMap(
      ({ projection }) => projection,
    );
    return bestOf(
      projections.map((projection) => {
        const like = likeness(projection, shown, bodyPartOf(codes));
        if (like === 'same') return isOtherDirection ? 'compatible' : 'equal';
        return like === 'similar' || !canContradict(projection, shown) ? 'neighbouring' : 'contradictory';
      }),
    );
  }
}

function canContradict(a: Projection, b: Projection): boolean {
  const isTurnedLimb = [a, b].includes('frontal') && [a, b].includes('oblique');
  return basic.includes(a) && basic.includes(b) && !isTurnedLimb;
}

/** Of a value that can mean several things, or names several: what goes best with the picture. */
const bestOf = (all: readonly Relation[]): Relation =>
  (['equal', 'compatible', 'neighbouring', 'contradictory'] as const).find((each) => all.includes(each)) ??
  'unmappable';
