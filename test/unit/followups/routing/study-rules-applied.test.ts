import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GroupLabels } from '../../../../src/followups/routing/group-labels.js';
import { findPendingStudies } from '../../../../src/followups/routing/pending.js';
import { studyRoutesOf } from '../../../../src/followups/routing/routes-record.js';
import { readRules } from '../../../../src/followups/routing/rules/read.js';
import { StudyLedger } from '../../../../src/followups/routing/studies/ledger.js';
import { StudyRules } from '../../../../src/followups/routing/studies/study-rules.js';
import type { InstanceId, StudyId } from '../../../../src/orthanc/ids.js';
import { FolderStore } from '../../../../src/store/folder-store.js';
import { categories, type Process, silent, useFakeSite } from '../../../../testkit/fake-site.js';
import { head, type RulesFolder, rulesFolder } from '../../../../testkit/rules.js';
import { routingSite } from './support.js';

const site = useFakeSite({ destinations: { peers: ['a'], modalities: { m: 'SCANNER' } } });
const { store, decide } = routingSite(site);
let place: RulesFolder;
beforeAll(async () => {
  place = await rulesFolder();
});
afterAll(() => place.discard());

const pair = { name: 'pair', when: { all: ['knee_ap', 'knee_lateral'] }, do: { peer: 'a', label: 'pair' } };

/** What one process has for the rules on studies. */
async function create(rules: object[] = [pair], { waitMinutes = 60, process = site.process() } = {}) {
  const { orthanc, locks, config } = process;
  const read = readRules(await place.write({ ...head, studies: { waitMinutes, rules } }), categories.names);
  if (read.studies === undefined) throw new Error('the file has rules on studies');
  const groupLabels = new GroupLabels(orthanc, locks);
  const pending: [StudyId, string][] = [];
  const onPending = (study: StudyId, to: string) => void pending.push([study, to]);
  const studyRules = new StudyRules({
    orthanc,
    store: new FolderStore(site.stateDir),
    locks,
    groupLabels,
    rules: read.studies,
    sha256: read.sha256,
    categories,
    modalities: config.modalities,
    labelPrefix: '',
    hasSeveral: false,
    known: () => ({ aets: new Map([['m', 'SCANNER']]) }),
    onPending,
    log: silent,
  });
  const ledger = new StudyLedger({
    orthanc,
    groupLabels,
    modalities: config.modalities,
    onPending,
    onChanged: (study) => studyRules.mark(study),
  });
  /** Ends the pending route as sent. */
  const send = async (study: StudyId) => {
    for (const { route } of await ledger.due([study], 'peer:a'))
      await ledger.end(study, route, { state: 'sent' });
  };
  const decided = async (id: InstanceId, study: StudyId, category: string) => {
    await decide(process, id, category);
    await studyRules.mark(study);
  };
  /** What the start of a service does. */
  const search = () =>
    findPendingStudies(
      orthanc,
      { ledger, groupLabels },
      'route_pending',
      new Map([['peer:a', { enqueue: (id: StudyId) => onPending(id, 'peer:a') }]]),
    );
  return { process, ledger, studyRules, pending, send, decided, search };
}

const routesOf = (study: StudyId) => studyRoutesOf({ Metadata: site.fake.metadata(study) })?.routes ?? [];
const statesOf = (study: StudyId) => routesOf(study).map(({ rule, to, state }) => `${rule} ${to} ${state}`);
const ownLabels = (study: StudyId) => site.fake.labels(study).filter((label) => !label.startsWith('knee_'));
const dueStudies = () => readdir(join(site.stateDir, 'study-rules')).catch(() => []);

/** A study of two pictures. */
function knees(name: string) {
  const [ap, lateral] = [store('ap', name), store('lateral', name)];
  return { study: ap.study, ap: ap.instance, lateral: lateral.instance };
}

test('a rule waits until each picture has a category; then it is told once, with its label', async () => {
  const { studyRules, pending, send, decided } = await create();
  const { study, ap, lateral } = knees('one');
  await decided(ap, study, 'knee_ap');
  expect(await studyRules.apply(study)).toMatchObject({ until: expect.any(Number) });
  expect(statesOf(study)).toEqual([]);
  await decided(lateral, study, 'knee_lateral');
  expect(await studyRules.apply(study)).toBeUndefined();
  expect(statesOf(study)).toEqual(['pair peer:a pending']);
  expect(ownLabels(study)).toEqual(['pair', 'route_pending']);
  expect(pending).toEqual([[study, 'peer:a']]);
  await send(study);
  expect(ownLabels(study)).toEqual(['pair']);
  await studyRules.mark(study);
  await studyRules.apply(study);
  expect(statesOf(study)).toEqual(['pair peer:a sent']);
  expect(await dueStudies()).toEqual([]);
});

test('pictures without a category are waited for no longer than the file says', async () => {
  const undecided = { name: 'pair', when: { any: 'knee_ap' }, do: { label: 'seen' } };
  const { studyRules, decided } = await create([undecided], { waitMinutes: 0 });
  const { study, ap } = knees('slow');
  await decided(ap, study, 'knee_ap');
  expect(await studyRules.apply(study)).toBeUndefined();
  expect(ownLabels(study)).toEqual(['seen']);
});

test('a correction takes the label away, and what waits to be told is not told; another one tells anew', async () => {
  const { studyRules, send, decided } = await create();
  const { study, ap, lateral } = knees('corrected');
  await decided(ap, study, 'knee_ap');
  await decided(lateral, study, 'knee_lateral');
  await studyRules.apply(study);
  await decided(lateral, study, 'hand_ap');
  await studyRules.apply(study);
  expect(statesOf(study)).toEqual(['pair peer:a skipped']);
  expect(ownLabels(study)).toEqual(['hand_ap']);
  await decided(lateral, study, 'knee_lateral');
  await studyRules.apply(study);
  await send(study);
  expect(statesOf(study)).toEqual(['pair peer:a skipped', 'pair peer:a sent']);
  // Undone and done again: this was told already.
  for (const category of ['hand_ap', 'knee_lateral']) {
    await decided(lateral, study, category);
    await studyRules.apply(study);
  }
  expect(statesOf(study)).toEqual(['pair peer:a skipped', 'pair peer:a sent']);
  expect(ownLabels(study)).toEqual(['pair']);
});

test('one more picture tells anew, unless the rule says never', async () => {
  const once = { ...pair, name: 'once', again: 'never', do: { modality: 'm' } };
  const { studyRules, ledger, decided } = await create([pair, once]);
  const { study, ap, lateral } = knees('more');
  await decided(ap, study, 'knee_ap');
  await decided(lateral, study, 'knee_lateral');
  const apply = async () => {
    await studyRules.apply(study);
    for (const to of ['peer:a', 'modality:m'])
      for (const { route } of await ledger.due([study], to))
        await ledger.end(study, route, { state: 'sent' });
  };
  await apply();
  for (let more = 1; more <= 8; more++) {
    await decided(store(`more ${more}`, 'more').instance, study, 'knee_ap');
    await apply();
  }
  // Of the rule that tells each time, the record keeps the last ones.
  expect(statesOf(study)).toEqual(['once modality:m sent', ...Array(6).fill('pair peer:a sent')]);
});

test('a rule tells again what a destination refused, once something is decided', async () => {
  const { studyRules, ledger, send, decided } = await create();
  const { study, ap, lateral } = knees('refused');
  await decided(ap, study, 'knee_ap');
  await decided(lateral, study, 'knee_lateral');
  await studyRules.apply(study);
  for (const { route } of await ledger.due([study], 'peer:a'))
    await ledger.end(study, route, { state: 'failed', why: 'no' });
  expect(ownLabels(study)).toEqual(['pair', 'route_failed']);
  await studyRules.mark(study);
  await studyRules.apply(study);
  expect(statesOf(study)).toEqual(['pair peer:a pending']);
  await send(study);
  expect(ownLabels(study)).toEqual(['pair']);
});

test('a kill before any write loses nothing, and tells nothing twice', async () => {
  let wasKilled = true;
  for (let writes = 0; wasKilled; writes++) {
    const { study, ap, lateral } = knees(`killed ${writes}`);
    const killed = await create();
    await killed.decided(ap, study, 'knee_ap');
    await killed.decided(lateral, study, 'knee_lateral');
    const life = async ({ studyRules, send, search }: typeof killed) => {
      await search();
      await studyRules.apply(study);
      await send(study);
    };
    wasKilled = await site.dying(writes, () => life(killed));
    await life(await create());
    expect([writes, statesOf(study), ownLabels(study)]).toEqual([writes, ['pair peer:a sent'], ['pair']]);
  }
  expect(await dueStudies()).toEqual([]);
});

test('what one process marks, another one applies; of two that do, one tells', async () => {
  const [first, second] = [await create(), await create()];
  const { study, ap, lateral } = knees('shared');
  await first.decided(ap, study, 'knee_ap');
  await first.decided(lateral, study, 'knee_lateral');
  await second.studyRules.apply(study);
  await first.studyRules.apply(study);
  expect(statesOf(study)).toEqual(['pair peer:a pending']);
  expect([first.pending, second.pending]).toEqual([[], [[study, 'peer:a']]]);
});

test('a study that is deleted meanwhile is due no longer, and its routes are not sent', async () => {
  const { studyRules, ledger, decided } = await create();
  const { study, ap, lateral } = knees('gone');
  await decided(ap, study, 'knee_ap');
  await decided(lateral, study, 'knee_lateral');
  await studyRules.apply(study);
  await studyRules.mark(study);
  await site.remove(`studies/${study}`);
  expect(await ledger.due([study], 'peer:a')).toEqual([]);
  expect(await studyRules.apply(study)).toBeUndefined();
  expect(await dueStudies()).toEqual([]);
});

test('what waits to be sent of a picture that was deleted meanwhile is not sent: the rules are applied again', async () => {
  const { studyRules, ledger, decided } = await create();
  const { study, ap, lateral } = knees('gone');
  await decided(ap, study, 'knee_ap');
  await decided(lateral, study, 'knee_lateral');
  await studyRules.apply(study);
  await site.remove(`instances/${lateral}`);
  expect(await ledger.due([study], 'peer:a')).toEqual([]);
  await studyRules.apply(study);
  expect(statesOf(study)).toEqual(['pair peer:a skipped']);
  expect(ownLabels(study)).toEqual([]);
});

test('a study of which the state is damaged waits no longer', async () => {
  const { studyRules, decided } = await create();
  const { study, ap } = knees('damaged');
  await decided(ap, study, 'knee_ap');
  await writeFile(join(site.stateDir, 'study-rules', `${study}.json`), '{');
  expect(await studyRules.apply(study)).toBeUndefined();
  expect(studyRoutesOf({ Metadata: site.fake.metadata(study) })).toBeDefined();
});

test('a sweep finds a study of which a picture was deleted', async () => {
  const { process, studyRules, decided } = await create();
  const { study, ap, lateral } = knees('less');
  await decided(ap, study, 'knee_ap');
  await decided(lateral, study, 'knee_lateral');
  await studyRules.apply(study);
  const isUpToDate = async ({ orthanc }: Process) => {
    const tree = await orthanc.hierarchy.tree(study);
    return tree !== undefined && studyRules.isUpToDate(tree);
  };
  expect(await isUpToDate(process)).toBe(true);
  await site.remove(`instances/${lateral}`);
  expect(await isUpToDate(process)).toBe(false);
  await studyRules.update(study);
  await studyRules.apply(study);
  expect(ownLabels(study)).toEqual([]);
});
