import { PlainviewError } from '../../src/errors/errors.js';
import { stubClassifier } from '../classifier.js';
import { startFakeOrthanc } from '../fake-orthanc.js';
import { combinations, type FollowUps, nameOf } from '../kill-matrix.js';
import { MortalService, Stage } from '../mortal-service.js';
import { seeded } from '../random.js';
import { head, rulesFolder } from '../rules.js';
import { categories, problemsAtEnd, studyId, theirLabel } from './check.js';
import { Clock } from './clock.js';
import { Picture, patients, type State } from './picture.js';

const pictures = 6;
const steps = 14;

export interface History {
  /** What was lost of what was acknowledged, and what was invented, each with the steps before it. */
  problems: string[];
  services: number;
  kills: number;
  /** Corrections and undos that were acknowledged, and requests. */
  words: number;
  requests: number;
  /** How often Orthanc lost what was known of a picture: it was sent again, moved, merged, deleted. */
  losses: number;
}

/**
 * Runs a random history. Pictures are stored, sent again, deleted, given to another patient with new UIDs or with those
 * that they have, and merged into another study. Two people correct and undo, requests are made, the clock is set, and
 * services are stopped and killed. In every second history two services with a state folder each use the same Orthanc.
 *
 * The rules:
 * - A correction or an undo is acknowledged when its call returns and the service is alive. From then on it stands for the
 *   picture until the next one, or until a request that includes corrected pictures is answered – whatever is killed,
 *   whatever time the clocks say, and whatever Orthanc loses because a file is replaced, moved or deleted and sent again.
 * - Of words that were said at the same time, one stands. One that was not acknowledged may stand or not.
 * - A request is acknowledged when its job is saved. If nothing else happens to the picture, the network decides it anew.
 * - Nothing else stands: no category that nobody gave, no label, count or report that the decisions do not ask for.
 * - Two services share no memory but Orthanc. So where Orthanc loses a picture's metadata before the other service has
 *   read the last words in it, that one may decide first, by what it knows: earlier words, or the network. Orthanc cannot
 *   tell two first decisions apart. Once both have come to rest, each puts back the last word; for a picture that was
 *   moved, the last one by the clock.
 * - Only one service writes tags: Orthanc cannot replace a file only if nobody has written metadata since they were read.
 * - Nothing is deleted or moved while its tags are being written: Orthanc cannot replace a file only if it is still there.
 * - Only one service sends instances on: two would overwrite each other's notes of what is pending.
 */
export async function runHistory(seed: number): Promise<History> {
  const random = seeded(seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const isOfTwo = seed % 2 === 0;
  const followUps = pick(combinations.filter(({ tags }) => tags === 'off' || !isOfTwo));
  const overwrites = followUps.tags !== 'off' || random() < 0.5;
  const fake = await startFakeOrthanc({
    overwriteInstances: overwrites,
    // The one is asked by its own identifiers, the other by UIDs.
    system: { Version: seed % 4 < 2 ? '1.12.7' : '1.13.0' },
    destinations: { peers: ['partner'] },
  });
  const folder = await rulesFolder();
  const clock = new Clock();
  const classifier = stubClassifier();
  let answer: string = categories[0];
  classifier.answer = async () => ({ category: answer, score: 0.99 });
  const env = await environment(followUps, !isOfTwo, (rules) =>
    folder.write({ ...head, copies: true, rules }),
  );
  const stage = new Stage(fake);
  const started: MortalService[] = [];
  const start = async (stateDir?: string) => {
    const service = await MortalService.start({
      stage,
      classifier,
      env,
      stateDir,
    });
    started.push(service);
    return service;
  };
  const all = new Map<number, Picture>();
  const told: string[] = [nameOf(followUps)];
  const theirs = new Set<string>();
  const history: History = {
    problems: [],
    services: isOfTwo ? 2 : 1,
    kills: 0,
    words: 0,
    requests: 0,
    losses: 0,
  };
  const services: MortalService[] = [];
  try {
    while (services.length < history.services) services.push(await start());
    const any = () => pick(services);
    const revive = async () => {
      for (const [index, service] of services.entries()) {
        if (!service.isDead) continue;
        history.kills++;
        await service.end();
        told.push(`${index} was killed, and started again`);
        services[index] = await start(service.stateDir);
      }
    };
    /** @returns whether it was acknowledged */
    const attempt = async (of: MortalService, task: () => Promise<void>): Promise<boolean> => {
      const outcome = await Promise.race([
        task().then(
          () => 'acknowledged' as const,
          (error: unknown) => {
            if (of.isDead || error instanceof PlainviewError) return 'refused' as const;
            throw error;
          },
        ),
        of.death.then(() => 'refused' as const),
      ]);
      return outcome === 'acknowledged' && !of.isDead;
    };
    const present = () => [...all.values()].filter(({ isThere }) => isThere);
    const rest = async () => {
      await MortalService.rest(services);
      if (services.some(({ isDead }) => isDead)) return;
      for (const { unseen, hasMoved } of present()) if (!hasMoved || !clock.wasSetBack) unseen.clear();
    };
    const say = (picture: Picture, what: string, states: readonly State[], isDone: boolean) => {
      told.push(`${what} ${picture.name}${isDone ? '' : ', not acknowledged'}`);
      if (isDone) history.words++;
      if (isDone) picture.said(states, services.length);
      else picture.perhapsSaid(states);
    };
    const withPicture = (action: (picture: Picture) => Promise<void>) => async () => {
      const picture = pick(present());
      if (picture !== undefined) await action(picture);
    };
    /** An action after which Orthanc has lost what it had of a picture, and perhaps of its parents. */
    const losing = (what: string, action: (picture: Picture) => Promise<void> | void) =>
      withPicture(async (picture) => {
        if (followUps.tags !== 'off') await rest();
        told.push(`${what} ${picture.name}`);
        history.losses++;
        theirs.clear();
        await action(picture);
      });

    const actions: Record<string, () => Promise<void>> = {
      store: async () => {
        const n = Math.floor(random() * pictures);
        const picture = all.get(n);
        told.push(`store ${n}`);
        if (picture === undefined) all.set(n, new Picture(fake, n));
        else if (!picture.isThere || overwrites) {
          // What was sent again loses all that is on resources which have nothing else.
          theirs.clear();
          history.losses++;
          picture.send();
        }
      },
      remove: losing('delete', (picture) => picture.remove()),
      resend: losing('delete and send again', async (picture) => {
        await picture.remove();
        picture.send();
      }),
      move: losing('give another patient', (picture) => picture.move(pick(patients), false)),
      moveKeepingUids: losing('give another patient, with the same UIDs,', (picture) =>
        picture.move(pick(patients), true),
      ),
      merge: losing('merge', (picture) => picture.merge(pick(present()))),
      correct: withPicture(async (picture) => {
        const [category, of] = [pick(categories), any()];
        const isDone = await attempt(of, () => of.correct(picture.id, category, 'alice'));
        say(picture, `alice says ${category} of`, [`person ${category}`], isDone);
      }),
      bothCorrect: withPicture(async (picture) => {
        const said = ['alice', 'carol'].map((who) => ({ who, category: pick(categories), of: any() }));
        const done = await Promise.all(
          said.map(({ who, category, of }) => attempt(of, () => of.correct(picture.id, category, who))),
        );
        const states = said.map(({ category }): State => `person ${category}`);
        // The last one stands; one that was not acknowledged may be the last.
        say(
          picture,
          `${done.join()}: alice and carol say ${states.join(' and ')} of`,
          states,
          done.includes(true),
        );
      }),
      undo: withPicture(async (picture) => {
        const of = any();
        say(picture, 'undo', ['network'], await attempt(of, () => of.undo(picture.id)));
      }),
      reclassify: withPicture(async (picture) => {
        await rest();
        answer = pick(categories);
        const of = any();
        const isDone = await attempt(of, () => of.reclassify([picture.id]));
        told.push(`reclassify ${picture.name}: ${answer}${isDone ? '' : ', not acknowledged'}`);
        if (isDone) history.requests++;
        picture.request = isDone ? 'bob' : undefined;
      }),
      reclassifyCorrected: withPicture(async (picture) => {
        await rest();
        answer = pick(categories);
        const of = any();
        const isDone = await attempt(of, () => of.reclassify([picture.id], true));
        if (isDone) history.requests++;
        picture.perhapsSaid(['network']);
        const isAnswered = isDone && (await attempt(of, () => of.rest()));
        const how = isAnswered ? '' : isDone ? ', not answered' : ', not acknowledged';
        told.push(`reclassify ${picture.name}, corrected or not: ${answer}${how}`);
        if (isAnswered) picture.said(['network'], services.length);
        picture.request = isDone ? 'bob' : undefined;
      }),
      rest: async () => void (await rest()),
      sweep: async () => {
        const of = any();
        await attempt(of, () => of.sweep());
      },
      killSoon: async () => {
        const changes = Math.floor(random() * 25);
        told.push(`one is to be killed after ${changes} changes`);
        any().killAfter(changes);
      },
      restart: async () => {
        const index = Math.floor(random() * services.length);
        told.push(`restart ${index}`);
        const service = services[index];
        await service?.end();
        services[index] = await start(service?.stateDir);
      },
      setClock: async () => {
        const hours = pick([-2, -1, 1, 2]);
        told.push(`the clock goes ${hours} hours`);
        clock.step(hours);
      },
      label: withPicture(async (picture) => {
        const study = await studyId(fake, picture.id);
        if (study === undefined) return;
        theirs.add(study);
        await fetch(`${fake.url}/studies/${study}/labels/${theirLabel}`, { method: 'PUT' });
      }),
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
      await actions[random() < 0.7 ? pick(likely) : pick(Object.keys(actions))]?.();
      await revive();
    }
    await rest();
    await revive();
    // The kills that are still to come are called off.
    for (const service of services) service.killAfter(Number.POSITIVE_INFINITY);
    await rest();
    any().work.sweep.begin();
    await rest();
    const problems = await problemsAtEnd(fake, followUps, present(), theirs);
    history.problems = problems.map((problem) => `seed ${seed}: ${problem}\n    ${told.join('; ')}`);
    return history;
  } finally {
    clock.restore();
    for (const service of started) await service.end();
    await folder.discard();
    await fake.stop();
  }
}

async function environment(
  { rules, tags, report }: FollowUps,
  sends: boolean,
  write: (rules: object[]) => Promise<string>,
): Promise<NodeJS.ProcessEnv> {
  const made = categories.map((category) => ({
    name: category,
    when: { category },
    do: { label: `rule_${category}`, ...(sends ? { peer: 'partner' } : {}) },
  }));
  return {
    PLAINVIEW_TAGS: tags,
    PLAINVIEW_REPORT: report,
    ...(rules ? { PLAINVIEW_RULES_FILE: await write(made) } : {}),
  };
}
