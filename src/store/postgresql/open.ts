/** Loaded only where a database is configured: `pg` is not needed without one. */
export { Database } from './database.js';
export { type ImportResult, importFolder } from './import.js';
export { type Holder, Lease } from './lease.js';
export { PostgresqlStore } from './store.js';
