import { z } from 'zod';
import { ifAbsent } from './errors.js';
import type { InstanceId } from './ids.js';
import type { Transport } from './transport.js';

export const destinationKinds = ['peer', 'modality', 'dicomweb'] as const;
/** What Orthanc itself sends to: another Orthanc, a DICOM application, a DICOMweb server. */
export type DestinationKind = (typeof destinationKinds)[number];

/** What Orthanc's configuration names. */
export interface KnownDestinations {
  peer: readonly string[];
  modality: readonly string[];
  dicomweb: readonly string[];
  /** AE titles of the modalities, by name. */
  aets: ReadonlyMap<string, string>;
}

const names = z.array(z.string());
const modalities = z.record(z.string(), z.object({ AET: z.string() }));
const plugin = z.object({ RootUri: z.string().default('') });
const begun = z.object({ ID: z.string() });
const job = z.object({ State: z.string(), ErrorDescription: z.string().default('') });

/** `forgotten`: Orthanc keeps a finished job only for a while (`JobsHistorySize`). */
export type JobState =
  | { state: 'under way' | 'done' | 'forgotten' }
  /** With Orthanc's own words for the kind of error; they hold no patient data. */
  | { state: 'failed'; why: string };

/** Behind what people asked Orthanc for. */
const priority = -10;

/** Orthanc's own ways of sending instances. */
export class Forwarder {
  readonly #transport: Transport;
  #dicomwebRoot: string | undefined;

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

  /** Has Orthanc send instances in a job. @returns the job's identifier */
  async startJob(to: DestinationKind, name: string, instances: readonly InstanceId[]): Promise<string> {
    const url = await this.#store(to, name);
    const data = { Resources: instances, Synchronous: false, Priority: priority };
    return (await this.#transport.json(begun, { method: 'POST', url, data })).ID;
  }

  async job(id: string): Promise<JobState> {
    const request = { method: 'GET', url: `/jobs/${id}` };
    const known = await this.#transport.json(job, request).catch(ifAbsent(undefined));
    if (known === undefined) return { state: 'forgotten' };
    const { State, ErrorDescription } = known;
    if (State === 'Success') return { state: 'done' };
    return State === 'Failure' ? { state: 'failed', why: ErrorDescription } : { state: 'under way' };
  }

  /** Asks a destination for a sign of life: C-ECHO, `/system`, or a search that finds nothing. */
  async echo(to: DestinationKind, name: string): Promise<void> {
    const place = encodeURIComponent(name);
    if (to === 'peer') await this.#transport.call({ method: 'GET', url: `/peers/${place}/system` });
    else if (to === 'modality')
      await this.#transport.call({ method: 'POST', url: `/modalities/${place}/echo`, data: {} });
    else {
      const url = `${(await this.#dicomweb()) ?? '/dicom-web'}/servers/${place}/get`;
      const data = { Uri: '/studies', Arguments: { StudyInstanceUID: '0', limit: '1' } };
      await this.#transport.call({ method: 'POST', url, data });
    }
  }

  async #store(to: DestinationKind, name: string): Promise<string> {
    const place = encodeURIComponent(name);
    if (to === 'peer') return `/peers/${place}/store`;
    if (to === 'modality') return `/modalities/${place}/store`;
    return `${(await this.#dicomweb()) ?? '/dicom-web'}/servers/${place}/stow`;
  }

  /** Where the DICOMweb plugin answers, which is configurable; undefined without the plugin. */
  async #dicomweb(): Promise<string | undefined> {
    if (this.#dicomwebRoot !== undefined) return this.#dicomwebRoot;
    const request = { method: 'GET', url: '/plugins/dicom-web' };
    const known = await this.#transport.json(plugin, request).catch(ifAbsent(undefined));
    // "../dicom-web/app/client/index.html": the plugin's page, seen from Orthanc's own.
    if (known !== undefined)
      this.#dicomwebRoot = known.RootUri.replace(/^\.\.\//, '/').replace(/\/app\/.*$/, '') || '/dicom-web';
    return this.#dicomwebRoot;
  }
}
