// Runs the worker's TypeScript in a thread, for tests and benchmarks. A thread does not inherit the loader of its parent.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
