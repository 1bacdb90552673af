import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { oriented } from '../../../src/decisions/correction.js';
import { KeptFeatures } from '../../../src/pipeline/kept-features.js';
import type { Job } from '../../../src/queue/queue.js';
import { scoresOf } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { byPerson, type Line, silent, siteSecret, useFakeSite } from '../../../testkit/fake-site.js';
import { sealedRequest } from '../../../testkit/signed.js';
import { jobOf, pipelineOn } from './support.js';

const site = useFakeSite();

interface Known {
  sha256?: string;
  answer?: { category: string; score: number };
  featuresHash?: string;
  env?: NodeJS.ProcessEnv;
}

/** A pipeline that keeps features. What its network says of kept ones, it says of pictures too. */
function keeping({
  sha256 = 'a'.repeat(64),
  answer = { category: 'knee_lateral', score: 0.99 },
  featuresHash = 'f'.repeat(64),
  env = {},
}: Known = {}) {
  const kept = new KeptFeatures(join(site.stateDir, 'features'), { multiframe: 'skip' }, silent);
  const made = pipelineOn(site, { kept, sha256, env });
  made.classifier.answer = async () => answer;
  made.classifier.last = { featuresHash, inputs: 4, scores: () => scoresOf(answer) };
  const sweep = async ({ instance }: Line) => {
    const job: Job = { ...jobOf(instance), reason: 'sweep' };
    const settled = await made.pipeline.whySettled(await made.orthanc.hierarchy.instance(instance), 'sweep');
    return { settled, outcome: await made.pipeline.process(job) };
  };
  return { ...made, sweep };
}

async function decided(known?: Known): Promise<Line> {
  const line = site.store(image());
  await keeping(known).pipeline.process(jobOf(line.instance));
  site.fake.calls.length = 0;
  return line;
}
const renderings = () => site.fake.calls.filter(({ path }) => path.includes('/rendered'));
const next = 'b'.repeat(64);

test('what another network would decide alike stays, without a rendering', async () => {
  const line = await decided();
  const { sweep, classifier, metrics } = keeping({ sha256: next });
  const { settled, outcome } = await sweep(line);
  expect(settled).toBe('already_decided');
  expect(outcome).toEqual({ kind: 'skipped', why: 'already_decided' });
  expect(renderings()).toEqual([]);
  expect(classifier.pictures).toEqual([]);
  expect(site.record(line.instance)?.network.sha256).toBe('a'.repeat(64));
  expect(await metrics.registry.metrics()).toMatch(/plainview_renderings_spared_total [12]$/m);
});

test.each([
  ['otherwise', { category: 'hand_ap', score: 0.99 }, { decision: 'category', category: 'hand_ap' }],
  ['not surely', { category: 'knee_lateral', score: 0.6 }, { decision: 'needs_review' }],
])('what it would decide %s it decides, without a rendering', async (_, answer, expected) => {
  const line = await decided();
  const { sweep, classifier } = keeping({ sha256: next, answer });
  const { settled, outcome } = await sweep(line);
  expect(settled).toBeUndefined();
  expect(outcome).toMatchObject({ kind: 'decided', ...expected });
  expect(renderings()).toEqual([]);
  expect(classifier.pictures).toEqual([]);
  expect(site.record(line.instance)).toMatchObject({ ...expected, network: { sha256: next } });
});

test('which way up a picture is, and what its marker says, stays where it is decided without a rendering', async () => {
  const line = site.store(image());
  const first = keeping({ env: { PLAINVIEW_SIDE: 'record' } });
  first.classifier.side = { marked: 'L', score: 0.98 };
  first.classifier.orientation = { turned: 180, score: 0.9 };
  await first.pipeline.process(jobOf(line.instance));
  const second = keeping({
    sha256: next,
    answer: { category: 'hand_ap', score: 0.99 },
    env: { PLAINVIEW_SIDE: 'record' },
  });
  second.classifier.orientation = 'cannot_tell';
  await second.sweep(line);
  expect(second.classifier.pictures).toEqual([]);
  expect(site.record(line.instance)).toMatchObject({
    category: 'hand_ap',
    orientation: { turned: 180, score: 0.9 },
    side: { marked: 'L', score: 0.98 },
  });
});

test('that a chest is mirrored stays where it is one for the next network too', async () => {
  const chest = { category: 'chest_pa_ap', score: 0.99 };
  const told = { turned: 0, score: 0.9, mirrored: true } as const;
  const sweptWith = async (answer: NonNullable<Known['answer']>) => {
    const line = site.store(image());
    const first = keeping({ answer: { ...chest, score: 0.6 } });
    first.classifier.orientation = told;
    await first.pipeline.process(jobOf(line.instance));
    const second = keeping({ sha256: next, answer });
    second.classifier.orientation = 'cannot_tell';
    await second.sweep(line);
    expect(second.classifier.pictures).toEqual([]);
    return site.record(line.instance)?.orientation;
  };
  expect(await sweptWith(chest)).toEqual(told);
  expect(await sweptWith({ category: 'hand_ap', score: 0.99 })).toEqual({ turned: 0, score: 0.9 });
});

test('what a person said of a picture ends with their decision, where a sweep answers the request', async () => {
  const line = site.store(image());
  const told = { turned: 0, score: 0.9, mirrored: true } as const;
  const chest = { category: 'chest_pa_ap', score: 0.99 };
  const first = keeping({ answer: chest });
  first.classifier.orientation = told;
  await first.pipeline.process(jobOf(line.instance));
  const by = { who: 'alice', when: '2024-03-01T00:00:00.000Z' };
  const { record } = await first.recorder.replace(line.instance, (current) =>
    oriented(current, { turned: 0, mirrored: false }, by),
  );
  expect(record.orientation).toMatchObject({ mirrored: false, person: by });
  const request = { who: 'bob', when: '2024-03-02T00:00:00.000Z', ends: by.when };
  await site.put(
    `instances/${line.instance}/metadata/RadiographReclassify`,
    sealedRequest(siteSecret, line.instance, request),
  );
  const second = keeping({ sha256: next, answer: chest });
  second.classifier.orientation = 'cannot_tell';
  expect((await second.sweep(line)).outcome).toMatchObject({ kind: 'decided' });
  expect(second.classifier.pictures).toEqual([]);
  expect(site.record(line.instance)).toMatchObject({ who: 'network', requested: { who: 'bob' } });
  expect(site.record(line.instance)?.orientation).toEqual(told);
});

test('what the former network was unsure of is decided anew, without a rendering', async () => {
  const line = await decided({ answer: { category: 'knee_lateral', score: 0.6 } });
  const { sweep } = keeping({ sha256: next });
  expect((await sweep(line)).outcome).toMatchObject({ kind: 'decided', category: 'knee_lateral' });
  expect(renderings()).toEqual([]);
});

test('a network with other features needs a rendering, and keeps its own', async () => {
  const line = await decided();
  const { sweep, classifier } = keeping({ sha256: next, featuresHash: 'e'.repeat(64) });
  const { settled, outcome } = await sweep(line);
  expect(settled).toBeUndefined();
  expect(outcome).toMatchObject({ kind: 'decided' });
  expect(classifier.pictures).toHaveLength(1);
  expect(await readdir(join(site.stateDir, 'features'))).toHaveLength(2);
});

test('a request, and a second network, need a rendering', async () => {
  const asked = await decided();
  await site.put(
    `instances/${asked.instance}/metadata/RadiographReclassify`,
    JSON.stringify({ who: 'bob', when: '2024-04-01T00:00:00.000Z' }),
  );
  const first = keeping({ sha256: next });
  await first.pipeline.process({ ...jobOf(asked.instance), reason: 'request' });
  expect(first.classifier.pictures).toHaveLength(1);

  const shadowed = await decided();
  const second = keeping({ sha256: next, answer: { category: 'hand_ap', score: 0.99 } });
  second.classifier.second = {
    network: second.classifier.network,
    scores: scoresOf({ category: 'hand_ap', score: 0.9 }),
    seconds: 0,
  };
  await second.sweep(shadowed);
  expect(second.classifier.pictures).toHaveLength(1);
  // Also where both networks agree: else all that is known of the second one is where they part.
  const agreed = await decided();
  const third = keeping({ sha256: 'c'.repeat(64) });
  third.classifier.second = second.classifier.second;
  expect((await third.sweep(agreed)).settled).toBeUndefined();
  expect(third.classifier.pictures).toHaveLength(1);
});

test('a person’s decision stays', async () => {
  const line = await decided();
  await site.process().recorder.replace(line.instance, byPerson);
  const before = site.record(line.instance);
  const { settled } = await keeping({ sha256: next }).sweep(line);
  expect(settled).toBe('corrected_by_person');
  expect(site.record(line.instance)).toEqual(before);
});

test('where they cannot be kept, the decision stands all the same', async () => {
  await writeFile(join(site.stateDir, 'features'), 'in the place of the folder');
  const line = await decided();
  expect(site.record(line.instance)).toMatchObject({ decision: 'category' });
  expect((await keeping({ sha256: next }).sweep(line)).outcome).toMatchObject({ kind: 'decided' });
  expect(renderings()).toHaveLength(1);
});
