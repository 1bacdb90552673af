import nock from 'nock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/load.js';
import { Ledger } from '../../../../src/followups/routing/ledger.js';
import { instanceId } from '../../../../src/orthanc/ids.js';
import { Orthanc } from '../../../../src/orthanc/orthanc.js';
import { LocalLocks } from '../../../../src/store/local-locks.js';
import { waitFor } from '../../../../testkit/orthanc.js';

const base = 'http://orthanc.test';
const id = instanceId.parse('00000001-00000002-00000003-00000004-00000005');
const when = '2026-01-01T00:00:00.000Z';

beforeEach(() => nock.disableNetConnect());
afterEach(() => {
  nock.cleanAll();
  nock.enableNetConnect();
});

test('a route stays due while its file is replaced and has no metadata', async () => {
  const record = {
    version: 1,
    decision: 'category',
    category: 'knee_ap',
    reason: '',
    top: [],
    who: 'network',
    network: { name: 'n', sha256: '0' },
    engine: 'e',
    when,
    ms: 1,
    labels: [],
  };
  const route = { to: 'peer:a', rule: 'r', of: when, decision: 'category', state: 'pending', asked: when };
  const bare = {
    ID: id,
    ParentSeries: id,
    Metadata: {},
    Labels: [],
    FileUuid: 'file',
    MainDicomTags: { '0008,0018': '1.1.1' },
  };
  const whole = {
    ...bare,
    Metadata: {
      Radiograph: JSON.stringify(record),
      RadiographRoutes: JSON.stringify({ version: 1, of: when, routes: [route], wanted: [], labels: [] }),
    },
  };
  let current: object = bare;
  let reads = 0;
  nock(base)
    .persist()
    .post('/tools/bulk-content')
    .reply(200, () => {
      reads++;
      return [current];
    });
  const orthanc = new Orthanc(loadConfig({ PLAINVIEW_ORTHANC_URL: base }));
  try {
    const ledger = new Ledger(orthanc, '', new LocalLocks());
    let release = () => {};
    const storing = ledger.exclusive(id, async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      current = whole;
    });
    const due = ledger.due([id], 'peer:a');
    await waitFor(() => reads === 1);
    release();
    await storing;
    expect(await due).toMatchObject([{ resource: { ID: id }, route: { to: 'peer:a' } }]);
  } finally {
    orthanc.close();
  }
});
