import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { recordOf } from '../../../src/decisions/read.js';
import { type InstanceId, instanceId } from '../../../src/orthanc/ids.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { discardStates, MortalService, Stage } from '../../../testkit/mortal-service.js';

const running: MortalService[] = [];
const fakes: FakeOrthanc[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.end();
  for (const fake of fakes.splice(0)) await fake.stop();
});
afterAll(discardStates);

/** Two services with a state folder each, on an Orthanc with a picture that both know. */
async function two(): Promise<{ fake: FakeOrthanc; both: [MortalService, MortalService]; id: InstanceId }> {
  const fake = await startFakeOrthanc({ overwriteInstances: true });
  fakes.push(fake);
  const stage = new Stage(fake);
  const start = () => MortalService.start({ stage, classifier: stubClassifier() });
  const both: [MortalService, MortalService] = [await start(), await start()];
  running.push(...both);
  const id = instanceId.parse(fake.store(file).ID);
  await MortalService.rest(both);
  return { fake, both, id };
}

const file = image({ rows: 8, columns: 8 });

/** Orthanc loses all metadata of the picture while the first service is down. */
async function loseWithoutFirst(fake: FakeOrthanc, [first, second]: [MortalService, MortalService]) {
  await first.end();
  fake.store(file);
  await second.rest();
}

function standing(fake: FakeOrthanc, id: InstanceId): string {
  const content = { ID: id, ParentSeries: '' as never, Metadata: fake.metadata(id), Labels: [] };
  const record = recordOf(content)?.record;
  return `${record?.who} ${record?.category}`;
}

describe('of two services on one Orthanc, each knows what people said through the other one:', () => {
  test('a correction', async () => {
    const { fake, both, id } = await two();
    await both[0].correct(id, 'hand_ap');
    await MortalService.rest(both);
    await loseWithoutFirst(fake, both);
    expect(standing(fake, id)).toBe('person hand_ap');
  });

  test('a correction of what it has taken itself', async () => {
    const { fake, both, id } = await two();
    await both[1].correct(id, 'hand_ap');
    await MortalService.rest(both);
    await both[0].correct(id, 'ankle_ap');
    await MortalService.rest(both);
    await loseWithoutFirst(fake, both);
    expect(standing(fake, id)).toBe('person ankle_ap');
  });

  test('an undo', async () => {
    const { fake, both, id } = await two();
    await both[1].correct(id, 'hand_ap');
    await MortalService.rest(both);
    await both[0].undo(id);
    await MortalService.rest(both);
    await loseWithoutFirst(fake, both);
    expect(standing(fake, id)).toBe('network knee_lateral');
  });

  test('a request that includes what people said', async () => {
    const { fake, both, id } = await two();
    await both[1].correct(id, 'hand_ap');
    await MortalService.rest(both);
    await both[0].reclassify([id], true);
    await MortalService.rest(both);
    await loseWithoutFirst(fake, both);
    expect(standing(fake, id)).toBe('network knee_lateral');
  });
});
