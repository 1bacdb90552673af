// Runs the worker in a process, for tests and benchmarks: from its TypeScript. It does not get the loader of its parent. After a
// build of the same source, dist/ has the same worker, which starts with half the CPU.
if (process.env.TEST_WORKER === 'built') await import('../../../dist/classify/workers/worker.js');
else {
  const { register } = await import('tsx/esm/api');
  register();
  await import('./worker.ts');
}
