// One round trip with the client that openapi-typescript and openapi-fetch make from the API's description: reads the
// worklist by pages, corrects the first instance, reads it, undoes that, and asks for a sweep without a body.
// Arguments: address of the service, token. Prints the category that it gave and read.
import createClient from 'openapi-fetch';
import type { components, paths } from './generated/api.js';

const [baseUrl = '', token = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

const items: components['schemas']['Category'][] = [];
let cursor: components['schemas']['Cursor'] | undefined;
let first: { instance: string; when: string } | undefined;
do {
  const { data, error } = await client.GET('/api/v1/worklist', {
    params: { query: { state: 'recent', limit: 1, ...(cursor === undefined ? {} : { cursor }) } },
  });
  if (data === undefined) throw new Error(error.title);
  for (const item of data.items) {
    first ??= item;
    if (item.category !== undefined) items.push(item.category);
  }
  cursor = data.next;
} while (cursor !== undefined);
if (first === undefined) throw new Error('the worklist is empty');

const params = { path: { instance: first.instance } };
const corrected = await client.PUT('/api/v1/instances/{instance}/decision', {
  params,
  body: { category: 'wrist_ap', of: first.when },
});
if (corrected.data === undefined) throw new Error(corrected.error.title);
const read = await client.GET('/api/v1/instances/{instance}', { params });
const undone = await client.POST('/api/v1/instances/{instance}/undo', {
  params,
  body: { of: corrected.data.when },
});
const sweep = await client.POST('/api/v1/sweep');
const again = await client.POST('/api/v1/instances/{instance}/undo', {
  params,
  body: { of: corrected.data.when },
});
console.log(
  JSON.stringify({
    seen: items,
    read: read.data?.category,
    undone: undone.data?.category,
    sweep: sweep.response.status,
    conflict: again.error?.code,
  }),
);
