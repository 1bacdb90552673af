import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { type BodyPart, bodyParts, type Projection, projections } from '../anatomy/regions.js';
import { createError } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import { problemsOf, readYaml } from '../files/yaml.js';

const sides = ['right', 'left', 'both'] as const;
const words = z.array(z.string().min(1));

/** A list of words: `orders/README.md` tells how it is written. */
const wordList = z.strictObject(
  {
    bodyPart: z.partialRecord(z.enum(bodyParts), words).default({}),
    /** `several`: the usual two planes, whichever they are for the body part. */
    projection: z.partialRecord(z.enum([...projections, 'several']), words).default({}),
    side: z.partialRecord(z.enum(sides), words).default({}),
    nothing: words.default([]),
  },
  'must hold bodyPart, projection, side or nothing, as orders/README.md tells',
);
type WordList = z.output<typeof wordList>;

export type Side = (typeof sides)[number];

/** What a word says; most say one thing, `OPG` says two. */
export interface Means {
  bodyPart: BodyPart[];
  projection: Projection[];
  side: Side[];
}

/** What a text was understood to say, with the word that says it. */
export interface Understood extends Means {
  word: string;
}

/** One word in one list. */
interface Use {
  language: string;
  /** Believed only in the company of surer words of the same language. */
  weak: boolean;
  /** Undefined: it says nothing, whatever other lists say. */
  means: Means | undefined;
}

interface Term {
  tokens: string[];
  /** The last token may go on. */
  open: boolean;
  uses: Use[];
}

/** Several planes of a body part: which two they are depends on the part. */
const usualPlanes: Projection[] = ['frontal', 'lateral', 'oblique'];

/** The words of all lists, ready to be looked for in descriptions. */
export class Words {
  readonly #terms = new Map<string, Term>();
  readonly #longest: number;

  private constructor(lists: readonly { language: string; list: WordList }[]) {
    for (const { language, list } of lists)
      for (const { words, means } of entries(list))
        for (const written of words) this.#add(language, written, means);
    this.#longest = Math.max(...[...this.#terms.values()].map(({ tokens }) => tokens.length));
  }

  /**
   * Reads the lists that come with Plainview, and the site's own.
   * @throws config_invalid, where the site's file cannot be read or is no list of words
   */
  static read(siteFile?: string): Words {
    const folder = shipped('orders', 'words');
    const lists = readdirSync(folder)
      .sort()
      .map((file) => ({
        language: basename(file, '.yaml'),
        list: wordList.parse(parse(readFileSync(join(folder, file), 'utf8'))),
      }));
    return new Words(
      siteFile === undefined ? lists : [...lists, { language: 'site', list: readSiteList(siteFile) }],
    );
  }

  /** The languages that a text is surely written in, among others. */
  languagesOf(text: string): Set<string> {
    const found = this.#matches(text, new Set());
    return new Set(found.flatMap(({ uses }) => uses.map(({ language }) => language)));
  }

  /** @param languages in which words are believed that could be of another */
  understand(text: string, languages: ReadonlySet<string>): Understood[] {
    return this.#matches(text, languages).flatMap(({ word, uses }) => {
      const means = uses.map((use) => use.means);
      return means.includes(undefined) ? [] : [{ word, ...joined(means) }];
    });
  }

  #matches(text: string, languages: ReadonlySet<string>): { word: string; uses: Use[] }[] {
    const tokens = tokensOf(text);
    const found: { word: string; uses: Use[] }[] = [];
    for (let at = 0; at < tokens.length; ) {
      const match = this.#matchAt(tokens, at, languages);
      if (match !== undefined)
        found.push({ word: tokens.slice(at, at + match.length).join(' '), uses: match.uses });
      at += match?.length ?? 1;
    }
    return found;
  }

  /** Longest first; of the same length, one that is written out, then the longest beginning. */
  #matchAt(
    tokens: readonly string[],
    at: number,
    languages: ReadonlySet<string>,
  ): { length: number; uses: Use[] } | undefined {
    for (let length = Math.min(this.#longest, tokens.length - at); length > 0; length--) {
      const phrase = tokens.slice(at, at + length).join(' ');
      const lastToken = tokens[at + length - 1]?.length ?? 0;
      const keys = [phrase];
      for (let cut = 0; cut < lastToken; cut++) keys.push(`${phrase.slice(0, phrase.length - cut)}*`);
      for (const key of keys) {
        const uses = this.#terms
          .get(key)
          ?.uses.filter(({ weak, language }) => !weak || languages.has(language));
        if (uses !== undefined && uses.length > 0) return { length, uses };
      }
    }
    return undefined;
  }

  #add(language: string, written: string, means: Means | undefined): void {
    const weak = written.endsWith('?');
    const open = written.endsWith('*');
    const spelled = written.replace(/[?*]$/, '');
    // Umlauts are also written out.
    const spellings = /[äöü]/.test(spelled)
      ? [spelled, spelled.replace(/[äöü]/g, (letter) => `${tokensOf(letter).join('')}e`)]
      : [spelled];
    for (const spelling of spellings) {
      const tokens = tokensOf(spelling);
      const key = `${tokens.join(' ')}${open ? '*' : ''}`;
      const term = this.#terms.get(key) ?? { tokens, open, uses: [] };
      term.uses.push({ language, weak, means });
      this.#terms.set(key, term);
    }
  }
}

const nothing: Means = { bodyPart: [], projection: [], side: [] };

function* entries(list: WordList): Generator<{ words: string[]; means: Means | undefined }> {
  for (const is of bodyParts) yield { words: list.bodyPart[is] ?? [], means: { ...nothing, bodyPart: [is] } };
  for (const is of projections)
    yield { words: list.projection[is] ?? [], means: { ...nothing, projection: [is] } };
  yield { words: list.projection.several ?? [], means: { ...nothing, projection: usualPlanes } };
  for (const is of sides) yield { words: list.side[is] ?? [], means: { ...nothing, side: [is] } };
  yield { words: list.nothing, means: undefined };
}

const joined = (all: readonly (Means | undefined)[]): Means => ({
  bodyPart: [...new Set(all.flatMap((means) => means?.bodyPart ?? []))],
  projection: [...new Set(all.flatMap((means) => means?.projection ?? []))],
  side: [...new Set(all.flatMap((means) => means?.side ?? []))],
});

/** Words and numbers, without capitals and accents. */
function tokensOf(text: string): string[] {
  const plain = text.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss');
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

function readSiteList(file: string): WordList {
  const invalid = (problems: readonly string[], cause?: unknown) =>
    createError(
      'config_invalid',
      { problems: problems.map((what) => `PLAINVIEW_ORDER_WORDS: ${what}`) },
      cause,
    );
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid([(error as Error).message], error);
  }
  const { content, errors, placeOf } = readYaml(text);
  if (errors.length > 0) throw invalid(errors.map((problem) => `${file}, ${problem}`));
  const parsed = wordList.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error).map(
    ({ path, problem }) => `${file}, ${placeOf(path)}: ${problem}`,
  );
  throw invalid(problems, parsed.error);
}
