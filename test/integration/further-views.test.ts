import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Role } from '../../src/access/caller.js';
import { callApi } from '../../testkit/api.js';
import { plainview } from '../../testkit/cli.js';
import { type StoredInstance, waitFor } from '../../testkit/orthanc.js';
import type { TestService } from '../../testkit/service.js';
import { fetchSigned } from '../../testkit/signed.js';
import { dataset, picture, useTags } from '../../testkit/tags.js';

const { real, reader, service, waitForTags, simplified, fileOf, text } = await useTags();

let folder = '';
const file = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plainview-views-'));
  await writeFile(
    file('views.yaml'),
    `views:
  elbow_radial_head:
    bodyPartExamined: ELBOW
    region: {value: "16953009", meaning: Elbow joint}
    view: {value: "399182000", meaning: oblique}
    words: [Radiuskopf Coyle]
`,
  );
  await writeFile(
    file('hanging.yaml'),
    `protocols:
  - {id: heel, rows: [[calcaneus_lateral]]}
  - {id: radial-head, rows: [[elbow_radial_head]]}
`,
  );
  await writeFile(
    file('rules.yaml'),
    'version: 1\nsince: 2020-01-01\nrules:\n  - {name: heels, when: {category: calcaneus_*}, do: {label: for_orthopaedics}}\n',
  );
});
afterAll(() => rm(folder, { recursive: true }));

const env = () => ({
  PLAINVIEW_REPORT: 'study',
  PLAINVIEW_LABEL_PREFIX: 'rx-',
  PLAINVIEW_VIEWS_FILE: file('views.yaml'),
  PLAINVIEW_HANGING_FILE: file('hanging.yaml'),
  PLAINVIEW_RULES_FILE: file('rules.yaml'),
});

const labelsOf = async ({ orthancId, series, study }: StoredInstance) => [
  await reader().labels(`instances/${orthancId}`),
  await reader().labels(`series/${series}`),
  await reader().labels(`studies/${study}`),
];
const everywhere = (...labels: string[]) => [labels, labels, labels];

/** The text of the report on the study, when it is about this decision. */
const reportOn = ({ orthancId, study }: StoredInstance, category: string) =>
  waitFor(
    async () => {
      const instances = JSON.parse(await text(`studies/${study}/instances?expand`)) as { ID: string }[];
      const others = instances.map(({ ID }) => ID).filter((id) => id !== orthancId);
      const [report, ...more] = await Promise.all(others.map((id) => text(`instances/${id}/tags?simplify`)));
      return more.length === 0 && report?.includes(category) === true && report;
    },
    { what: `a report says ${category}` },
  );

const hanging = async (of: TestService, study: string) =>
  (await fetchSigned(of.secret, `${of.url}/api/v1/studies/${study}/hanging`)).json();

async function correct(
  of: TestService,
  { orthancId }: StoredInstance,
  category: string,
  role: Role = 'reviewer',
) {
  const { when } = (await reader().record(orthancId)) ?? {};
  return callApi(of, 'PUT', `/instances/${orthancId}/decision`, { body: { category, of: when }, role });
}

/** A lateral knee by the network's decision, of which the order wanted something else. */
async function ordered(description: string, part: string) {
  const bytes = picture({ attributes: { '0008,1030': ['LO', description], '0018,0015': ['CS', part] } });
  const stored = await real.storeInstance(bytes);
  await waitForTags(stored.orthancId, 'knee_lateral');
  return stored;
}

test('a view that the network does not know is on all levels, in the file, in the report, hung and routed; undo puts all back', async () => {
  const of = await service('replace', { answer: 'knee_lateral', env: env() });
  const stored = await ordered('Fersenbein seitlich', 'ANKLE');
  const id = stored.orthancId;
  const before = await fileOf(id);
  expect(await labelsOf(stored)).toEqual(everywhere('rx-knee_lateral', 'rx-order_mismatch'));
  await reportOn(stored, 'knee_lateral');

  const answer = await correct(of, stored, 'calcaneus_lateral');
  expect(answer).toMatchObject({ status: 200, json: { category: 'calcaneus_lateral', who: 'person' } });
  await waitForTags(id, 'calcaneus_lateral');
  await waitFor(async () => (await labelsOf(stored)).flat().includes('rx-for_orthopaedics'));
  const labels = everywhere('rx-calcaneus_lateral', 'rx-for_orthopaedics', 'rx-settled_by_person');
  await waitFor(async () => (await labelsOf(stored)).join() === labels.join());
  expect(await reader().metadata(`instances/${id}`, 'RadiographCategory')).toBe('calcaneus_lateral');
  expect((await reader().record(id))?.order).toMatchObject({
    answer: 'agrees',
    bodyPart: { answer: 'agrees' },
    projection: { answer: 'agrees' },
  });
  expect(await simplified(id)).toMatchObject({
    BodyPartExamined: 'CALCANEUS',
    AnatomicRegionSequence: [{ CodeValue: '80144004', CodeMeaning: 'Calcaneus' }],
    ViewCodeSequence: [{ CodeValue: '399067008', CodeMeaning: 'lateral' }],
  });
  const report = await reportOn(stored, 'calcaneus_lateral');
  for (const said of ['80144004', 'Calcaneus', '399067008']) expect(report).toContain(said);
  const study = String((await simplified(id)).StudyInstanceUID);
  expect(await hanging(of, study)).toMatchObject({
    protocol: { id: 'heel' },
    instances: [{ category: 'calcaneus_lateral', region: { value: '80144004' }, sure: true }],
  });
  const found = await callApi(of, 'GET', '/worklist?state=recent&category=calcaneus_lateral');
  expect(found.json).toMatchObject({ items: [{ instance: id }] });

  const { when } = (await reader().record(id)) ?? {};
  await callApi(of, 'POST', `/instances/${id}/undo`, { body: { of: when } });
  await waitForTags(id, 'knee_lateral');
  await waitFor(async () => (await labelsOf(stored)).every((labels) => labels.includes('rx-order_mismatch')));
  await waitFor(async () => (await labelsOf(stored)).every(({ length }) => length === 2));
  expect(await labelsOf(stored)).toEqual(everywhere('rx-knee_lateral', 'rx-order_mismatch'));
  expect(dataset(await fileOf(id))).toEqual(dataset(before));
  await reportOn(stored, 'knee_lateral');
});

test('a view of the site is treated alike, and its words are understood', async () => {
  const of = await service('replace', { answer: 'knee_lateral', env: env() });
  const stored = await ordered('Radiuskopf Coyle', 'ELBOW');
  expect((await correct(of, stored, 'elbow_radial_head')).status).toBe(200);
  await waitForTags(stored.orthancId, 'elbow_radial_head');
  expect((await reader().record(stored.orthancId))?.order?.answer).toBe('agrees');
  expect(await simplified(stored.orthancId)).toMatchObject({
    BodyPartExamined: 'ELBOW',
    ViewCodeSequence: [{ CodeValue: '399182000' }],
  });
  await reportOn(stored, 'elbow_radial_head');
  const study = String((await simplified(stored.orthancId)).StudyInstanceUID);
  expect(await hanging(of, study)).toMatchObject({ protocol: { id: 'radial-head' } });
  const listed = plainview(['find', '--category', 'elbow_radial_head', '--csv', file('found.csv')], {
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    ...env(),
  });
  expect([await listed.ended, listed.out()]).toEqual([0, '1 found\n']);
});

test('who may not correct cannot choose one either, and an unknown name is refused', async () => {
  const of = await service('replace', { answer: 'knee_lateral', env: env() });
  const stored = await ordered('Knie seitlich', 'KNEE');
  expect(await correct(of, stored, 'calcaneus_lateral', 'viewer')).toMatchObject({
    status: 403,
    json: { code: 'forbidden' },
  });
  expect(await correct(of, stored, 'calcaneus_lateralis')).toMatchObject({
    status: 400,
    json: { code: 'category_unknown' },
  });
  const { json } = await callApi(of, 'GET', '/categories');
  const names = (json.categories as { name: string }[]).map(({ name }) => name);
  for (const name of ['knee_lateral', 'calcaneus_lateral', 'elbow_radial_head'])
    expect(names).toContain(name);
  expect(json.networkClasses).not.toContain('calcaneus_lateral');
});

test('a file of views that cannot be read stops the start', async () => {
  const nowhere = { ...env(), PLAINVIEW_VIEWS_FILE: '/nowhere/views.yaml' };
  await expect(service('replace', { env: nowhere })).rejects.toThrow(/PLAINVIEW_VIEWS_FILE: .*nowhere/);
  await writeFile(
    file('wrong.yaml'),
    'views:\n  needs_review: {bodyPartExamined: A, region: {value: a, meaning: b}}',
  );
  const state = { ...env(), PLAINVIEW_VIEWS_FILE: file('wrong.yaml') };
  await expect(service('replace', { env: state })).rejects.toThrow(/PLAINVIEW_VIEWS_FILE: "needs_review"/);
});

test('the label of such a view, set by a person in Orthanc, is a proposal', async () => {
  const of = await service('off', { answer: 'knee_lateral', env: env() });
  const stored = await real.storeInstance(picture());
  await reader().decided(stored.orthancId);
  await fetch(`${real.orthanc.url}/studies/${stored.study}/labels/rx-elbow_radial_head`, { method: 'PUT' });
  await waitFor(async () => {
    const { json } = await callApi(of, 'GET', `/instances/${stored.orthancId}`);
    return (json.proposed as string[] | undefined)?.includes('elbow_radial_head');
  });
  expect(await reader().labels(`studies/${stored.study}`)).toContain('rx-elbow_radial_head');
});
