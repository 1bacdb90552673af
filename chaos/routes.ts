import { z } from 'zod';
import { instanceRecord, readRecord } from '../src/decisions/schema.js';
import { instanceRoutes } from '../src/followups/routing/routes-record.js';
import { Listener } from '../testkit/listener.js';
import { head, rulesFolder } from '../testkit/rules.js';
import { contents } from './audit.js';
import type { TestInstance } from './test-instances.js';

const message = z
  .string()
  .transform((text) => JSON.parse(text))
  .pipe(z.object({ timestamp: z.string(), data: z.object({ instance: z.string() }) }));
const to = 'webhook:worklist';

/** A webhook that gets each decision, and the file of rules that says so. */
export interface WebhookReceiver {
  rulesFile: string;
  /** Messages, and how many of them are a repetition. */
  received(): { messages: number; repeated: number };
  /** @returns a sentence for each radiograph whose decision was not sent, or not recorded exactly once */
  problems(orthanc: string, instances: ReadonlyMap<string, TestInstance>): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const listener = await new Listener().listen();
  const folder = await rulesFolder();
  const rulesFile = await folder.write({
    ...head,
    webhooks: { worklist: { url: listener.url, secretFile: 'hook.secret' } },
    rules: [{ name: 'worklist', again: 'always', do: { webhook: 'worklist' } }],
  });
  /** Instance and time of the decision of each message. */
  const sent = () =>
    listener.requests.map(({ body }) => {
      const { timestamp, data } = message.parse(body);
      return `${data.instance} ${timestamp}`;
    });
  return {
    rulesFile,
    received: () => ({
      messages: listener.requests.length,
      repeated: listener.requests.length - new Set(sent()).size,
    }),
    problems: async (orthanc, instances) => {
      const known = new Set(sent());
      const radiographs = [...instances].filter(([, { expected }]) => expected !== 'untouched');
      const found = await contents(
        orthanc,
        radiographs.map(([id]) => id),
        'Instance',
      );
      return found.flatMap(({ ID, Metadata }) => {
        const when = readRecord(instanceRecord, Metadata.Radiograph)?.when;
        const routes = readRecord(instanceRoutes, Metadata.RadiographRoutes)?.routes ?? [];
        const states = routes.filter((each) => each.to === to && each.of === when).map(({ state }) => state);
        return [
          ...(known.has(`${ID} ${when}`) ? [] : [`instance ${ID}: its decision of ${when} was not sent`]),
          ...(states.join() === 'sent'
            ? []
            : [
                `instance ${ID}: its route is recorded as ${states.join(', ') || 'nothing'}, not once as sent`,
              ]),
        ];
      });
    },
    stop: async () => {
      await listener.close();
      await folder.discard();
    },
  };
}
