import { recordOf } from '../src/decisions/read.js';
import { groupRecord, metadataNames, readRecord } from '../src/decisions/schema.js';
import { stateLabels } from '../src/decisions/state-labels.js';
import { PlainviewError } from '../src/errors/errors.js';
import { type InstanceId, instanceId } from '../src/orthanc/ids.js';
import { stubClassifier } from './classifier.js';
import { image, uid } from './dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from './fake-orthanc.js';
import { combinations, type FollowUps } from './kill-matrix.js';
import { MortalService, Stage } from './mortal-service.js';
import { seeded } from './random.js';
import { head, rulesFolder } from './rules.js';

const categories = ['knee_lateral', 'hand_ap', 'ankle_ap', 'pelvis_ap'] as const;
/** What somebody else proposes: no picture gets it. */
const theirLabel = 'foot_ap';
const pictures = 6;
const steps = 14;
const studyOf = (n: number) => Math.floor(n / 3);
const seriesOf = (n: number) => `${studyOf(n)} ${n % 3 === 2 ? 1 : 0}`;

const file = (n: number) =>
  image({
    rows: 8,
    columns: 8,
    patientId: `history ${studyOf(n)}`,
    studyInstanceUid: uid(`history study ${studyOf(n)}`),
    seriesInstanceUid: uid(`history series ${seriesOf(n)}`),
    sopInstanceUid: uid(`history picture ${n}`),
    attributes: { '0020,0013': ['IS', n + 1] },
  });

/** What may stand for a picture: the network's decision, or a person's with this category. */
type State = 'network' | `person ${string}`;

interface Picture {
  id: InstanceId;
  isThere: boolean;
  states: Set<State>;
  /** `who` of the last request that was acknowledged, where nothing has been asked of the picture since. */
  request: string | undefined;
}

/**
 * Runs a random history: pictures are stored, sent again and deleted, two people correct and undo, requests are made, the
 * clock is set, and the service is stopped and killed.
 * @returns what was lost of what was acknowledged, and what was invented, each with the steps before it
 */
export async function problemsOfHistory(seed: number): Promise<string[]> {
  const random = seeded(seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const followUps = pick(combinations);
  const overwrites = followUps.tags !== 'off' || random() < 0.5;
  const fake = await startFakeOrthanc({
    overwriteInstances: overwrites,
    destinations: { peers: ['partner'] },
  });
  const folder = await rulesFolder();
  const clock = new Clock();
  const classifier = stubClassifier();
  let answer: string = categories[0];
  classifier.answer = async () => ({ category: answer, score: 0.99 });
  const env = await environment(followUps, (rules) => folder.write({ ...head, rules }));
  const stage = new Stage(fake);
  const services: MortalService[] = [];
  const start = async (stateDir?: string) => {
    const started = await MortalService.start({
      stage,
      classifier,
      env,
      ...(stateDir === undefined ? {} : { stateDir }),
    });
    services.push(started);
    return started;
  };
  const all = new Map<number, Picture>();
  const told: string[] = [];
  const theirs = new Set<string>();
  try {
    let service = await start();
    const revive = async () => {
      if (!service.isDead) return;
      const { stateDir } = service;
      await service.end();
      told.push('killed, and started again');
      service = await start(stateDir);
    };
    /** @returns whether it was acknowledged */
    const attempt = async (task: () => Promise<void>): Promise<boolean> => {
      const dying = service;
      const outcome = await Promise.race([
        task().then(
          () => 'acknowledged' as const,
          (error: unknown) => {
            if (dying.isDead || error instanceof PlainviewError) return 'refused' as const;
            throw error;
          },
        ),
        dying.death.then(() => 'refused' as const),
      ]);
      return outcome === 'acknowledged' && !dying.isDead;
    };
    const store = (n: number) => {
      const { ID } = fake.store(file(n));
      const known = all.get(n);
      all.set(n, {
        id: instanceId.parse(ID),
        isThere: true,
        states: known?.states ?? new Set<State>(['network']),
        request: undefined,
      });
    };
    const present = () => [...all.values()].filter(({ isThere }) => isThere);
    const correct = async (picture: Picture, who: string): Promise<void> => {
      const category = pick(categories);
      const isDone = await attempt(() => service.correct(picture.id, category, who));
      picture.request = undefined;
      told.push(`${who} says ${category} of ${name(picture)}${isDone ? '' : ', not acknowledged'}`);
      if (isDone) picture.states = new Set<State>([`person ${category}`]);
      else picture.states.add(`person ${category}`);
    };
    const name = ({ id }: Picture) => id.slice(0, 4);

    const actions: Record<string, () => Promise<void>> = {
      store: async () => {
        const n = Math.floor(random() * pictures);
        told.push(`store ${n}`);
        // What was sent again loses all that is on resources which have nothing else.
        if (overwrites && all.get(n)?.isThere) theirs.clear();
        store(n);
      },
      remove: async () => {
        const picture = pick(present());
        if (picture === undefined) return;
        told.push(`delete ${name(picture)}`);
        picture.isThere = false;
        theirs.clear();
        await fetch(`${fake.url}/instances/${picture.id}`, { method: 'DELETE' });
      },
      correct: async () => {
        const picture = pick(present());
        if (picture !== undefined) await correct(picture, 'alice');
      },
      bothCorrect: async () => {
        const picture = pick(present());
        if (picture === undefined) return;
        const said = [pick(categories), pick(categories)];
        const done = await Promise.all(
          said.map((category, n) =>
            attempt(() => service.correct(picture.id, category, n === 0 ? 'alice' : 'carol')),
          ),
        );
        told.push(`alice and carol say ${said.join(' and ')} of ${name(picture)}: ${done.join()}`);
        picture.request = undefined;
        // The last one stands; one that was not acknowledged may be the last.
        picture.states = new Set([
          ...(done.includes(true) ? [] : picture.states),
          ...said.map((each): State => `person ${each}`),
        ]);
      },
      undo: async () => {
        const picture = pick(present());
        if (picture === undefined) return;
        const isDone = await attempt(() => service.undo(picture.id));
        told.push(`undo ${name(picture)}${isDone ? '' : ', not acknowledged'}`);
        picture.request = undefined;
        if (isDone) picture.states = new Set(['network']);
        else picture.states.add('network');
      },
      reclassify: async () => {
        const picture = pick(present());
        if (picture === undefined) return;
        await attempt(() => service.rest());
        answer = pick(categories);
        const isDone = await attempt(() => service.reclassify([picture.id]));
        told.push(`reclassify ${name(picture)}: ${answer}${isDone ? '' : ', not acknowledged'}`);
        picture.request = isDone ? 'bob' : undefined;
      },
      reclassifyCorrected: async () => {
        const picture = pick(present());
        if (picture === undefined) return;
        await attempt(() => service.rest());
        answer = pick(categories);
        const isDone = await attempt(() => service.reclassify([picture.id], true));
        const isAnswered = isDone && (await attempt(() => service.rest()));
        const how = isAnswered ? '' : isDone ? ', not answered' : ', not acknowledged';
        told.push(`reclassify ${name(picture)}, corrected or not: ${answer}${how}`);
        picture.request = isDone ? 'bob' : undefined;
        if (isAnswered) picture.states = new Set(['network']);
        else picture.states.add('network');
      },
      rest: async () => void (await attempt(() => service.rest())),
      sweep: async () => void (await attempt(() => service.sweep())),
      killSoon: async () => {
        const changes = Math.floor(random() * 25);
        told.push(`to be killed after ${changes} changes`);
        service.killAfter(changes);
      },
      restart: async () => {
        const { stateDir } = service;
        told.push('restart');
        await service.end();
        service = await start(stateDir);
      },
      setClock: async () => {
        const hours = pick([-2, -1, 1, 2]);
        told.push(`the clock goes ${hours} hours`);
        clock.step(hours);
      },
      label: async () => {
        const picture = pick(present());
        const { study } = { study: picture && (await studyId(fake, picture.id)) };
        if (study === undefined) return;
        theirs.add(study);
        await fetch(`${fake.url}/studies/${study}/labels/${theirLabel}`, { method: 'PUT' });
      },
    };
    const likely = [
      'store',
      'store',
      'correct',
      'correct',
      'bothCorrect',
      'undo',
      'reclassify',
      'reclassifyCorrected',
      'rest',
      'rest',
      'killSoon',
    ];
    for (const first of ['store', 'store', 'store', 'rest']) await actions[first]?.();
    for (let step = 0; step < steps; step++) {
      await actions[random() < 0.75 ? pick(likely) : pick(Object.keys(actions))]?.();
      await revive();
    }
    await attempt(() => service.rest());
    await revive();
    // The kill that is still to come is called off.
    service.killAfter(Number.POSITIVE_INFINITY);
    await service.rest();
    await service.sweep();
    const problems = await check(fake, followUps, present(), theirs);
    return problems.map((problem) => `seed ${seed}: ${problem}\n    ${told.join('; ')}`);
  } finally {
    clock.restore();
    for (const service of services) await service.end();
    await folder.discard();
    await fake.stop();
  }
}

async function environment(
  { rules, tags, report }: FollowUps,
  write: (rules: object[]) => Promise<string>,
): Promise<NodeJS.ProcessEnv> {
  const made = categories.map((category) => ({
    name: category,
    when: { category },
    do: { label: `rule_${category}`, peer: 'partner' },
  }));
  return {
    PLAINVIEW_TAGS: tags,
    PLAINVIEW_REPORT: report,
    ...(rules ? { PLAINVIEW_RULES_FILE: await write(made) } : {}),
  };
}

async function check(
  fake: FakeOrthanc,
  { rules, report }: FollowUps,
  present: readonly Picture[],
  theirs: ReadonlySet<string>,
): Promise<string[]> {
  const problems: string[] = [];
  const below = new Map<string, { labels: Set<string>; categories: Record<string, number> }>();
  for (const { id, states, request } of present) {
    const [metadata, labels] = [fake.metadata(id), fake.labels(id)];
    const known = recordOf({ ID: id, ParentSeries: '' as never, Metadata: metadata, Labels: labels });
    if (known?.complete !== true) {
      problems.push(`${id} is not decided to the end`);
      continue;
    }
    const { who, category = known.record.decision, requested } = known.record;
    const state: State = who === 'network' ? 'network' : `person ${category}`;
    if (!states.has(state)) problems.push(`${id} has ${state}, not ${[...states].join(' or ')}`);
    if (!(categories as readonly string[]).includes(category)) problems.push(`${id} is ${category}`);
    if (request !== undefined && state === 'network' && requested?.who !== request)
      problems.push(`${id} was not decided anew`);
    const expected = [category, ...(rules ? [`rule_${category}`] : [])].sort();
    if (labels.join() !== expected.join()) problems.push(`${id} has the labels ${labels}, not ${expected}`);
    if (metadata[metadataNames.request] !== undefined) problems.push(`${id} still has a request`);
    for (const above of await parents(fake, id)) {
      const sum = below.get(above) ?? { labels: new Set(), categories: {} };
      for (const label of expected) sum.labels.add(label);
      sum.categories[category] = (sum.categories[category] ?? 0) + 1;
      below.set(above, sum);
    }
  }
  for (const [id, { labels, categories: counts }] of below) {
    const found = fake.labels(id);
    // After a picture was deleted or sent again, their label may be gone. With it, or without it, ours is.
    const isProposed = theirs.has(id) || found.includes(theirLabel);
    const proposal = isProposed ? [theirLabel, stateLabels.categoryProposed] : [];
    const expected = [...labels, ...proposal].sort().join();
    if (found.join() !== expected) problems.push(`${id} has the labels ${found}, not ${expected}`);
    const known = readRecord(groupRecord, fake.metadata(id)[metadataNames.record])?.categories;
    const sorted = Object.fromEntries(Object.entries(counts).sort());
    if (JSON.stringify(known) !== JSON.stringify(sorted))
      problems.push(`${id} says ${JSON.stringify(known)}, not ${JSON.stringify(sorted)}`);
  }
  const studies = new Set(await Promise.all(present.map(({ id }) => studyId(fake, id))));
  if (report === 'study')
    for (const study of studies) {
      const instances = (await get(fake, `studies/${study}/instances`)) as { ID: string }[];
      const reports = instances.filter(({ ID }) => fake.metadata(ID).SopClassUid?.endsWith('88.34')).length;
      if (reports !== 1) problems.push(`study ${study} has ${reports} reports`);
    }
  return problems;
}

const get = async (fake: FakeOrthanc, path: string): Promise<unknown> =>
  (await fetch(`${fake.url}/${path}`)).json();

async function parents(fake: FakeOrthanc, id: string): Promise<string[]> {
  const series = (await get(fake, `instances/${id}/series`)) as { ID: string; ParentStudy: string };
  return [series.ID, series.ParentStudy];
}

const studyId = async (fake: FakeOrthanc, id: string): Promise<string | undefined> =>
  (await parents(fake, id))[1];

/** The time of day, which can be set. Timers are not changed. */
class Clock {
  readonly #real = globalThis.Date;
  #offset = 0;

  constructor() {
    const [real, offset] = [this.#real, () => this.#offset];
    globalThis.Date = class extends real {
      constructor(...given: [] | [number | string | Date]) {
        if (given.length === 0) super(real.now() + offset());
        else super(...given);
      }
      static override now() {
        return real.now() + offset();
      }
    } as DateConstructor;
  }

  step(hours: number): void {
    this.#offset += hours * 3_600_000;
  }

  restore(): void {
    globalThis.Date = this.#real;
  }
}
