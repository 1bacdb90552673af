import { z } from 'zod';
import type { Audit } from '../../access/audit.js';
import type { Caller } from '../../access/caller.js';
import { type NetworkList, networkList } from '../../contract/networks.js';
import type { Networks } from '../../networks/networks.js';
import { type Operation, operation } from './operation.js';

/** Which networks there are, and the switch to another one. */
export function networkOperations(networks: Networks, audit: Audit): Operation[] {
  const switched = async (caller: Caller, list: NetworkList): Promise<NetworkList> => {
    const { name, title, sha256 } = list.networks.find(({ decides }) => decides) ?? {};
    await audit({ caller, action: 'use network', target: `networks/${name}`, detail: { title, sha256 } });
    return list;
  };
  return [
    operation({
      id: 'networks',
      tag: 'service',
      method: 'get',
      path: '/api/v1/networks',
      summary: 'The networks that are there, and which one decides',
      role: 'admin',
      answer: networkList,
      handle: () => networks.list(),
    }),
    operation({
      id: 'useNetwork',
      tag: 'service',
      method: 'post',
      path: '/api/v1/networks/use',
      summary:
        'Has another network decide from now on, also after a restart. It is loaded and tested first; one that cannot be used changes nothing. Decisions stay until a sweep',
      role: 'admin',
      body: z.strictObject({ network: z.string().min(1).max(1024).describe('`name` of one of `networks`.') }),
      answer: networkList,
      handle: async ({ body, caller }) => switched(caller, await networks.use(body.network, caller.who)),
    }),
    operation({
      id: 'useNetworkBefore',
      tag: 'service',
      method: 'post',
      path: '/api/v1/networks/back',
      summary: 'Has the network decide that did so before the last choice',
      role: 'admin',
      answer: networkList,
      handle: async ({ caller }) => switched(caller, await networks.back()),
    }),
  ];
}
