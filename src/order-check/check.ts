import { bodyPartOf, type Categories, projectionOf } from '../anatomy/categories.js';
import type { Side as MarkedSide } from '../anatomy/laterality.js';
import {
  bodyPartOfTerm,
  isOftenOblique,
  type Projection,
  projectionOfCode,
  projectionOfTerm,
} from '../anatomy/regions.js';
import type { Description } from '../orthanc/resources.js';
import { compareBodyPart, compareProjection, compareSide } from './compare.js';
import type { Statement } from './reasons.js';
import type { OrderRecord } from './schema.js';
import { noMeaning, type Side, type UnderstoodWord, type Words } from './words.js';

const sides = { R: 'right', L: 'left' } as const;
/** Values of Laterality (0020,0060) and Image Laterality (0020,0062); U means that there is no side. */
const lateralities: Readonly<Record<string, Side>> = {
  ...sides,
  B: 'both',
};

/** Attributes with DICOM's code strings. They tell nothing about the language of the site. */
const codeStrings: readonly string[] = ['BodyPartExamined', 'ViewPosition', 'Laterality', 'ImageLaterality'];

/** What a value of Body Part Examined means: words, else a term of DICOM. */
export function understandBodyPart(
  words: Words,
  text: string,
  languages: ReadonlySet<string>,
): UnderstoodWord[] {
  const found = words.understand(text, languages);
  const term = bodyPartOfTerm(text);
  // A term can be a word of a language that means something else, such as FACE in French.
  if (term === undefined || found.some(({ bodyPart }) => bodyPart.length > 0)) return found;
  return [{ ...noMeaning, word: text, bodyPart: [term] }];
}

/** What a value of View Position means: a term of DICOM, else words. */
export function understandViewPosition(
  words: Words,
  text: string,
  languages: ReadonlySet<string>,
): UnderstoodWord[] {
  const term = projectionOfTerm(text);
  return term === undefined
    ? words.understand(text, languages)
    : [{ ...noMeaning, word: text, projection: [term] }];
}

/** Compares decisions with the DICOM descriptions of the order, in the languages of the word lists. */
export class OrderCheck {
  readonly #words: Words;
  readonly #categories: Categories;

  constructor(words: Words, categories: Categories) {
    this.#words = words;
    this.#categories = categories;
  }

  /**
   * @param decided the decision of a network or a person, and the side that a marker on the film names
   * @param descriptions the descriptions of the picture and of its order
   */
  check(
    decided: { category?: string | undefined; side?: { marked: MarkedSide } | 'none' | undefined },
    descriptions: readonly Description[],
  ): OrderRecord {
    const texts = descriptions.filter(({ attribute }) => !codeStrings.includes(attribute));
    const languages = new Set(texts.flatMap(({ text }) => [...this.#words.languagesOf(text)]));
    const understood = descriptions.map((each) => ({
      attribute: each.attribute,
      found: this.#understand(each, languages),
    }));
    const statements = <T>(of: (each: UnderstoodWord) => T[]): Statement<T>[] =>
      understood.flatMap(({ attribute, found }) => {
        const values = new Set(found.flatMap(of));
        return values.size === 0 ? [] : [{ attribute, values }];
      });
    const codes = decided.category === undefined ? undefined : this.#categories.codesOf(decided.category);
    const parts = statements((each) => each.bodyPart);
    const shown = bodyPartOf(codes);
    const onlyMeantPart =
      parts.length === 1 && parts[0]?.values.size === 1 ? [...parts[0].values][0] : undefined;
    const bodyPart = compareBodyPart(shown, parts);
    const meantParts = parts.flatMap(({ values }) => [...values]);
    const mayBeOblique = (meantParts.length > 0 ? meantParts : [shown]).some(isOftenOblique);
    const oblique: Projection[] = mayBeOblique ? ['oblique'] : [];
    const projection = compareProjection(
      { part: shown ?? onlyMeantPart, projection: projectionOf(codes) },
      statements((each) => (each.unnamedPlanes ? [...each.projection, ...oblique] : each.projection)),
    );
    const side = compareSide(
      shown ?? onlyMeantPart,
      statements((each) => each.side),
      decided.side === undefined || decided.side === 'none' ? undefined : sides[decided.side.marked],
    );
    return {
      answer: [bodyPart, projection, side].some(({ answer }) => answer === 'differs')
        ? 'differs'
        : bodyPart.answer,
      bodyPart,
      projection,
      side,
      words: understood.flatMap(({ attribute, found }) =>
        found.flatMap(({ word, bodyPart, projection, side }) =>
          [...bodyPart, ...projection, ...side].map((means) => ({ attribute, word, means })),
        ),
      ),
    };
  }

  #understand({ attribute, text, code }: Description, languages: ReadonlySet<string>): UnderstoodWord[] {
    if (attribute === 'Laterality' || attribute === 'ImageLaterality') {
      const is = lateralities[text];
      return is === undefined ? [] : [{ ...noMeaning, word: text, side: [is] }];
    }
    const coded = code === undefined ? undefined : projectionOfCode(code);
    if (code !== undefined && coded !== undefined) return [{ ...noMeaning, word: code, projection: [coded] }];
    if (attribute === 'BodyPartExamined') return understandBodyPart(this.#words, text, languages);
    if (attribute === 'ViewPosition') return understandViewPosition(this.#words, text, languages);
    return this.#words.understand(text, languages);
  }
}
