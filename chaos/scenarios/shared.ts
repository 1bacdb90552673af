import { setTimeout as delay } from 'node:timers/promises';
import { seeded, shuffled } from '../../testkit/random.js';
import { waitFor, waitForZero } from '../../testkit/wait-for.js';
import { type Archive, withArchive } from '../archive.js';
import { addUserLabels, audit, countUndecided, missing } from '../audit.js';
import { Corrections, contradictions } from '../corrections.js';
import { type Report, type Scenario, type ScenarioOptions, sized } from '../report.js';
import { startWebhookReceiver, type WebhookReceiver } from '../routes.js';
import { smallPictures, testInstances } from '../test-instances.js';
import { Uploader } from '../uploader.js';

const title = 'Three services share the work of two Orthancs, and all of them end at random';
/** Long enough for others to take over. */
const leastPauseMs = 25_000;

/** Services, Orthancs and PostgreSQL end at random moments, while instances are stored, corrected and routed. */
export const shared: Scenario = async (options) => {
  const receiver = await startWebhookReceiver();
  const stop = new AbortController();
  try {
    const report = await withArchive(
      { services: 3, env: { PLAINVIEW_RULES_FILE: receiver.rulesFile } },
      (archive) => run(archive, receiver, options, stop),
    );
    return report ?? { title: `${title}: left out, PostgreSQL is not installed`, rows: {}, violations: [] };
  } finally {
    stop.abort();
    await receiver.stop();
  }
};

async function run(
  archive: Archive,
  receiver: WebhookReceiver,
  options: ScenarioOptions,
  stop: AbortController,
): Promise<Report> {
  const { random, log } = options;
  const { urls, services, nodes, postgresql } = archive;
  const items = testInstances('shared', sized(2000, options), await smallPictures(12, random), random);
  const counts = {
    service: sized(25, options),
    Orthanc: sized(5, options),
    PostgreSQL: sized(3, options),
    pause: 1,
  };
  type Kind = keyof typeof counts;
  const kinds = Object.keys(counts) as Kind[];
  const events = shuffled(
    kinds.flatMap((kind) => Array<Kind>(counts[kind]).fill(kind)),
    random,
  );
  const oneOf = <T>(all: readonly T[]): T => {
    const chosen = all[Math.floor(random() * all.length)];
    if (chosen === undefined) throw new Error('there is none');
    return chosen;
  };
  const uploader = new Uploader(...urls);
  // Other random numbers, because it runs beside: the events must not depend on how fast.
  const corrections = new Corrections({
    urls,
    services,
    stored: uploader.stored,
    random: seeded(Math.floor(random() * 2 ** 32)),
  });
  const violations: string[] = [];
  let takeoverMs = Number.NaN;
  const pause = async () => {
    const leader = await archive.leader();
    leader.freeze();
    const began = performance.now();
    const endsBefore = archive.ends.length;
    try {
      await waitFor(async () => (await archive.leader()) !== leader, { what: 'a new leader' });
      takeoverMs = performance.now() - began;
      await delay(Math.max(leastPauseMs, 60_000 * Math.min(1, options.scale)) - takeoverMs);
    } finally {
      leader.thaw();
    }
    const hasEnded = () => archive.ends.slice(endsBefore).some(({ service }) => service === leader);
    await waitFor(hasEnded, { what: 'the end of the leader that slept', timeout: 30_000 }).catch(() =>
      violations.push('the leader that slept through its lease goes on'),
    );
  };
  const happen: Record<Kind, () => Promise<void>> = {
    service: () => archive.kill(oneOf(services)),
    Orthanc: async () => {
      const node = oneOf(nodes);
      await node.kill();
      await node.restart();
    },
    PostgreSQL: () => postgresql.restart(),
    pause,
  };

  await archive.leader();
  const correcting = corrections.run(sized(200, options), stop.signal);
  const began = Date.now();
  const uploads: Promise<void>[] = [];
  const perEvent = Math.ceil(items.length / events.length);
  for (const [index, event] of events.entries()) {
    uploads.push(uploader.send(items.slice(index * perEvent, (index + 1) * perEvent)));
    await delay(200 + 3500 * random());
    log(`${index + 1} of ${events.length}: ${event}, ${uploader.stored.size} stored`);
    await happen[event]();
  }
  await Promise.all(uploads);
  const url = urls[0] ?? '';
  // After a restart of PostgreSQL, Orthanc answers HTTP 500 at times.
  const lost = await waitFor(() => missing(url, [...uploader.stored.keys()]).catch(() => undefined), {
    what: "Orthanc's list of its instances",
    timeout: 120_000,
  });
  const standing = new Map([...uploader.stored].filter(([id]) => !lost.includes(id)));
  const undecidedAfterLast = await countUndecided(url, standing);
  const undecided = await waitForZero(() => countUndecided(url, standing));
  const seconds = (Date.now() - began) / 1000;
  stop.abort();
  await correcting;
  await waitForZero(async () => (await receiver.problems(url, standing)).length);
  const othersLabels = await addUserLabels(url, uploader.studies);
  await archive.leader().catch(() => violations.push('not exactly one service leads at the end'));
  await archive.stopServices();

  const written = await archive.recordsWritten();
  violations.push(
    ...services.flatMap((service) => service.faults()),
    ...archive.ends.flatMap(({ status }) => (status === 1 ? [] : [`a service ended with status ${status}`])),
    ...contradictions(written),
    ...(await corrections.lost(url)),
    ...(await receiver.problems(url, standing)),
  );
  // Counts and labels of a study with such a loss are those of before.
  const lossy = new Set(lost.map((id) => uploader.studyOf.get(id)));
  const whole = new Map([...standing].filter(([id]) => !lossy.has(uploader.studyOf.get(id))));
  const found = await audit(url, { instances: whole, othersLabels });
  // Else nothing was compared.
  const recorded = new Set(written.map(({ instance }) => instance)).size;
  const decided = Object.values(found.decisions).reduce((sum, count) => sum + count, 0);
  if (recorded < decided)
    violations.push(`${decided} are decided, but only ${recorded} were seen being recorded`);
  if (corrections.accepted.size === 0) violations.push('no correction was accepted');
  const { messages, repeated } = receiver.received();
  const rows: Record<string, string | number> = {
    'services killed': counts.service,
    'Orthancs killed': counts.Orthanc,
    'restarts of PostgreSQL': counts.PostgreSQL,
    'services that ended by themselves': archive.ends.length,
    'instances stored': uploader.stored.size,
    'uploads repeated': uploader.repeats,
    "acknowledged by Orthanc and then lost: Orthanc's own": lost.length,
    studies: found.studies,
    ...Object.fromEntries(
      Object.entries(found.decisions).map(([name, count]) => [`decision ${name}`, count]),
    ),
    'undecided after the last event': undecidedAfterLast,
    'undecided at the end': undecided,
    ...Object.fromEntries(
      Object.entries(corrections.answers).map(([status, count]) => [`corrections: ${status}`, count]),
    ),
    'messages to the webhook': messages,
    'of these, repeated': repeated,
    'ms until others led while the leader slept': Math.round(takeoverMs),
    seconds: Math.round(seconds),
  };
  return {
    title: `${title}: ${items.length} instances`,
    rows: Object.fromEntries(Object.entries(rows).map(([name, value]) => [name, { value }])),
    violations: [...violations, ...found.violations],
  };
}
