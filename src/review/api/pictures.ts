import { ApiError, type Query, sendRequest } from './client.js';

/** Pictures are fetched like all else, since an `<img>` cannot send a token. The newest are kept. */
const mostKept = 120;
const attempts = 6;
const cache = new Map<string, Promise<string>>();

/** @returns a `blob:` URL, valid as long as the picture is among the newest. @throws ApiError */
export function fetchPicture(path: string, query: Query = {}): Promise<string> {
  const key = `${path} ${JSON.stringify(query)}`;
  const known = cache.get(key);
  const promise = known ?? download(path, query);
  // A map keeps the order of insertion: what was used last goes to the end.
  cache.delete(key);
  cache.set(key, promise);
  if (known === undefined) {
    promise.catch(() => cache.delete(key));
    for (const [oldest, url] of cache) {
      if (cache.size <= mostKept) break;
      cache.delete(oldest);
      url.then(URL.revokeObjectURL, () => undefined);
    }
  }
  return promise;
}

/** The service refuses too many renderings at once: then it is tried again later. */
async function download(path: string, query: Query): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return URL.createObjectURL(await (await sendRequest(path, { query })).blob());
    } catch (error) {
      const isBusy = error instanceof ApiError && (error.status === 429 || error.code === 'service_busy');
      if (!isBusy || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, attempt * 400));
    }
  }
}
