import nock from 'nock';
import { afterEach, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { Aggregates } from '../../../src/decisions/aggregates.js';
import { groupRecord, type InstanceRecord, readRecord } from '../../../src/decisions/schema.js';
import { studyId } from '../../../src/orthanc/ids.js';
import { Orthanc } from '../../../src/orthanc/orthanc.js';
import { LocalLocks } from '../../../src/store/local-locks.js';
import { names } from '../../../testkit/fake-site.js';

const base = 'http://orthanc.test';
const id = (n: number) => `0000000${n}${'-00000000'.repeat(4)}`;
const study = studyId.parse(id(1));

const decided = (category: string): InstanceRecord => ({
  version: 1,
  decision: 'category',
  category,
  reason: '',
  top: [],
  who: 'network',
  network: { name: 'n', sha256: '00' },
  engine: 'test',
  when: '2026-01-01T00:00:00.000Z',
  ms: 1,
  labels: [category],
});

/** A study of one series in an Orthanc whose every write of metadata another service may follow upon. */
function oneStudy(afterWrite: (state: State, resource: string) => void) {
  const state: State = { instances: [decided('knee_ap')], records: {}, labels: {} };
  const content = (resource: string, n: number, more: object) => ({
    ID: id(n),
    Metadata: state.records[resource] === undefined ? {} : { Radiograph: state.records[resource] },
    Labels: state.labels[resource] ?? [],
    ...more,
  });
  const answers: Record<string, () => object[]> = {
    Study: () => [
      content(`studies/${id(1)}`, 1, {
        ParentPatient: id(9),
        Series: [id(2)],
        MainDicomTags: { '0020,000d': '1.1' },
      }),
    ],
    Series: () => [
      content(`series/${id(2)}`, 2, {
        ParentStudy: id(1),
        Instances: state.instances.map((_, index) => id(3 + index)),
        MainDicomTags: { '0020,000e': '1.1.1', '0008,0060': 'DX' },
      }),
    ],
    Instance: () =>
      state.instances.map((record, index) => ({
        ID: id(3 + index),
        ParentSeries: id(2),
        FileUuid: `file ${index}`,
        MainDicomTags: { '0008,0018': `1.1.1.${index}` },
        Metadata: { Radiograph: JSON.stringify(record) },
        Labels: record.labels,
      })),
  };
  const resourceOf = (uri: string) => uri.split('/').slice(1, 3).join('/');
  const scope = nock(base).persist();
  scope
    .post('/tools/bulk-content')
    .reply((_uri, body) => [200, answers[(body as { Level: string }).Level]?.()]);
  scope.get(/metadata/).reply((uri) => {
    const record = state.records[resourceOf(uri)];
    return record === undefined ? [404] : [200, record];
  });
  scope.put(/metadata/).reply((uri, body) => {
    state.records[resourceOf(uri)] = typeof body === 'string' ? body : JSON.stringify(body);
    afterWrite(state, resourceOf(uri));
    return [200];
  });
  scope.put(/labels/).reply((uri) => {
    const resource = resourceOf(uri);
    state.labels[resource] = [...(state.labels[resource] ?? []), uri.split('/').at(-1) ?? ''];
    return [200];
  });
  return state;
}

interface State {
  instances: InstanceRecord[];
  records: Record<string, string>;
  labels: Record<string, string[]>;
}

const aggregates = () =>
  new Aggregates(
    new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: base, PLAINVIEW_ORTHANC_RETRIES: '0' })),
    names,
    new LocalLocks(),
  );

afterEach(() => nock.cleanAll());

test('another service that writes upon ours makes us add up anew, and neither label is disowned', async () => {
  let interrupted = false;
  const state = oneStudy((now, resource) => {
    if (interrupted || !resource.startsWith('studies/')) return;
    interrupted = true;
    // The other one has decided a second instance, has not seen ours, and comes last.
    now.instances.push(decided('hand_ap'));
    const record = {
      version: 1,
      categories: { hand_ap: 1 },
      decisions: { category: 1 },
      labels: ['hand_ap'],
    };
    now.records[resource] = JSON.stringify(record);
    now.labels[resource] = ['hand_ap'];
  });
  await aggregates().aggregate(study);
  const record = readRecord(groupRecord, state.records[`studies/${id(1)}`]);
  expect(record).toEqual({
    version: 1,
    categories: { hand_ap: 1, knee_ap: 1 },
    decisions: { category: 2 },
    labels: ['hand_ap', 'knee_ap'],
  });
  expect(state.labels[`studies/${id(1)}`]?.sort()).toEqual(['hand_ap', 'knee_ap']);
});

test('two that never stop writing upon each other end in an error that is tried again, not in a loop', async () => {
  let turn = 0;
  oneStudy((now, resource) => {
    now.records[resource] = JSON.stringify({
      version: 1,
      categories: {},
      decisions: {},
      labels: [`other${turn++}`],
    });
  });
  await expect(aggregates().aggregate(study)).rejects.toMatchObject({
    code: 'orthanc_conflict',
    transient: true,
  });
});

test('a study in step is not written', async () => {
  let writes = 0;
  const state = oneStudy(() => {
    writes++;
  });
  await aggregates().aggregate(study);
  const first = writes;
  await aggregates().aggregate(study);
  expect(first).toBe(2);
  expect(writes).toBe(2);
  expect(state.labels[`series/${id(2)}`]).toEqual(['knee_ap']);
});
