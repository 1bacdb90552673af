import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import { createError } from '../errors/errors.js';
import { shipped } from '../files/places.js';
import { readSiteFile } from '../files/site-file.js';
import { problemsOf } from '../files/yaml.js';
import { code, siteCode } from './code.js';
import {
  type BodyPart,
  bodyPart,
  bodyPartOfTerm,
  type Projection,
  projection,
  projectionOfCode,
} from './regions.js';

/** The DICOM codes of a category. A field is absent where the category does not determine it, as it never does a side. */
const categoryCodes = z.strictObject({
  /** Body Part Examined (0018,0015), a defined term of PS3.16 annex L. */
  bodyPartExamined: z.string().max(16),
  /** CID 4009 */
  region: code,
  /** CID 4010 */
  view: code.optional(),
  /** CID 4011 */
  viewModifier: code.optional(),
  /** View Position (0018,5101): only where the category implies it. */
  viewPosition: z.string().max(16).optional(),
  /** CID 4012 */
  eponym: code.optional(),
  /** CID 20 */
  patientOrientationModifier: code.optional(),
  radlex: z.string().optional(),
  /** For the order check: the body part, where Body Part Examined does not name it. */
  part: bodyPart.optional(),
  /** For the order check: the projection, where none of the codes names it. */
  projection: projection.optional(),
});
export type CategoryCodes = z.output<typeof categoryCodes>;

const codeString = z
  .string()
  .regex(/^[A-Z0-9][A-Z0-9 _]{0,15}$/, 'must be 1 to 16 capital letters, digits, spaces or _');
const viewCodes = categoryCodes.extend({
  bodyPartExamined: codeString,
  region: siteCode,
  view: siteCode.optional(),
  viewModifier: siteCode.optional(),
  viewPosition: codeString.optional(),
  eponym: siteCode.optional(),
  patientOrientationModifier: siteCode.optional(),
});

/** DICOM codes that the description of a network declares for its categories. */
export const networkViews = z.record(z.string(), viewCodes);

const siteViews = z.strictObject(
  {
    views: z.record(
      z.string(),
      viewCodes.extend({
        /** Words of orders that mean this view: its body part and its projection. */
        words: z.array(z.string().min(1)).default([]),
      }),
    ),
  },
  'must hold views, as docs/views.md tells',
);

/** A view that the site declares. */
export interface SiteView {
  codes: CategoryCodes;
  words: readonly string[];
}

/** What is wrong with a name of the site's. The prefix of labels has up to 24 more characters. */
function problemOf(name: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{1,40}$/.test(name)) return 'a name is 1 to 40 letters, digits, _ or -';
  const same = [otherClass, ...Object.keys(shippedTable)].find(
    (own) => own.toLowerCase() === name.toLowerCase(),
  );
  return same === undefined ? undefined : `${same} is a name of Plainview's own: name the view otherwise`;
}

const readTable = (file: string): Record<string, CategoryCodes> =>
  z.record(z.string(), categoryCodes).parse(JSON.parse(readFileSync(file, 'utf8')));

const networkTable = readTable(shipped('model', 'categories.json'));
const shippedTable = { ...networkTable, ...readTable(shipped('model', 'views.json')) };

/** The names of the 30 categories that the networks know which come with Plainview, in NNCPR's order. */
export const codedCategories: readonly string[] = Object.keys(networkTable);

/** The categories that have codes: the 30, further standard views, and those of the site. */
export class Categories {
  readonly #table: Map<string, CategoryCodes>;
  /** The 30 come first. */
  readonly names: readonly string[];
  /** By name. */
  readonly ofSite: ReadonlyMap<string, SiteView>;

  private constructor(ofSite: ReadonlyMap<string, SiteView>) {
    this.ofSite = ofSite;
    this.#table = new Map([
      ...Object.entries(shippedTable),
      ...[...ofSite].map(([name, { codes }]) => [name, codes] as const),
    ]);
    this.names = [...this.#table.keys()];
  }

  /**
   * @param siteFile the file with the site's own views
   * @throws config_invalid with every mistake in it and its line
   */
  static read(siteFile?: string): Categories {
    if (siteFile === undefined) return new Categories(new Map());
    const { views } = readSiteFile('PLAINVIEW_VIEWS_FILE', siteFile, siteViews, ({ views }) =>
      Object.keys(views).flatMap((name) => {
        const problem = problemOf(name);
        return problem === undefined ? [] : [{ path: ['views', name], problem }];
      }),
    );
    return new Categories(
      new Map(Object.entries(views).map(([name, { words, ...codes }]) => [name, { codes, words }])),
    );
  }

  /**
   * Adds the codes that a network declares for its categories. Those of Plainview and of the site count more.
   * @param views of its description
   * @throws network_unreadable
   */
  declare(views: Network['views'] = {}): void {
    const parsed = networkViews.safeParse(views);
    if (!parsed.success) {
      const problems = problemsOf(parsed.error).map(({ path, problem }) => `${path.join('.')}: ${problem}`);
      throw createError(
        'network_unreadable',
        { problem: `the \`views\` of its description: ${problems.join('; ')}` },
        parsed.error,
      );
    }
    for (const [name, codes] of Object.entries(parsed.data))
      if (!this.#table.has(name)) this.#table.set(name, codes);
  }

  /** @returns undefined for a category without codes, which only a site's own network has */
  codesOf(category: string): CategoryCodes | undefined {
    return this.#table.get(category);
  }

  /** The categories that a person can choose: those that have codes, and those of the network in use. */
  known(networkClasses: readonly string[]): string[] {
    return [...new Set([...this.names, ...networkClasses.filter((name) => name !== otherClass)])];
  }
}

/** @returns undefined where the order check does not know the body part */
export const bodyPartOf = (codes: CategoryCodes | undefined): BodyPart | undefined =>
  codes?.part ?? bodyPartOfTerm(codes?.bodyPartExamined);

/** @returns undefined where none of the codes names a projection that the order check knows */
export function projectionOf(codes: CategoryCodes | undefined): Projection | undefined {
  const ordered = [codes?.eponym, codes?.patientOrientationModifier, codes?.viewModifier, codes?.view];
  return (
    codes?.projection ?? ordered.flatMap((each) => (each ? (projectionOfCode(each.value) ?? []) : []))[0]
  );
}
