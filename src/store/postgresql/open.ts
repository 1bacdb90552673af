/** Loaded only where a database is configured: `pg` and `graphile-worker` are not needed without one. */
export { auditTable } from './audit.js';
export { Database, unsynced } from './database.js';
export { type ImportResult, importFolder } from './import.js';
export { inspectDatabase } from './inspect.js';
export { jobSchema, quietLogger } from './job-engine.js';
export { SharedLocks } from './locks.js';
export type { Leader } from './member.js';
export { Membership } from './membership.js';
export { Messages } from './messages.js';
export { PostgresqlStore } from './store.js';
