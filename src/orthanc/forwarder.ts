import { z } from 'zod';
import { ifAbsent } from './catch-handlers.js';
import type { InstanceId, StudyId } from './ids.js';
import type { Transport } from './transport.js';

export const destinationKinds = ['peer', 'modality', 'dicomweb'] as const;
/** Where Orthanc itself can send: another Orthanc, a DICOM application, a DICOMweb server. */
export type DestinationKind = (typeof destinationKinds)[number];

/** Names of the destinations in Orthanc's configuration. */
export interface KnownDestinations {
  peer: readonly string[];
  modality: readonly string[];
  dicomweb: readonly string[];
  /** Name → AE title of the modalities. */
  aets: ReadonlyMap<string, string>;
}

const names = z.array(z.string());
const modalities = z.record(z.string(), z.object({ AET: z.string() }));
const plugin = z.object({ RootUri: z.string().default('') });
const createdJob = z.object({ ID: z.string() });
const job = z.object({ State: z.string(), ErrorDescription: z.string().default('') });

/** `forgotten`: Orthanc no longer knows the job. It keeps only the last `JobsHistorySize` finished jobs. */
export type JobState =
  | { state: 'under way' | 'done' | 'forgotten' }
  /** `why`: Orthanc's description of the kind of error, without patient data. */
  | { state: 'failed'; why: string };

/** Lower than the default 0 of Orthanc's jobs, so that jobs of other users run first. */
const priority = -10;

/** Sends instances by Orthanc's own jobs. */
export class Forwarder {
  readonly #transport: Transport;
  #dicomwebRoot: string | undefined;

  /** @param transport to one node: no other one knows its destinations and its jobs */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async destinations(): Promise<KnownDestinations> {
    const [peer, all, root] = await Promise.all([
      this.#transport.json(names, { method: 'GET', url: '/peers' }),
      this.#transport.json(modalities, { method: 'GET', url: '/modalities', params: { expand: '' } }),
      this.#dicomweb(),
    ]);
    return {
      peer,
      modality: Object.keys(all),
      dicomweb:
        root === undefined
          ? []
          : await this.#transport.json(names, { method: 'GET', url: `${root}/servers` }),
      aets: new Map(Object.entries(all).map(([name, { AET }]) => [name, AET])),
    };
  }

  /** Starts a job that sends instances, or whole studies. @returns the job's identifier */
  async startJob(
    to: DestinationKind,
    name: string,
    resources: readonly (InstanceId | StudyId)[],
  ): Promise<string> {
    const url = await this.#sendUrl(to, name);
    const data = { Resources: resources, Synchronous: false, Priority: priority };
    return (await this.#transport.json(createdJob, { method: 'POST', url, data })).ID;
  }

  async job(id: string): Promise<JobState> {
    const request = { method: 'GET', url: `/jobs/${id}` };
    const known = await this.#transport.json(job, request).catch(ifAbsent(undefined));
    if (known === undefined) return { state: 'forgotten' };
    const { State, ErrorDescription } = known;
    if (State === 'Success') return { state: 'done' };
    return State === 'Failure' ? { state: 'failed', why: ErrorDescription } : { state: 'under way' };
  }

  /** Checks that a destination answers: by C-ECHO, `/system`, or a search that finds nothing. @throws orthanc_… */
  async echo(to: DestinationKind, name: string): Promise<void> {
    const encoded = encodeURIComponent(name);
    if (to === 'peer') await this.#transport.call({ method: 'GET', url: `/peers/${encoded}/system` });
    else if (to === 'modality')
      await this.#transport.call({ method: 'POST', url: `/modalities/${encoded}/echo`, data: {} });
    else {
      const url = `${(await this.#dicomweb()) ?? '/dicom-web'}/servers/${encoded}/get`;
      const data = { Uri: '/studies', Arguments: { StudyInstanceUID: '0', limit: '1' } };
      await this.#transport.call({ method: 'POST', url, data });
    }
  }

  async #sendUrl(to: DestinationKind, name: string): Promise<string> {
    const encoded = encodeURIComponent(name);
    if (to === 'peer') return `/peers/${encoded}/store`;
    if (to === 'modality') return `/modalities/${encoded}/store`;
    return `${(await this.#dicomweb()) ?? '/dicom-web'}/servers/${encoded}/stow`;
  }

  /** Path of the DICOMweb plugin, which is configurable; undefined without the plugin. */
  async #dicomweb(): Promise<string | undefined> {
    if (this.#dicomwebRoot !== undefined) return this.#dicomwebRoot;
    const request = { method: 'GET', url: '/plugins/dicom-web' };
    const known = await this.#transport.json(plugin, request).catch(ifAbsent(undefined));
    // RootUri is the plugin's page relative to Orthanc Explorer: "../dicom-web/app/client/index.html".
    if (known !== undefined)
      this.#dicomwebRoot = known.RootUri.replace(/^\.\.\//, '/').replace(/\/app\/.*$/, '') || '/dicom-web';
    return this.#dicomwebRoot;
  }
}
