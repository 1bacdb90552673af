// Runs the worker's TypeScript in a process, for tests and benchmarks. It does not get the loader of its parent.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
