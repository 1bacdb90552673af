import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MessageFormatElement, parse } from '@formatjs/icu-messageformat-parser';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import categories from '../../../model/categories.json' with { type: 'json' };
import views from '../../../model/views.json' with { type: 'json' };
import { bodyParts, projections } from '../../../src/anatomy/regions.js';
import { decide } from '../../../src/classify/decide.js';
import { decisionReasons, reasonOf } from '../../../src/decisions/reasons.js';
import { catalogue } from '../../../src/errors/catalogue.js';
import type { ErrorEntry } from '../../../src/errors/entry.js';
import { finding, orderSentences } from '../../../src/order-check/reasons.js';
import { chooseLanguage, type Language, languageTags } from '../../../src/review/base/language.js';
import en from '../../../src/review/texts/en.json';
import enReasons from '../../../src/review/texts/en-reasons.json';
import type { texts } from '../../../src/review/texts/index.js';
import type { sentences } from '../../../src/review/texts/sentences.js';
import { stubApi } from './support/fake-api.js';
import { stubBrowser } from './support/fake-browser.js';

type Texts = typeof texts;
type Sentences = typeof sentences;

const root = join(import.meta.dirname, '..', '..', '..');
const folder = join(root, 'src', 'review', 'texts');
const read = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
const others = languageTags.filter((tag) => tag !== 'en');

/** Every message by its path, as `stateNames.recent`. */
function messagesIn(value: unknown, path = ''): [path: string, message: string][] {
  if (typeof value === 'string') return [[path, value]];
  return Object.entries(value ?? {}).flatMap(([name, each]) =>
    messagesIn(each, path === '' ? name : `${path}.${name}`),
  );
}

/** What a message names: `count number`, `who select person,other`. Forms of plurals differ between languages. */
function placeholders(message: string): string[] {
  const found = new Set<string>();
  const walk = (elements: MessageFormatElement[]) => {
    for (const element of elements) {
      // 0: text, 7: `#`
      if (element.type === 0 || element.type === 7) continue;
      const options = 'options' in element ? element.options : {};
      found.add(`${element.value}${element.type === 5 ? ` ${Object.keys(options).sort()}` : ''}`);
      if ('options' in element) for (const { value } of Object.values(element.options)) walk(value);
    }
  };
  walk(parse(message, { ignoreTag: true }));
  return [...found].sort();
}

/** Which parameters the sentence of an error reads. */
function paramsOf({ message }: ErrorEntry): string[] {
  const found = new Set<string>();
  const params = new Proxy({}, { get: (_, name) => found.add(String(name)) && [] });
  (message as (p: object) => string)(params);
  return [...found];
}

/** The page's texts in a language, as a browser loads them. */
async function load(language: Language): Promise<Texts> {
  window.localStorage.setItem('plainview-language', language);
  vi.resetModules();
  return (await import('../../../src/review/texts/index.js')).texts;
}

beforeEach(() => {
  stubBrowser();
});
afterEach(() => vi.unstubAllGlobals());

describe.each(others)('%s', (language) => {
  test('has every message and none left over, with the same placeholders', async () => {
    const shape = (value: unknown) =>
      messagesIn(value).map(([path, message]) => `${path}: ${placeholders(message)}`);
    expect(shape(await read(language)).sort()).toEqual(shape(en).sort());
  });

  test('names all categories and further views, each otherwise, and their body parts', async () => {
    const names = (await read(`${language}-categories`)) as {
      categories: Record<string, string>;
      regions: Record<string, string>;
    };
    const all = { ...categories, ...views };
    expect(Object.keys(names.categories).sort()).toEqual(Object.keys(all).sort());
    expect(new Set(Object.values(names.categories)).size).toBe(Object.keys(all).length);
    const regions = new Set(Object.values(all).map(({ region }) => region.meaning));
    expect(Object.keys(names.regions).sort()).toEqual([...regions].sort());
  });

  test('says every reason of a decision and of the order check, and names every term', async () => {
    const reasons = (await read(`${language}-reasons`)) as typeof enReasons;
    const shape = (value: unknown) =>
      messagesIn(value).map(([path, message]) => `${path}: ${placeholders(message)}`);
    expect(shape(reasons).sort()).toEqual(shape(enReasons).sort());
    const names = Object.entries(reasons.terms).filter(([term]) => !['right', 'left', 'both'].includes(term));
    expect(new Set(names.map(([, name]) => name.toLowerCase())).size).toBe(names.length);
  });

  test('has a sentence for every error that can reach the page, about nothing that the error does not name', async () => {
    const messages = (await read(`${language}-errors`)) as Record<string, string>;
    const entries: [string, ErrorEntry][] = Object.entries(catalogue);
    const untold = entries.map(([code]) => code).filter((code) => messages[code] === undefined);
    expect(untold.sort()).toEqual(ofCommandsAlone);
    const plugin = await pluginCodes();
    for (const [code, message] of Object.entries(messages)) {
      const entry = entries.find(([known]) => known === code)?.[1];
      if (entry === undefined) expect(plugin, code).toContain(code);
      expect(entry === undefined ? [] : paramsOf(entry), code).toEqual(
        expect.arrayContaining(placeholders(message)),
      );
    }
  });
});

/** Errors that only a command or the start of the service can end with. */
const ofCommandsAlone = [
  'cannot_listen',
  'database_in_use',
  'database_newer',
  'database_too_old',
  'demo_not_stored',
  'demo_unreadable',
  'dicom_needs_server',
  'download_wrong',
  'interrupted',
  'job_hangs',
  'labels_invalid',
  'nothing_to_evaluate',
  'orthanc_configuration',
  'report_unwritable',
  'rules_invalid',
  'sandbox_not_started',
  'sandbox_port_taken',
  'sandbox_unavailable',
  'sandbox_unwritable',
  'sandbox_without_postgresql',
  'service_refused',
  'setup_unwritable',
  'state_in_use',
  'stop_hangs',
  'systemd_unreachable',
  'tracing_unavailable',
  'training_impossible',
  'training_without_gain',
  'usage',
];

test('what decisions and the order check can say is what the page has sentences for', () => {
  expect(Object.keys(enReasons.decisions).sort()).toEqual(Object.keys(decisionReasons).sort());
  expect(Object.keys(enReasons.order).sort()).toEqual(Object.keys(orderSentences).sort());
  expect(Object.keys(enReasons.terms).sort()).toEqual(
    [...bodyParts, ...projections, 'right', 'left', 'both'].sort(),
  );
});

/** The codes that Orthanc's plugin answers with itself. */
async function pluginCodes(): Promise<string[]> {
  const scripts = (await readdir(join(root, 'orthanc'))).filter((name) => name.endsWith('.py'));
  const sources = await Promise.all(scripts.map((name) => readFile(join(root, 'orthanc', name), 'utf8')));
  return [...sources.join('\n').matchAll(/Problem\(\d+, '(\w+)'/g)].map(([, code = '']) => code);
}

const person = { confirmed: 3, corrected: 1 };
/** Of each sentence, what can be said with it. */
const samples: { [name in keyof Sentences]: Parameters<Sentences[name]>[] } = {
  stageTurned: [
    [90, undefined],
    [90, 'alice'],
  ],
  stageMirrored: [[undefined], ['alice']],
  stageWayUpSaid: [[undefined], ['knee_ap']],
  errorBetween: [[502]],
  headerInProgress: [[1200]],
  signInAt: [['idp.example']],
  titleUnsure: [['knee_ap']],
  chipProposed: [['knee_ap']],
  worklistCount: [
    [1, 1, false],
    [50, 1200, true],
    [50, undefined, true],
  ],
  worklistShowNew: [[1], [2]],
  filtersButton: [[0], [3]],
  filtersCategories: [[true], [false]],
  instancePosition: [
    [2, 30, false],
    [2, 30, true],
  ],
  instanceConfirmAs: [['knee_ap'], [null]],
  instanceViewer: [['alice']],
  correctionUnknownToNetwork: [['Knee'], ['']],
  mismatchAnsweredBy: [['No', 'alice', 'today']],
  proposalTitle: [['knee_ap']],
  proposalAsks: [['knee_ap']],
  proposalTake: [['knee_ap']],
  candidatesTake: [[1, 'knee_ap']],
  candidatesTakeTitle: [[1, 'knee_ap']],
  factsShadowSays: [['x', 'second']],
  stageAlt: [['knee_ap'], [undefined]],
  stageMapTitle: [['knee_ap']],
  reviewConfirmed: [['knee_ap'], [null]],
  reviewCorrected: [['knee_ap'], [null]],
  reviewDismissed: [['knee_ap']],
  reviewDecided: [
    ['x.', true, true],
    ['x.', false, false],
  ],
  reviewDiffers: [['x.']],
  reviewDecidedAlready: [
    ['knee_ap', 'alice'],
    [null, undefined],
  ],
  reviewConflict: [['x.']],
  reviewChanged: [['person'], ['network']],
  throughputSummary: [[1], [2]],
  decisionsSummary: [[1, 2]],
  chartLabel: [['x', 'y']],
  chartTableName: [['x']],
  agreementTable: [['first']],
  agreementSummary: [[person, person]],
  mismatchSummary: [[{ order_wrong: 1, category_wrong: 2, no_matter: 3 }]],
  agreementRange: [[0.1, 0.2]],
  agreementInsteadOf: [['knee_ap', 2]],
  shadowPair: [['first', 'second']],
  shadowSummary: [
    [1, 100, 0],
    [1, 100, 2],
  ],
  shadowRight: [[{ both: 1, onlyNetwork: 2, onlyShadow: 3, neither: 4, p: 0.0001 }]],
  shadowTable: [['first']],
  shadowMore: [[1], [2]],
  categoriesMost: [[7]],
  driftChange: [
    ['x', 0.1, 0.3, 'knee_ap'],
    ['x', 0.1, 0.3],
  ],
  driftSince: [['today']],
  driftExample: [[1]],
  driftAccept: [['ROOM1']],
  engineOnDevice: [['wasm', 'cpu']],
  engineDeclined: [['gpu']],
  engineQueueCounts: [[1, 2, 3]],
  sweepProgress: [
    [1, 2, 400],
    [1, 2, undefined],
  ],
  jobRequested: [['alice', 'today']],
  jobCounted: [
    [2, true],
    [2, false],
  ],
  jobProgress: [
    [1, 2, 400],
    [1, 2, undefined],
  ],
  jobLeftAlone: [
    [0, 0],
    [1, 2],
  ],
  jobFormCounting: [[1]],
  jobFormSubmit: [[1200]],
  qualityProgress: [
    [1, 2, 3],
    [1, undefined, 3],
  ],
  qualityMade: [
    ['today', 5, undefined, undefined],
    ['today', 5, '2026-01-01', undefined],
  ],
  qualityScore: [[0.9]],
  qualityUnread: [[1], [2]],
  qualityRange: [[0.1, 0.2]],
  qualityCounted: [[1, 2]],
  qualityOneIn: [[7]],
  qualityExample: [[1, 'x']],
  gridCategoryOption: [
    ['Knee', undefined],
    ['Knee', 1200],
  ],
  gridPictures: [['knee_ap']],
  gridShown: [
    [1, 0],
    [30, 2],
  ],
  gridCell: [
    [1, 30, '0.5', false, false],
    [2, 30, '0.5', true, true],
  ],
  gridConfirm: [[28]],
  gridConfirmed: [
    [1, 'knee_ap'],
    [28, 'knee_ap'],
  ],
  gridDiffer: [[1], [3]],
  gridUndone: [[1], [28]],
  gridNotSeen: [[1], [3]],
  gridLost: [['The service does not answer.']],
  gridRefused: [[1], [2]],
  qualityTable: [['x', 'y']],
};

test.each(languageTags)(
  'every sentence can be said in %s, and what has placeholders is a sentence',
  async (language) => {
    const texts = await load(language);
    for (const [name, calls] of Object.entries(samples))
      for (const args of calls) {
        const sentence = texts[name as keyof Sentences] as (...args: unknown[]) => string;
        expect(sentence(...args), name).not.toMatch(/[{}]|undefined|NaN/);
      }
    const left = messagesIn(Object.fromEntries(Object.entries(texts).filter(([name]) => !(name in samples))));
    expect(left.filter(([, message]) => /[{}]/.test(message))).toEqual([]);
  },
);

test('German says numbers, dates, names and body parts as a German reader writes them', async () => {
  vi.stubGlobal('navigator', { languages: ['de-DE'] });
  const texts = await load('de');
  const { dicomTime } = await import('../../../src/review/base/format.js');
  expect(texts.worklistCount(50, 1200, true)).toBe('50 von 1.200 Bilder');
  expect(texts.categoryName('patella_axial')).toBe('Patella axial');
  expect(texts.categoryName('oblique_view_of_Lauenstein')).toBe('Hüfte nach Lauenstein');
  // A class of a site's own network.
  expect(texts.categoryName('jaw_stent')).toBe('Jaw stent');
  expect(texts.correctionUnknownToNetwork('Calcaneus')).toBe('Kalkaneus · dem Netz noch nicht bekannt');
  expect(texts.shadowRight({ both: 1, onlyNetwork: 0, onlyShadow: 0, neither: 0, p: 0.25 })).toContain(
    'p = 0,250',
  );
  expect(dicomTime('20240131', '083000.5')).toBe('31.01.2024, 08:30');
  expect(dicomTime('20240131')).toBe('31.01.2024');
  expect(dicomTime('2024', '08')).toBe('2024 08');
});

test('an error is told by its code, and in the words of the service where its parameters are missing', async () => {
  const { errorText } = await load('de');
  const forbidden = { code: 'forbidden', title: 'This needs the role admin.' };
  expect(errorText({ ...forbidden, params: { role: 'admin' } })).toMatch(/^Dafür ist die Rolle admin nötig/);
  expect(errorText(forbidden)).toBe(forbidden.title);
  expect(errorText({ code: 'unheard_of', title: 'Something new.' })).toBe('Something new.');
  const methods = { code: 'method_unknown', title: '', params: { methods: ['GET', 'PUT'] } };
  expect(errorText(methods)).toContain('Möglich: GET, PUT.');
});

describe('a reason of the service', () => {
  const network = {
    classes: ['knee_ap', 'ankle_ap', 'other'],
    thresholds: { threshold: 0.9, margin: 0.2, unknownBelow: 0.3 },
  };
  test.each([
    ['best', [0.95, 0.03, 0.02], 'Knie a.p. mit 0,95.'],
    ['unsure', [0.5, 0.3, 0.2], 'Am besten passt Knie a.p. mit 0,5, unter der Schwelle 0,9.'],
    ['nothing', [0.25, 0.2, 0.1], 'Nichts erkannt: Am besten passt Knie a.p. mit 0,25, unter 0,3.'],
    ['none', [0.02, 0.03, 0.95], 'Keine der Kategorien, mit 0,95.'],
    ['perhaps none', [0.2, 0.2, 0.6], 'Vielleicht keine der Kategorien, mit 0,6.'],
  ])('of a decision is said in German: %s', async (_what, scores, sentence) => {
    const { decisionReason } = await load('de');
    expect(decisionReason(decide(Float32Array.from(scores), network))).toEqual({ text: sentence });
  });

  test('of what came together is said one after another, a person’s word too', async () => {
    const { decisionReason } = await load('de');
    const said = reasonOf('same_uid', { who: 'alice', category: '' });
    const best = reasonOf('best', { category: 'knee_ap', score: 0.95 });
    expect(decisionReason({ reason: '', because: [...said.because, ...best.because] })).toEqual({
      text: 'Ein anderes Bild hatte diese SOP Instance UID, und alice sagte dazu: nichts davon. Zu diesem: Knie a.p. mit 0,95.',
    });
    expect(decisionReason(reasonOf('confirmed', { who: 'alice' }))).toEqual({ text: 'Bestätigt von alice.' });
  });

  test('of the order check names body parts, projections and sides', async () => {
    const { orderReason } = await load('de');
    const words = [
      { attribute: 'StudyDescription', values: new Set(['HAND', 'WRIST']) },
      { attribute: 'BodyPartExamined', values: new Set(['FOOT']) },
    ];
    expect(orderReason(finding('differs', 'part', words, 'KNEE'))).toEqual({
      text: 'Das Bild zeigt: Knie; Study Description nennt Hand und Handgelenk, Body Part Examined nennt Fuß.',
    });
    const sides = [{ attribute: 'ImageLaterality', values: new Set(['left']) }];
    expect(orderReason(finding('differs', 'marker', sides, 'right'))).toEqual({
      text: 'Die Seitenmarke auf dem Bild sagt rechts; Image Laterality nennt links.',
    });
    expect(orderReason(finding('cannot_tell', 'one_side', sides)).text).toContain(
      'Image Laterality nennt links',
    );
  });

  test('of an older record, or of a newer service, is shown as it is', async () => {
    const { decisionReason, orderReason, failureReason } = await load('de');
    const english = { text: 'It is so.', lang: 'en' };
    const reason = 'It is so.';
    expect(decisionReason({ reason })).toEqual(english);
    expect(decisionReason({ reason, because: [{ code: 'unheard_of', params: {} }] })).toEqual(english);
    expect(decisionReason({ reason, because: [{ code: 'confirmed', params: {} }] })).toEqual(english);
    expect(orderReason({ reason })).toEqual(english);
    expect(orderReason({ reason, because: { code: 'unheard_of', said: [] } })).toEqual(english);
    expect(failureReason(reason)).toEqual(english);
    const failure = { code: 'state_damaged', message: 'It is damaged.', params: { file: 'x.json' } };
    expect(failureReason(failure.message, failure).text).toMatch(/^x.json ist beschädigt/);
    expect(failureReason(reason, { ...failure, message: reason, params: {} })).toEqual(english);
  });
});

test.each<[chosen: string | null, preferred: string[], language: Language, locale: string]>([
  [null, ['de-CH', 'en'], 'de', 'de-CH'],
  [null, ['fr-FR', 'de', 'en-GB'], 'de', 'de'],
  [null, ['en-GB', 'de'], 'en', 'en-GB'],
  [null, ['fr'], 'en', 'en'],
  [null, [], 'en', 'en'],
  ['de', ['en-GB', 'de-AT'], 'de', 'de-AT'],
  ['en', ['de'], 'en', 'en'],
  ['klingon', ['de'], 'de', 'de'],
  // What some systems without a locale report: Intl refuses it.
  [null, ['en-US@posix'], 'en', 'en'],
])('chosen %j, browser %j: %s, written as in %s', (chosen, preferred, language, locale) => {
  expect(chooseLanguage(chosen, preferred)).toEqual({ language, locale });
});

test('why a picture was not confirmed with others is said in the language of the page', async () => {
  await load('de');
  const grid = await import('../../../src/review/grid/state.js');
  const api = stubApi();
  const picture = { instance: 'i', of: '2026-01-01T00:00:00.000Z', picture: 'p', score: 0.5, differs: false };
  api.on('GET worklist/grid', () => ({ category: 'knee_ap', pictures: [picture], categories: [] }));
  api.on('POST confirmations', () => ({
    results: [
      {
        instance: 'i',
        outcome: 'refused',
        problem: { code: 'picture_replaced', title: 'Another file came.', params: { instance: 'i' } },
      },
    ],
  }));
  await grid.openGrid({ state: 'needs_review' });
  grid.markSeen(picture);
  await grid.confirmRest();
  expect(grid.refusals.value[0]?.why).toMatch(
    /^Inzwischen hat eine andere Datei das Bild der Instanz i ersetzt/,
  );
});
