import type { InstanceId } from '../orthanc/ids.js';
import { type Database, jobSchema, unsynced } from '../store/postgresql/open.js';
import type { QueueDepth, Reason } from './queue.js';

/** A job runs again as often as processes die during it. The largest number that the engine takes. */
const mostAttempts = 32_767;
/** Longer than a statement may take: then no answer comes any more. */
const answersWithinSeconds = 15;
const jobs = `${jobSchema}._private_jobs`;
/** Tells the workers of the engine to look for jobs, as it does itself where it adds some. */
const nudge = `pg_notify('jobs:insert', json_build_object('r', random()::text, 'count', 1)::text)`;

/** A job of the engine, and the worker that has it. */
export interface Taken {
  id: string;
  worker: string | null;
}

/** The jobs in the tables of the job engine. The key of a job is its instance. All methods throw `database_unusable`. */
export class JobTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds jobs, in this order. One that waits already keeps its place, or becomes an urgent one, and keeps its attempts.
   * Where one runs, another one follows.
   * @returns the instances of the jobs that wait now. The others were taken at this moment: add them once more.
   */
  async add(batch: readonly { instance: InstanceId; reason: Reason }[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.query<{ key: string }>(
      // By key, so that two processes do not wait for each other.
      `WITH given AS MATERIALIZED (
         SELECT *, CASE WHEN reason IN ('changes', 'sweep') THEN 'backlog' ELSE 'urgent' END AS task
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (key, reason, place)
       ),
       known AS MATERIALIZED (
         SELECT j.id, j.key, given.reason, given.task FROM given JOIN ${jobs} j USING (key)
         WHERE j.locked_at IS NULL ORDER BY key FOR UPDATE OF j
       ),
       urged AS (
         UPDATE ${jobs} j SET task_id = t.id, payload = (j.payload::jsonb || jsonb_build_object('reason', known.reason))::json
         FROM known JOIN ${jobSchema}._private_tasks t ON t.identifier = known.task
         WHERE j.id = known.id AND (known.task = 'urgent' OR known.reason = 'sweep' AND j.payload->>'reason' = 'changes')
       ),
       specs AS (
         SELECT array_agg(ROW(
           task, json_build_object('instance', key, 'reason', reason), NULL::text,
           now() - ($4 - place) * interval '1 microsecond', $3::smallint, key, 0::smallint, NULL::text[]
         )::${jobSchema}.job_spec ORDER BY key) AS all_specs
         FROM given WHERE key NOT IN (SELECT key FROM known)
       ),
       -- A worker that looked at this moment left them out.
       told AS (SELECT ${nudge} FROM known LIMIT 1)
       SELECT key FROM known WHERE (SELECT count(*) FROM told) >= 0
       UNION ALL SELECT added.key FROM specs, ${jobSchema}.add_jobs(all_specs) AS added WHERE all_specs IS NOT NULL`,
      [batch.map(({ instance }) => instance), batch.map(({ reason }) => reason), mostAttempts, batch.length],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /** @returns false where the worker does not have the job any more, or the answer to a first try was lost */
  async settle({ id, worker }: Taken): Promise<boolean> {
    const { count } = await this.#database.query(
      `WITH ${unsynced} DELETE FROM ${jobs} USING unsynced WHERE id = $1 AND locked_by = $2`,
      [id, worker],
    );
    return count > 0;
  }

  /** Gives a job back, where the worker still has it. Without a delay it keeps its place. */
  async giveBack({ id, worker }: Taken, next: { attempt: number; afterMs: number }): Promise<void> {
    await this.#database.query(
      `UPDATE ${jobs} SET locked_by = NULL, locked_at = NULL,
         run_at = CASE WHEN $3::float8 > 0 THEN now() + $3::float8 * interval '1 millisecond' ELSE run_at END,
         payload = (payload::jsonb || jsonb_build_object('attempt', $4::int))::json
       WHERE id = $1 AND locked_by = $2`,
      [id, worker, next.afterMs, next.attempt],
    );
  }

  /** Frees what these workers have taken without having learnt of it, because the answer of the database was lost. */
  async freeUnknown(workers: ReadonlySet<string>, known: ReadonlySet<string>): Promise<void> {
    await this.#database.query(
      `UPDATE ${jobs} SET locked_by = NULL, locked_at = NULL
       WHERE locked_by = ANY($1) AND id <> ALL($2) AND locked_at < now() - $3 * interval '1 second'`,
      [[...workers], [...known], answersWithinSeconds],
    );
  }

  /** Has the workers of all processes look for a job, which they would do at their next look. */
  async nudge(): Promise<void> {
    await this.#database.query(`SELECT ${nudge}`);
  }

  /** @returns those of the instances that have a job */
  async present(instances: readonly InstanceId[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.query<{ key: string }>(
      `SELECT key FROM ${jobs} WHERE key = ANY($1)`,
      [instances],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /** @returns also for how long the database counted: to wait for a database that is away takes longer */
  async depth(): Promise<{ depth: QueueDepth; countedMs: number }> {
    const { rows } = await this.#database.query<QueueDepth & { countedMs: number }>(
      `SELECT count(*) FILTER (WHERE locked_at IS NULL AND run_at <= now())::int AS waiting,
         count(*) FILTER (WHERE locked_at IS NOT NULL)::int AS running,
         count(*) FILTER (WHERE locked_at IS NULL AND run_at > now())::int AS delayed,
         coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE locked_at IS NULL AND run_at <= now())), 0)::int
           AS "oldestSeconds",
         (extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000)::float8 AS "countedMs"
       FROM ${jobs} WHERE key IS NOT NULL OR locked_at IS NOT NULL`,
    );
    const none = { waiting: 0, running: 0, delayed: 0, oldestSeconds: 0, countedMs: 0 };
    const { countedMs, ...depth } = rows[0] ?? none;
    return { depth, countedMs };
  }
}
