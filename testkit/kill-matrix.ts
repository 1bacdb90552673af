import { setTimeout as delay } from 'node:timers/promises';
import { type InstanceId, instanceId } from '../src/orthanc/ids.js';
import { stubClassifier } from './classifier.js';
import { image, uid } from './dicom.js';
import { startFakeOrthanc } from './fake-orthanc.js';
import { MortalService, Stage } from './mortal-service.js';
import { snapshot } from './owned-snapshot.js';
import { head, rulesFolder } from './rules.js';

export const operations = ['decide', 'correct', 'orient', 'undo', 'reclassify'] as const;
export type Operation = (typeof operations)[number];

export interface FollowUps {
  rules: boolean;
  tags: 'off' | 'replace';
  report: 'off' | 'instance' | 'study';
}

export const combinations: FollowUps[] = [false, true].flatMap((rules) =>
  (['off', 'replace'] as const).flatMap((tags) =>
    (['off', 'instance', 'study'] as const).map((report) => ({ rules, tags, report })),
  ),
);

export const nameOf = ({ rules, tags, report }: FollowUps): string =>
  [
    ...(rules ? ['rules'] : []),
    ...(tags === 'off' ? [] : ['tags']),
    ...(report === 'off' ? [] : [`report ${report}`]),
  ].join(', ') || 'no follow-up';

export interface KilledRun {
  /** Whether the service was killed. If not, the operation has fewer changes. */
  wasKilled: boolean;
  /** What is in Orthanc, before the last sweep and after it. */
  atRest: string;
  afterSweep: string;
}

const small = { rows: 8, columns: 8 };

/**
 * Runs an operation on one of three instances of a study. The service is killed before one of its changes, and another
 * one goes on with its state.
 * @param changes how many changes the service still makes; undefined: it is not killed
 */
export async function killedRun(
  operation: Operation,
  followUps: FollowUps,
  changes: number | undefined,
): Promise<KilledRun> {
  const fake = await startFakeOrthanc({ overwriteInstances: true, destinations: { peers: ['partner'] } });
  const folder = await rulesFolder();
  const services: MortalService[] = [];
  try {
    const stage = new Stage(fake);
    const classifier = stubClassifier();
    const answer = (category: string) => {
      classifier.answer = async () => ({ category, score: 0.99 });
    };
    classifier.orientation = { turned: 90, score: 0.9 };
    const env = {
      PLAINVIEW_ORIENTATION: 'label',
      PLAINVIEW_TAGS: followUps.tags,
      PLAINVIEW_REPORT: followUps.report,
      ...(followUps.rules
        ? {
            PLAINVIEW_RULES_FILE: await folder.write({
              ...head,
              rules: ['knee_lateral', 'hand_ap', 'ankle_ap'].map((category) => ({
                name: category,
                when: { category },
                do: { label: `rule_${category}`, peer: 'partner' },
              })),
            }),
          }
        : {}),
    };
    const start = async (stateDir?: string) => {
      const service = await MortalService.start({
        stage,
        classifier,
        env,
        stateDir,
      });
      services.push(service);
      return service;
    };
    const store = (n: number): InstanceId =>
      instanceId.parse(
        fake.store(
          image({
            ...small,
            studyInstanceUid: uid('killed'),
            seriesInstanceUid: uid(`killed ${n === 2 ? 1 : 0}`),
            sopInstanceUid: uid(`killed ${n} instance`),
            attributes: { '0020,0013': ['IS', n + 1] },
          }),
        ).ID,
      );

    let service = await start();
    answer('ankle_ap');
    store(1);
    store(2);
    await service.rest();
    answer('knee_lateral');
    let id: InstanceId | undefined;
    if (operation !== 'decide') {
      id = store(0);
      await service.rest();
    }
    if (operation === 'undo' && id !== undefined) {
      await service.correct(id, 'hand_ap');
      await service.rest();
    }
    answer(operation === 'reclassify' ? 'hand_ap' : 'knee_lateral');
    if (changes !== undefined) service.killAfter(changes);
    const run = async (): Promise<void> => {
      if (operation === 'decide' || id === undefined) store(0);
      else if (operation === 'correct') await service.correct(id, 'hand_ap');
      else if (operation === 'orient') await service.orient(id, { turned: 0, mirrored: false });
      else if (operation === 'undo') await service.undo(id);
      else await service.reclassify([id]);
      await service.rest();
    };
    const dying = service;
    await Promise.race([run().catch((error: unknown) => ignoreAfterDeath(error, dying)), dying.death]);
    const wasKilled = service.isDead;
    if (wasKilled) {
      const { stateDir } = service;
      await service.end();
      service = await start(stateDir);
      await service.rest();
    }
    const atRest = await snapshot(fake.url, false);
    await service.sweep();
    return { wasKilled, atRest, afterSweep: await snapshot(fake.url, true) };
  } finally {
    for (const service of services) await service.end();
    await folder.discard();
    await fake.stop();
  }
}

function ignoreAfterDeath(error: unknown, service: MortalService): Promise<void> {
  if (!service.isDead) throw error;
  return delay(0);
}

const unkilledRuns = new Map<string, Promise<KilledRun>>();

function unkilledRun(operation: Operation, followUps: FollowUps): Promise<KilledRun> {
  const key = `${operation} ${nameOf(followUps)}`;
  const run = unkilledRuns.get(key) ?? killedRun(operation, followUps, undefined);
  unkilledRuns.set(key, run);
  return run;
}

/** What differs from the runs that were not killed. An operation that nobody acknowledged may not have happened at all. */
export async function problemsOf(
  operation: Operation,
  followUps: FollowUps,
  kills: (changes: number) => boolean,
): Promise<{ kills: number; problems: string[] }> {
  const done = await unkilledRun(operation, followUps);
  const undone: Partial<Record<Operation, Operation>> = {
    correct: 'decide',
    orient: 'decide',
    undo: 'correct',
  };
  const before = undone[operation];
  const expected = [
    done.afterSweep,
    ...(before === undefined ? [] : [(await unkilledRun(before, followUps)).afterSweep]),
  ];
  const problems = done.atRest === done.afterSweep ? [] : [`${operation}: not killed, a sweep changes it`];
  // The first change of a request keeps it: before that it was not acknowledged.
  const unasked =
    operation === 'reclassify' ? (await unkilledRun('decide', followUps)).afterSweep : undefined;
  let count = 0;
  for (let changes = 0; ; changes++) {
    if (!kills(changes)) {
      if (changes > 300) return { kills: count, problems };
      continue;
    }
    const run = await killedRun(operation, followUps, changes);
    if (!run.wasKilled) return { kills: count, problems };
    count++;
    const where = `${operation} with ${nameOf(followUps)}, killed after ${changes} changes`;
    const isUnasked = changes === 0 && run.afterSweep === unasked;
    if (!expected.includes(run.afterSweep) && !isUnasked)
      problems.push(`${where}: wrong for good: ${difference(expected, run.afterSweep)}`);
    else if (run.atRest !== run.afterSweep)
      problems.push(`${where}: wrong until a sweep: ${difference([run.afterSweep], run.atRest)}`);
  }
}

/** The lines that differ from the expected state that is nearest. */
function difference(expected: readonly string[], found: string): string {
  const lines = found.split('\n');
  const differences = expected.map((each) => {
    const wanted = each.split('\n');
    return [
      ...wanted.filter((line) => !lines.includes(line)).map((line) => `- ${line}`),
      ...lines.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`),
    ];
  });
  return (differences.sort((a, b) => a.length - b.length)[0] ?? []).join(' | ');
}
