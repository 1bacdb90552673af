import type { Config } from '../../config/options.js';
import type { Webhook } from '../../webhook/client.js';
import type { AnyDue, Destination } from './destinations/destination.js';
import { OrthancDestination } from './destinations/orthanc.js';
import { Outbox, type OutboxParts } from './outbox.js';
import type { Rules } from './rules/read.js';
import { nameOf, type Targets, targetsOf } from './rules/schema.js';

/**
 * An outbox for each destination that some rules name, by its name.
 * @param toWebhook what sends to a webhook
 */
export function outboxesOf<D extends AnyDue>(
  rules: readonly Targets[],
  { webhooks }: Pick<Rules, 'webhooks'>,
  config: Config,
  parts: Omit<OutboxParts<D>, 'destination'>,
  toWebhook: (name: string, webhook: Webhook) => Destination<D>,
): ReadonlyMap<string, Outbox<D>> {
  const targets = new Map(rules.flatMap(targetsOf).map((target) => [nameOf(target), target] as const));
  const outboxOf = (destination: Destination<D>) => new Outbox<D>({ ...parts, destination });
  return new Map(
    [...targets].flatMap(([key, { kind, name }]) => {
      if (kind !== 'webhook') return [[key, outboxOf(new OrthancDestination(kind, name, config))]];
      const webhook = webhooks.get(name);
      return webhook === undefined ? [] : [[key, outboxOf(toWebhook(name, webhook))]];
    }),
  );
}
