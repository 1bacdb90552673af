import { z } from 'zod';
import { inexistentItem, unknownResource } from './orthanc-error.js';
import { empty, type FakeRequest, type FakeResponse, json, type Route } from './router.js';

export interface Destinations {
  /** Names of other Orthancs. */
  peers?: readonly string[];
  /** AE titles by name. */
  modalities?: Readonly<Record<string, string>>;
}

export interface SentInstances {
  /** `peers/backup`, `modalities/pacs` */
  destination: string;
  instances: string[];
}

const sendRequest = z.object({ Resources: z.array(z.string()) });

/** Routes that send instances. A job succeeds at once, and `sent` records its instances. */
export function forwardRoutes({ peers = [], modalities = {} }: Destinations, sent: SentInstances[]): Route[] {
  const jobs: string[] = [];
  const requireKnown = (kind: string, name: string) => {
    if (kind === 'peers' && !peers.includes(name))
      throw unknownResource(`No peer with symbolic name: ${name}`);
    if (kind === 'modalities' && modalities[name] === undefined) throw inexistentItem();
  };

  const send = ({ body }: FakeRequest, kind: string, name: string): FakeResponse => {
    requireKnown(kind, name);
    const { Resources } = sendRequest.parse(JSON.parse(body.toString('utf8')));
    sent.push({ destination: `${kind}/${name}`, instances: Resources });
    const id = `00000000-0000-4000-9000-${String(jobs.length + 1).padStart(12, '0')}`;
    jobs.push(id);
    return json({ ID: id, Path: `/jobs/${id}` });
  };

  return [
    ['GET', /^\/peers$/, () => json(peers)],
    [
      'GET',
      /^\/modalities$/,
      ({ query }) => json(query.has('expand') ? expanded(modalities) : Object.keys(modalities)),
    ],
    ['GET', /^\/plugins$/, () => json(['explorer.js'])],
    ['GET', /^\/plugins\/[^/]+$/, () => empty(404)],
    ['GET', /^\/jobs$/, () => json(jobs)],
    [
      'GET',
      /^\/jobs\/([^/]+)$/,
      (_, id = '') =>
        jobs.includes(id)
          ? json({ ErrorDescription: 'Success', ID: id, Progress: 100, State: 'Success' })
          : empty(404),
    ],
    ['POST', /^\/(peers|modalities)\/([^/]+)\/store$/, send],
    [
      'GET',
      /^\/(peers)\/([^/]+)\/system$/,
      (_, kind = '', name = '') => {
        requireKnown(kind, name);
        return json({ Name: name });
      },
    ],
    [
      'POST',
      /^\/(modalities)\/([^/]+)\/echo$/,
      (_, kind = '', name = '') => {
        requireKnown(kind, name);
        return json({});
      },
    ],
  ];
}

const expanded = (modalities: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(modalities).map(([name, AET]) => [name, { AET }]));
