import type { Config } from '../config/options.js';
import { asPlainviewError, type PlainviewError } from '../errors/errors.js';
import { Archives } from './archives.js';
import { Availability } from './availability.js';
import { Changes } from './changes.js';
import { FileAccess, type Strikes } from './file-access.js';
import { Files } from './files.js';
import { Finder } from './finder.js';
import { Forwarder } from './forwarder.js';
import { Hierarchy } from './hierarchy.js';
import { InstanceStore } from './instance-store.js';
import { Labels } from './labels.js';
import { Listing } from './listing.js';
import { Metadata } from './metadata.js';
import { Renderings } from './renderings.js';
import { type System, system } from './resources.js';
import { Search } from './search.js';
import { Studies } from './studies.js';
import { TagEditor } from './tag-editor.js';
import { Transport, type TransportOptions } from './transport.js';
import { UserDataBackup } from './user-data-backup.js';

export type OrthancOptions = TransportOptions & Pick<Config, 'rendering'>;

/** How an outage is noticed while nothing calls Orthanc. */
export interface Heartbeat {
  /** Between two health checks, milliseconds. */
  everyMs: number;
  /** Shortest time-out of a health check, milliseconds. It is longer where the site set a long time-out. */
  timeoutMs: number;
}
const defaultHeartbeat: Heartbeat = { everyMs: 5000, timeoutMs: 5000 };

/** Orthanc's REST API, in facets by purpose. All of them throw PlainviewErrors, mostly orthanc_…. */
export class Orthanc {
  readonly #transport: Transport;
  readonly #healthTransport: Transport;
  readonly availability: Availability;
  readonly changes: Changes;
  readonly hierarchy: Hierarchy;
  readonly search: Search;
  readonly listing: Listing;
  readonly studies: Studies;
  readonly metadata: Metadata;
  readonly labels: Labels;
  readonly renderings: Renderings;
  readonly files: Files;
  readonly archives: Archives;
  readonly tagEditor: TagEditor;
  readonly instanceStore: InstanceStore;
  readonly userData: UserDataBackup;
  readonly forwarder: Forwarder;

  /**
   * @param heartbeat other than the default in tests alone
   * @param strikes failures of files; kept in memory where it is absent
   * @throws config_invalid where the certification authority's file cannot be read
   */
  constructor(options: OrthancOptions, heartbeat: Heartbeat = defaultHeartbeat, strikes?: Strikes) {
    const transport = new Transport(options);
    // The health check has its own connection, so that it never waits behind another call.
    // It is repeated once, because an Orthanc that works may be slow once.
    this.#healthTransport = new Transport({
      ...options,
      orthancConnections: 1,
      orthancRate: 0,
      orthancRetries: 1,
      orthancTimeoutMs: Math.max(heartbeat.timeoutMs, Math.round(options.orthancTimeoutMs / 6)),
    });
    const access = new FileAccess(transport, (ms) => hasRunFor(this.#healthTransport, ms), strikes);
    const finder = new Finder(transport);
    this.#transport = transport;
    this.availability = new Availability(() => checkHealth(this.#healthTransport), heartbeat.everyMs);
    this.changes = new Changes(transport);
    this.hierarchy = new Hierarchy(transport, access);
    this.search = new Search(transport, finder, this.hierarchy);
    this.listing = new Listing(transport, access, finder);
    this.studies = new Studies(finder, this.hierarchy);
    this.metadata = new Metadata(transport);
    this.labels = new Labels(transport);
    this.renderings = new Renderings(access, options);
    this.files = new Files(transport, access);
    this.archives = new Archives(transport);
    this.tagEditor = new TagEditor(transport, access, this.files);
    this.instanceStore = new InstanceStore(transport, access);
    this.userData = new UserDataBackup(transport, this.metadata, this.labels);
    this.forwarder = new Forwarder(transport);
  }

  system(): Promise<System> {
    return systemOf(this.#transport);
  }

  /** Whether this error of a call means that Orthanc as a whole is away: see Availability. */
  isAway(error: PlainviewError): Promise<boolean> {
    return this.availability.isAway(error);
  }

  /** Aborts the running calls. Later calls fail at once. */
  close(): void {
    this.availability.stop();
    this.#healthTransport.close();
    this.#transport.close();
  }
}

const systemOf = (transport: Transport): Promise<System> =>
  transport.json(system, { method: 'GET', url: '/system' });

/** Whether Orthanc answers at this moment, and has run for longer than that. `unknown`: it hides its metrics. */
async function hasRunFor(transport: Transport, ms: number): Promise<boolean | 'unknown'> {
  try {
    const { body } = await transport.once({ method: 'GET', url: '/tools/metrics-prometheus' });
    const upTime = /^orthanc_up_time_s (\d+)/m.exec(body.toString('utf8'))?.[1];
    // Whole seconds: the next one may be as good as over.
    return upTime === undefined ? 'unknown' : Number(upTime) * 1000 > ms + 1000;
  } catch (error) {
    return ['orthanc_unreachable', 'orthanc_timeout'].includes(asPlainviewError(error).code)
      ? false
      : 'unknown';
  }
}

/** `/system` answers also while the index hangs. The last change is the cheapest question to the index. */
async function checkHealth(transport: Transport): Promise<System> {
  const answer = await systemOf(transport);
  await new Changes(transport).last();
  return answer;
}
