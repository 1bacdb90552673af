import { ApiError, type Query, request } from './client.js';

/** Pictures are fetched like all else, since an `<img>` cannot say who asks; the newest are kept. */
const most = 120;
const attempts = 6;
const kept = new Map<string, Promise<string>>();

/** @returns a `blob:` URL that is good as long as the picture is among the newest. @throws ApiError */
export function picture(path: string, query: Query = {}): Promise<string> {
  const key = `${path} ${JSON.stringify(query)}`;
  const known = kept.get(key);
  const promise = known ?? fetchPicture(path, query);
  // Last in is last out.
  kept.delete(key);
  kept.set(key, promise);
  if (known === undefined) {
    promise.catch(() => kept.delete(key));
    for (const [oldest, url] of kept) {
      if (kept.size <= most) break;
      kept.delete(oldest);
      url.then(URL.revokeObjectURL, () => undefined);
    }
  }
  return promise;
}

/** Many at once may be too many for whoever renders them: then a little later. */
async function fetchPicture(path: string, query: Query): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return URL.createObjectURL(await (await request(path, { query })).blob());
    } catch (error) {
      const isBusy = error instanceof ApiError && (error.status === 429 || error.code === 'service_busy');
      if (!isBusy || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, attempt * 400));
    }
  }
}
