import { z } from 'zod';
import { callApi } from '../../testkit/api.js';
import { image, uid } from '../../testkit/dicom.js';
import { storeInstance } from '../../testkit/orthanc.js';
import { waitFor } from '../../testkit/wait-for.js';
import { type Deployment, withDeployment } from '../deployment.js';
import { type Scenario, sized } from '../report.js';

const rounds = 10;
const hangMs = 30_000;
const statistics = z.object({ CountInstances: z.number() });
const decided = z.object({ when: z.string() });
const job = z.object({ id: z.string(), state: z.string(), asked: z.number(), answered: z.number() });

/**
 * All studies are reclassified again and again, while a reviewer looks at pictures and decides. Each decision deletes a
 * report, stores another one, and with tags the file itself, while other pictures are rendered: without Plainview's order of
 * these, an Orthanc before 1.13.0 with SQLite freezes within seconds.
 */
export const freeze: Scenario = async (options) => {
  const studies = sized(60, options);
  const results = [];
  for (const tags of ['off', 'replace'] as const)
    results.push(
      await withDeployment((stage) => run(stage, tags, studies, options.log), { OverwriteInstances: true }),
    );
  const version = results[0]?.version ?? '';
  return {
    title: `Orthanc ${version}: ${studies} studies with reports are reclassified ${rounds} times while a person decides`,
    rows: Object.fromEntries(results.map(({ name, row }) => [name, row])),
    violations: results.flatMap(({ name, violations }) => violations.map((text) => `${name}: ${text}`)),
  };
};

async function run(
  { orthanc: { url }, newService }: Deployment,
  tags: 'off' | 'replace',
  studies: number,
  log: (line: string) => void,
) {
  const name = tags === 'off' ? 'reports' : 'reports and tags';
  const ids: string[] = [];
  const service = await newService({
    env: {
      PLAINVIEW_REPORT: 'study',
      PLAINVIEW_TAGS: tags,
      // Every picture gets a category, and so tags.
      PLAINVIEW_THRESHOLD: '0',
      PLAINVIEW_MARGIN: '0',
      PLAINVIEW_UNKNOWN_BELOW: '0',
    },
  });
  service.start();
  await service.ready();
  for (let n = 0; n < studies; n++) {
    const file = image({ rows: 700, columns: 700, studyInstanceUid: uid(`freeze ${tags} ${n}`) });
    ids.push((await storeInstance(url, file)).orthancId);
  }
  const isIdle = async () => {
    const states = ['waiting', 'running', 'delayed'];
    const jobs = await Promise.all(
      states.map((state) => service.metric(`plainview_queue_jobs{state="${state}"}`)),
    );
    return jobs.every((number) => number === 0);
  };
  const total = () => service.metric('plainview_stage_seconds_count{stage="total"}');
  await waitFor(async () => (await total()) >= studies && isIdle(), {
    what: 'the first decisions',
    timeout: 300_000,
    everyMs: 200,
  });

  let isOver = false;
  let longestMs = 0;
  const violations: string[] = [];
  /** Asks the index, which a frozen Orthanc no longer answers for. */
  const watching = (async () => {
    while (!isOver) {
      const began = performance.now();
      await fetch(`${url}/statistics`, { signal: AbortSignal.timeout(hangMs) })
        .then((answer) => answer.arrayBuffer())
        .catch(() => violations.push(`Orthanc did not answer within ${hangMs / 1000} s`));
      longestMs = Math.max(longestMs, performance.now() - began);
      if (violations.length > 0) isOver = true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  let decisions = 0;
  const reviewing = (async () => {
    for (let n = 0; !isOver && decisions < 60; n++) {
      const path = `/instances/${ids[n % ids.length]}`;
      await callApi(service, 'GET', `${path}/picture`);
      const { json } = await callApi(service, 'GET', path);
      const shown = decided.safeParse(json);
      if (!shown.success) continue;
      const body = { category: n % 2 === 0 ? 'hand_ap' : 'knee_ap', of: shown.data.when };
      // 409 where the network has decided meanwhile.
      if ((await callApi(service, 'PUT', `${path}/decision`, { body })).status === 200) decisions++;
    }
  })();
  const began = performance.now();
  for (let round = 1; round <= rounds && violations.length === 0; round++) {
    const body = { selection: { all: true }, includingCorrected: true };
    const begun = job.parse((await callApi(service, 'POST', '/requests', { body })).json);
    await waitFor(
      async () => {
        const now = job.parse((await callApi(service, 'GET', `/requests/${begun.id}`)).json);
        return (
          violations.length > 0 || (now.state === 'done' && now.answered >= now.asked && (await isIdle()))
        );
      },
      { what: `the end of round ${round}`, timeout: 600_000, everyMs: 200 },
    );
    log(`${name}: round ${round} of ${rounds}, ${decisions} decisions of the reviewer`);
  }
  const seconds = (performance.now() - began) / 1000;
  await reviewing;
  await waitFor(isIdle, { what: 'the end', timeout: 300_000, everyMs: 200 });
  isOver = true;
  await watching;
  violations.push(...service.faults());
  const { CountInstances } = statistics.parse(await (await fetch(`${url}/statistics`)).json());
  if (CountInstances !== 2 * studies)
    violations.push(`${CountInstances} instances, but ${studies} pictures and as many reports are expected`);
  const { Version } = z.object({ Version: z.string() }).parse(await (await fetch(`${url}/system`)).json());
  const row = {
    'decisions of the network': (await total()) - studies,
    'of the reviewer': decisions,
    seconds: Math.round(seconds),
    "Orthanc's longest answer, ms": Math.round(longestMs),
  };
  await service.stop();
  return { name, row, violations, version: Version };
}
