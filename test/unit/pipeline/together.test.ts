import { expect, test } from 'vitest';
import type { Reason } from '../../../src/queue/queue.js';
import { hold } from '../../../testkit/classifier.js';
import { image, uid } from '../../../testkit/dicom.js';
import { useFakeSite } from '../../../testkit/fake-site.js';
import { jobOf, pipelineOn } from './support.js';

const site = useFakeSite();
const pictures = () =>
  [1, 2, 3].map((n) =>
    site.store(image({ studyInstanceUid: uid('together'), seriesInstanceUid: uid(`together ${n % 2}`) })),
  );
async function processAll(reason: Reason) {
  const lines = pictures();
  const { pipeline } = pipelineOn(site);
  const outcomes = await Promise.all(
    lines.map(({ instance }) => pipeline.process({ ...jobOf(instance), reason })),
  );
  expect(outcomes.map(({ kind }) => kind)).toEqual(['decided', 'decided', 'decided']);
  const [{ study = '' } = {}] = lines;
  expect(site.group(study)).toMatchObject({ categories: { knee_lateral: 3 }, labels: ['knee_lateral'] });
  for (const { instance } of lines) expect(site.category(instance)).toBe('knee_lateral');
  return { study, lines };
}

test('pictures of a backlog that come together are added up once, and their study is written once', async () => {
  const { study } = await processAll('changes');
  const writes = site.fake.calls.filter(
    ({ method, path }) => method === 'PUT' && path.startsWith(`/studies/${study}/metadata`),
  );
  expect(writes).toHaveLength(1);
});

test('each of them is written on all levels before it counts as done, wherever Orthanc is lost', async () => {
  for (let writes = 0; writes < 14; writes++) {
    const lines = pictures();
    const { pipeline } = pipelineOn(site);
    await site.dying(writes, async () => {
      const results = await Promise.allSettled(
        lines.map(({ instance }) => pipeline.process({ ...jobOf(instance), reason: 'changes' })),
      );
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    });
    const [{ study = '', patient = '' } = {}] = lines;
    for (const { instance } of lines)
      if (site.category(instance) !== undefined)
        expect(site.group(study), `after ${writes} writes`).toMatchObject({ labels: ['knee_lateral'] });
    // The next process completes them.
    const next = pipelineOn(site).pipeline;
    for (const { instance } of lines) await next.process({ ...jobOf(instance), reason: 'changes' });
    expect(site.group(study)).toMatchObject({ categories: { knee_lateral: 3 } });
    await site.remove(`patients/${patient}`);
  }
});

test('one that fails on its way keeps the others waiting no longer', async () => {
  const lines = pictures();
  const { pipeline, classifier } = pipelineOn(site);
  let asks = 0;
  classifier.answer = async () => {
    if (++asks === 3) throw new Error('no answer');
    return { category: 'knee_ap', score: 0.99 };
  };
  const results = await Promise.allSettled(
    lines.map(({ instance }) => pipeline.process({ ...jobOf(instance), reason: 'sweep' })),
  );
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  const [{ study = '' } = {}] = lines;
  expect(site.group(study)).toMatchObject({ categories: { knee_ap: 2 } });
});

test('what a notice brings waits for nobody', async () => {
  const [first, second] = pictures();
  const { pipeline, classifier } = pipelineOn(site);
  if (first === undefined || second === undefined) throw new Error('no pictures');
  const { answer } = classifier;
  const gate = hold(classifier, { category: 'knee_ap', score: 0.99 });
  const slow = pipeline.process({ ...jobOf(second.instance), reason: 'changes' });
  await gate.reached;
  classifier.answer = answer;
  expect(await pipeline.process(jobOf(first.instance))).toMatchObject({ kind: 'decided' });
  gate.release();
  expect(await slow).toMatchObject({ kind: 'decided' });
});
