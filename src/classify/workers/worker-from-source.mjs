// Runs the worker's TypeScript in a thread, for tests and benchmarks: a thread takes no loader over from its parent.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
