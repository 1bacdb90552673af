import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { bodyPartOf, type Categories, projectionOf } from '../anatomy/categories.js';
import { type BodyPart, bodyParts, type Projection, projections } from '../anatomy/regions.js';
import { shipped } from '../files/places.js';
import { readSiteFile } from '../files/site-file.js';

const sides = ['right', 'left', 'both'] as const;
const words = z.array(z.string().min(1));

/** A list of words. `orders/README.md` describes its format. */
const wordList = z.strictObject(
  {
    bodyPart: z.partialRecord(z.enum(bodyParts), words).default({}),
    /** `several`: the usual two planes, of which the body part tells the second one. */
    projection: z.partialRecord(z.enum([...projections, 'several']), words).default({}),
    side: z.partialRecord(z.enum(sides), words).default({}),
    nothing: words.default([]),
  },
  'must hold bodyPart, projection, side or nothing, as orders/README.md tells',
);
type WordList = z.output<typeof wordList>;

export type Side = (typeof sides)[number];

/** The meaning of a word. Most words have one meaning; `OPG` has two. */
export interface Meaning {
  bodyPart: BodyPart[];
  projection: Projection[];
  side: Side[];
  /** Two planes without their names: for hands and feet the second one may be oblique. */
  unnamedPlanes: boolean;
}

/** A word found in a text, with its meaning. */
export interface UnderstoodWord extends Meaning {
  word: string;
}

/** Undefined: the words have no meaning, even if other lists give them one. */
interface WordsOfMeaning {
  words: readonly string[];
  means: Meaning | undefined;
}

/** A word in one list. */
interface ListEntry {
  language: string;
  /** Counts only if the descriptions also hold a word of the same language that is not weak. */
  weak: boolean;
  /** Undefined: the word has no meaning, even if other lists give it one. */
  means: Meaning | undefined;
}

interface Term {
  tokens: string[];
  /** Whether the last token may have more letters. */
  open: boolean;
  entries: ListEntry[];
}

/** The meaning of `several`. */
const usualPlanes: Projection[] = ['frontal', 'lateral'];

/** The words of all lists, indexed for finding them in descriptions. */
export class Words {
  readonly #terms = new Map<string, Term>();
  readonly #longest: number;
  readonly #written = new Map<BodyPart | Projection, string[]>();

  private constructor(lists: readonly { language: string; entries: Iterable<WordsOfMeaning> }[]) {
    for (const { language, entries } of lists)
      for (const { words, means } of entries)
        for (const written of words) this.#add(language, written, means);
    this.#longest = Math.max(...[...this.#terms.values()].map(({ tokens }) => tokens.length));
  }

  /**
   * Reads the lists that come with Plainview, the words of the site's own views, and the site's list.
   * @throws config_invalid where the site's file cannot be read or is not a list of words
   */
  static read({ ofSite }: Pick<Categories, 'ofSite'>, siteFile?: string): Words {
    const folder = shipped('orders', 'words');
    const lists = readdirSync(folder)
      .sort()
      .map((file) => ({
        language: basename(file, '.yaml'),
        entries: entriesOf(wordList.parse(parse(readFileSync(join(folder, file), 'utf8')))),
      }));
    const ofViews = [...ofSite.values()].map(({ codes, words }) => {
      const [part, projection] = [bodyPartOf(codes), projectionOf(codes)];
      const means = {
        bodyPart: part === undefined ? [] : [part],
        projection: projection === undefined ? [] : [projection],
        side: [],
        unnamedPlanes: false,
      };
      return { words, means };
    });
    const ofFile =
      siteFile === undefined ? [] : entriesOf(readSiteFile('PLAINVIEW_ORDER_WORDS', siteFile, wordList));
    return new Words([...lists, { language: 'site', entries: [...ofViews, ...ofFile] }]);
  }

  /** The words for a body part or a projection, in all languages, as they are written in the lists. */
  wordsFor(means: BodyPart | Projection): readonly string[] {
    return this.#written.get(means) ?? [];
  }

  /** The languages of the words in a text that are not weak. */
  languagesOf(text: string): Set<string> {
    const found = this.#matches(text, new Set());
    return new Set(found.flatMap(({ entries }) => entries.map(({ language }) => language)));
  }

  /** @param languages the languages whose weak words count */
  understand(text: string, languages: ReadonlySet<string>): UnderstoodWord[] {
    return this.#matches(text, languages).flatMap(({ word, entries }) => {
      const means = entries.map((entry) => entry.means);
      return means.includes(undefined) ? [] : [{ word, ...mergeMeanings(means) }];
    });
  }

  #matches(text: string, languages: ReadonlySet<string>): { word: string; entries: ListEntry[] }[] {
    const tokens = tokensOf(text);
    const found: { word: string; entries: ListEntry[] }[] = [];
    for (let at = 0; at < tokens.length; ) {
      const match = this.#matchAt(tokens, at, languages);
      if (match !== undefined)
        found.push({ word: tokens.slice(at, at + match.length).join(' '), entries: match.entries });
      at += match?.length ?? 1;
    }
    return found;
  }

  /** Finds the longest match. At equal length, a complete word wins over a beginning, and a longer beginning wins. */
  #matchAt(
    tokens: readonly string[],
    at: number,
    languages: ReadonlySet<string>,
  ): { length: number; entries: ListEntry[] } | undefined {
    for (let length = Math.min(this.#longest, tokens.length - at); length > 0; length--) {
      const phrase = tokens.slice(at, at + length).join(' ');
      const lastToken = tokens[at + length - 1]?.length ?? 0;
      const keys = [phrase];
      for (let cut = 0; cut < lastToken; cut++) keys.push(`${phrase.slice(0, phrase.length - cut)}*`);
      for (const key of keys) {
        const entries = this.#terms
          .get(key)
          ?.entries.filter(({ weak, language }) => !weak || languages.has(language));
        if (entries !== undefined && entries.length > 0) return { length, entries };
      }
    }
    return undefined;
  }

  #add(language: string, written: string, means: Meaning | undefined): void {
    const weak = written.endsWith('?');
    const open = written.endsWith('*');
    const spelled = written.replace(/[?*]$/, '');
    for (const each of [...(means?.bodyPart ?? []), ...(means?.projection ?? [])])
      this.#written.set(each, [...(this.#written.get(each) ?? []), spelled]);
    // A word with umlauts is also found with ae, oe and ue.
    const spellings = /[äöü]/.test(spelled)
      ? [spelled, spelled.replace(/[äöü]/g, (letter) => `${tokensOf(letter).join('')}e`)]
      : [spelled];
    for (const spelling of spellings) {
      const tokens = tokensOf(spelling);
      const key = `${tokens.join(' ')}${open ? '*' : ''}`;
      const term = this.#terms.get(key) ?? { tokens, open, entries: [] };
      term.entries.push({ language, weak, means });
      this.#terms.set(key, term);
    }
  }
}

export const noMeaning: Meaning = { bodyPart: [], projection: [], side: [], unnamedPlanes: false };

function* entriesOf(list: WordList): Generator<WordsOfMeaning> {
  for (const is of bodyParts)
    yield { words: list.bodyPart[is] ?? [], means: { ...noMeaning, bodyPart: [is] } };
  for (const is of projections)
    yield { words: list.projection[is] ?? [], means: { ...noMeaning, projection: [is] } };
  yield {
    words: list.projection.several ?? [],
    means: { ...noMeaning, projection: usualPlanes, unnamedPlanes: true },
  };
  for (const is of sides) yield { words: list.side[is] ?? [], means: { ...noMeaning, side: [is] } };
  yield { words: list.nothing, means: undefined };
}

const mergeMeanings = (all: readonly (Meaning | undefined)[]): Meaning => ({
  bodyPart: [...new Set(all.flatMap((means) => means?.bodyPart ?? []))],
  projection: [...new Set(all.flatMap((means) => means?.projection ?? []))],
  side: [...new Set(all.flatMap((means) => means?.side ?? []))],
  unnamedPlanes: all.some((means) => means?.unnamedPlanes),
});

/** Splits a text into words and numbers, in lower case and without accents. */
function tokensOf(text: string): string[] {
  const plain = text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss');
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}
