import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { CorrectionStore } from '../../src/decisions/correction-store.js';
import { instanceId } from '../../src/orthanc/ids.js';
import { FolderStore } from '../../src/store/folder-store.js';
import { LocalLocks } from '../../src/store/local-locks.js';
import { uid } from '../dicom.js';
import type { Replay } from './replay.js';
import { client, correct, type Outcome, picture, start, undo } from './trial.js';

/** A change by a person, and the positions in the recording at which it was requested and answered. */
interface Change {
  instance: number;
  /** Undefined: taken back. */
  category: string | undefined;
  asked: number;
  answered: number;
}

/**
 * People correct, correct again and undo. In every state that a power cut at any moment may leave, each file is whole, and
 * of each instance the store has what was answered last, or what was requested since. So has the audit file.
 */
export async function everyMomentStands(disk: Replay, orthanc: string, rounds: number): Promise<Outcome> {
  const site = client(orthanc);
  const seeds = Array.from({ length: rounds }, () => randomUUID());
  const ids: string[] = [];
  for (const seed of seeds) ids.push(await site.store(picture(seed)));
  const service = await start(disk, orthanc, { PLAINVIEW_AUDIT_FILE: auditFile(disk.stateDir) });
  const changes: Change[] = [];
  const change = async (instance: number, category: string | undefined) => {
    const id = ids[instance] ?? '';
    const known = await site.decided(id);
    const asked = disk.position();
    await (category === undefined ? undo(service, id, known) : correct(service, id, known, category));
    changes.push({ instance, category, asked, answered: disk.position() });
  };
  try {
    await service.ready();
    for (const instance of ids.keys()) {
      await change(instance, 'hand_ap');
      await change(instance, 'knee_lateral');
      if (instance % 2 === 1) await change(instance, undefined);
    }
  } finally {
    await service.discard();
  }
  const outcome: Outcome = { cuts: 0, broken: [] };
  for (const { until, stateDir } of disk.states()) {
    outcome.cuts++;
    outcome.broken.push(...halfFiles(stateDir));
    const answered = changes.filter((each) => each.answered <= until).length;
    if (linesOf(auditFile(stateDir)) < answered)
      outcome.broken.push('an answered change is not in the audit file');
    const store = new CorrectionStore(new FolderStore(stateDir), new LocalLocks(), pino({ level: 'silent' }));
    for (const [instance, seed] of seeds.entries()) {
      const allowed = categoriesAt(
        until,
        changes.filter((each) => each.instance === instance),
      );
      const byInstance = (await store.ofInstance(instanceId.parse(ids[instance]))).at(-1)?.decision.category;
      const byUid = (await store.ofUid(uid(seed))).at(-1)?.decision.category;
      for (const found of [byInstance, byUid])
        if (!allowed.includes(found))
          outcome.broken.push(
            `${found ?? 'nothing'} in place of ${allowed.map((each) => each ?? 'nothing').join(' or ')}`,
          );
    }
  }
  return outcome;
}

/** What may stand at a moment: what was answered last, and what was requested since. */
function categoriesAt(moment: number, changes: readonly Change[]): (string | undefined)[] {
  const answered = changes.findLastIndex((change) => change.answered <= moment);
  const since = changes.slice(answered + 1).filter((change) => change.asked <= moment);
  return [changes[answered]?.category, ...since.map(({ category }) => category)];
}

/** On the same disk as the state, outside its folder. */
const auditFile = (stateDir: string): string => join(dirname(stateDir), 'audit.jsonl');

const linesOf = (file: string): number =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;

function halfFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return (
    files
      // `in-work.json` is about processes that end, not about the power: it is not synced, and may be damaged.
      .filter((file) => file.endsWith('.json') && file !== 'in-work.json')
      .flatMap((file) => {
        try {
          JSON.parse(readFileSync(join(folder, file), 'utf8'));
          return [];
        } catch {
          return [`${file} is not whole`];
        }
      })
  );
}
