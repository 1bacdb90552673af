import { z } from 'zod';

const text = z.string().optional();

export const networkEntry = z.object({
  name: z.string().describe('For `useNetwork`.'),
  title: text.describe('The name that decisions have.'),
  sha256: text.describe('Of its file; of a cascade, of all its files.'),
  purpose: text,
  classes: z.array(z.string()),
  when: text.describe('The time of the file, ISO 8601.'),
  decides: z.boolean(),
  isShadow: z.boolean().describe('Whether it looks at each picture as well, and decides nothing.'),
  problem: text.describe('Why it cannot be used.'),
});
export type NetworkEntry = z.output<typeof networkEntry>;

export const networkList = z.object({
  networks: z.array(networkEntry),
  chosen: z
    .object({ who: z.string(), when: z.string() })
    .optional()
    .describe('Who chose the network that decides; absent where PLAINVIEW_NETWORK does.'),
  before: text.describe('The network that `useNetworkBefore` goes back to.'),
});
export type NetworkList = z.output<typeof networkList>;
