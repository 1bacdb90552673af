/**
 * Works on several items at a time and gives the results in the items' order. No more than `limit` are begun and
 * not yet taken, so memory stays flat however many there are.
 */
export async function* mapOrdered<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    // Its failure is the reader's to see, when its turn has come.
    result.catch(() => undefined);
    begun.push(result);
    const first = begun.length < limit ? undefined : begun.shift();
    if (first) yield await first;
  }
  for (const result of begun) yield await result;
}
