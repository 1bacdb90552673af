import { z } from 'zod';
import { goneIfAbsent } from './absent.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

const simplified = z.record(z.string(), z.unknown());

/**
 * The attributes at the top of an instance's dataset that are text, by keyword; several values are parted by `\`.
 * They are patient data: for conditions, never for a log.
 * @throws instance_gone
 */
export async function attributesOf(rest: Transport, id: InstanceId): Promise<ReadonlyMap<string, string>> {
  const request = { method: 'GET', url: `/instances/${id}/simplified-tags` };
  const all = await rest.json(simplified, request).catch(goneIfAbsent(id));
  return new Map(
    Object.entries(all).flatMap(([keyword, value]) => (typeof value === 'string' ? [[keyword, value]] : [])),
  );
}
