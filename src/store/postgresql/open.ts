/** Loaded only where a database is configured: `pg` and `graphile-worker` are not needed without one. */
export { Database } from './database.js';
export { type ImportResult, importFolder } from './import.js';
export { jobSchema, quietLogger, workerEvents } from './job-engine.js';
export { SharedLocks } from './locks.js';
export { type Leader, Membership } from './membership.js';
export { Messages } from './messages.js';
export { PostgresqlStore } from './store.js';
