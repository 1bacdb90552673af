import { z } from 'zod';
import type { Config } from '../config/options.js';
import { hasCode, type PlainviewError } from '../errors/errors.js';
import { Archives } from './archives.js';
import { Availability } from './availability.js';
import { ByUid } from './by-uid.js';
import { ifAbsent } from './catch-handlers.js';
import { Changes } from './changes.js';
import { FileAccess, type Strikes } from './file-access.js';
import { Files } from './files.js';
import { Finder } from './finder.js';
import { Forwarder } from './forwarder.js';
import { Hierarchy } from './hierarchy.js';
import { Inspection } from './inspection.js';
import { InstanceStore } from './instance-store.js';
import { Labels } from './labels.js';
import { Listing } from './listing.js';
import { Metadata } from './metadata.js';
import { type Heartbeat, NodeHealth } from './node-health.js';
import { Renderings } from './renderings.js';
import { type System, system } from './resources.js';
import { Search } from './search.js';
import { Studies } from './studies.js';
import { TagEditor } from './tag-editor.js';
import { Transport, type TransportOptions } from './transport.js';
import { UserDataBackup } from './user-data-backup.js';

export type OrthancOptions = TransportOptions & Pick<Config, 'rendering'> & Partial<Pick<Config, 'tags'>>;

const defaultHeartbeat: Heartbeat = { everyMs: 5000, timeoutMs: 5000 };

/** Orthanc's REST API, in facets by purpose. All of them throw PlainviewErrors, mostly orthanc_…. */
export class Orthanc {
  readonly #transport: Transport;
  readonly nodes: NodeHealth;
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
  readonly inspection: Inspection;

  /**
   * @param heartbeat other than the default in tests alone
   * @param strikes failures of files; kept in memory where it is absent
   * @throws config_invalid where the certification authority's file cannot be read
   */
  constructor(options: OrthancOptions, heartbeat: Heartbeat = defaultHeartbeat, strikes?: Strikes) {
    const transport = new Transport(options);
    this.nodes = new NodeHealth(transport, options, heartbeat);
    const access = new FileAccess(transport, (error, ms) => this.nodes.hasRunFor(error, ms), strikes);
    const finder = new Finder(transport);
    this.#transport = transport;
    this.availability = new Availability(() => this.nodes.check(), heartbeat.everyMs);
    this.changes = new Changes(transport);
    this.hierarchy = new Hierarchy(transport, access, new ByUid(finder, transport.choice));
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
    this.forwarder = new Forwarder(transport.first);
    this.inspection = new Inspection(transport, finder);
  }

  /** @param others processes that call these Orthancs, this one included: they share the calls a second */
  shareRate(others: number): void {
    this.#transport.shareRate(others);
  }

  system(): Promise<System> {
    return this.#transport.json(system, { method: 'GET', url: '/system' });
  }

  /** The names of its plugins; undefined where it does not tell them to this user. */
  plugins(): Promise<string[] | undefined> {
    return this.#transport
      .json(pluginNames, { method: 'GET', url: '/plugins' })
      .catch(ifAbsent(undefined))
      .catch((error: unknown) => {
        if (hasCode(error, 'orthanc_refused')) return undefined;
        throw error;
      });
  }

  /** Whether this error of a call means that Orthanc as a whole is away: see Availability. */
  async isAway(error: PlainviewError): Promise<boolean> {
    await this.nodes.lookAfter(error);
    return this.availability.isAway(error);
  }

  /** Aborts the running calls. Later calls fail at once. */
  close(): void {
    this.availability.stop();
    this.nodes.close();
    this.#transport.close();
  }
}

const pluginNames = z.array(z.string());
