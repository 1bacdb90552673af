import { z } from 'zod';

const stored = z.object({ ID: z.string(), ParentStudy: z.string(), ParentPatient: z.string() });
export type Stored = z.output<typeof stored>;

/** Time-out of each call, so that a benchmark never hangs. */
export const timeoutMs = 60_000;

async function request(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
}

export async function store(orthanc: string, file: Buffer): Promise<Stored> {
  const answer = await request(`${orthanc}/instances`, { method: 'POST', body: new Uint8Array(file) });
  if (!answer.ok) throw new Error(`POST /instances: ${answer.status} ${await answer.text()}`);
  return stored.parse(await answer.json());
}

export async function remove(orthanc: string, patient: string): Promise<void> {
  await (await request(`${orthanc}/patients/${patient}`, { method: 'DELETE' })).arrayBuffer();
}

export async function hasLabel(orthanc: string, study: string): Promise<boolean> {
  const labels: unknown = await (await request(`${orthanc}/studies/${study}/labels`)).json();
  return Array.isArray(labels) && labels.length > 0;
}

export async function hasCategory(orthanc: string, instance: string): Promise<boolean> {
  const answer = await request(`${orthanc}/instances/${instance}/metadata/RadiographCategory`);
  await answer.arrayBuffer();
  return answer.ok;
}
