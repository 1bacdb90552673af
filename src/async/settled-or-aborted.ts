/** Waits until the promise has resolved, or the signal aborts. @throws what the promise rejects with before that */
export async function settledOrAborted(
  promise: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) return;
  const aborted = new Promise<void>((resolve) =>
    signal?.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([promise, aborted]);
}
