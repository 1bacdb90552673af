import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { declaredMetadata } from '../src/orthanc/capabilities.js';
import { Archive, type Stored } from './fake-orthanc/archive.js';
import { mainTags } from './fake-orthanc/dictionary.js';
import { fileRoutes } from './fake-orthanc/file-routes.js';
import { type Destinations, forwardRoutes, type SentInstances } from './fake-orthanc/forward-routes.js';
import { Registry } from './fake-orthanc/registry.js';
import { resourceRoutes } from './fake-orthanc/resource-routes.js';
import { type FakeRequest, type FakeResponse, json, type Route, route } from './fake-orthanc/router.js';
import { toolsRoutes } from './fake-orthanc/tools-routes.js';
import { close, listen } from './loopback.js';

export type { FakeRequest, FakeResponse, SentInstances };

export interface FakeOrthancOptions {
  overwriteInstances?: boolean;
  checkRevisions?: boolean;
  /** Name to number. Default: Plainview's. */
  userMetadata?: Readonly<Record<string, number>>;
  /** More fields of `/system`, or other values. */
  system?: Readonly<Record<string, unknown>>;
  destinations?: Destinations;
  /** Clock for receptions and changes. Default: each call is a second later, from 2024 on. */
  now?: () => Date;
}

/** A response in place of the fake's own; `'cut'`: the connection ends without one. */
export type Interception = FakeResponse | 'cut' | undefined;

export interface FakeOrthanc {
  readonly url: string;
  /** All calls so far. `path` includes the query. Reset it by `calls.length = 0`. */
  readonly calls: { method: string; path: string }[];
  /** Instances sent to peers and modalities. */
  readonly sent: SentInstances[];
  /** A test can set it. Called before a call has an effect. Where it returns undefined, the fake answers itself. */
  intercept: (fakeRequest: FakeRequest) => Interception | Promise<Interception>;
  /** From now on such calls wait before they have an effect, until `release`. */
  hold(which: (fakeRequest: FakeRequest) => boolean): Held;
  /** Stores a file, without HTTP. @param modifiedFrom the instance that it was made of, by a job of Orthanc's */
  store(file: Buffer, modifiedFrom?: string): Stored;
  /** Labels of a resource, sorted, without HTTP. */
  labels(id: string): string[];
  /** Metadata of a resource by name, without HTTP. */
  metadata(id: string): Record<string, string>;
  stop(): Promise<void>;
}

export interface Held {
  /** Resolves when the first such call waits. */
  readonly reached: Promise<void>;
  /** Continues the waiting calls. Later calls do not wait. */
  release(): void;
}

/**
 * Starts an Orthanc 1.12.7 with SQLite, simulated in this process, with HTTP. It implements the calls of Plainview, and
 * passes the same conformance suite as the real one. It has no timers, so no resource becomes stable.
 */
export async function startFakeOrthanc(options: FakeOrthancOptions = {}): Promise<FakeOrthanc> {
  const clock = options.now ?? tickingClock();
  const now = () => timeOf(clock());
  const userMetadata = options.userMetadata ?? declaredMetadata;
  const { overwriteInstances = false, checkRevisions = false } = options;
  const registry = new Registry(userMetadata);
  const archive = new Archive({ overwrite: overwriteInstances, now });
  const sent: SentInstances[] = [];
  const system = {
    ApiVersion: 27,
    Capabilities: { HasExtendedChanges: true, HasExtendedFind: true },
    CheckRevisions: checkRevisions,
    HasLabels: true,
    MainDicomTags: mainTags,
    Name: 'Fake',
    OverwriteInstances: overwriteInstances,
    ReadOnly: false,
    UserMetadata: {
      ...Object.fromEntries(Object.values(userMetadata).map((number) => [String(number), number])),
      ...userMetadata,
    },
    Version: '1.12.7',
    ...options.system,
  };
  const routes: Route[] = [
    ['GET', /^\/system$/, () => json(system)],
    ...toolsRoutes(archive, registry),
    ...fileRoutes(archive),
    ...resourceRoutes(archive, registry, checkRevisions),
    ...forwardRoutes(options.destinations ?? {}, sent),
  ];

  const gates = new Set<(fakeRequest: FakeRequest) => Promise<void> | undefined>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request;
    const { pathname, searchParams } = new URL(url, 'http://orthanc');
    const body = await buffer(request);
    const fakeRequest = {
      method,
      url,
      path: decodeURIComponent(pathname),
      query: searchParams,
      headers,
      body,
    };
    fake.calls.push({ method, path: url });
    for (const gate of gates) await gate(fakeRequest);
    const fakeResponse = (await fake.intercept(fakeRequest)) ?? (await route(routes, fakeRequest));
    if (fakeResponse === 'cut') request.socket.destroy();
    else response.writeHead(fakeResponse.status, fakeResponse.headers).end(fakeResponse.body);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  const fake: FakeOrthanc = {
    url: await listen(server),
    calls: [],
    sent,
    intercept: () => undefined,
    hold: (which) => {
      const [reached, released] = [deferred(), deferred()];
      const gate = (fakeRequest: FakeRequest) => {
        if (!which(fakeRequest)) return undefined;
        reached.resolve();
        return released.promise;
      };
      gates.add(gate);
      const release = () => {
        gates.delete(gate);
        released.resolve();
      };
      return { reached: reached.promise, release };
    },
    store: (file, modifiedFrom) => archive.store(file, modifiedFrom),
    labels: (id) => [...(archive.resources.get(id)?.labels ?? [])].sort(),
    metadata: (id) => registry.named(archive.resources.get(id)?.metadata ?? new Map()),
    stop: () => close(server),
  };
  return fake;
}

/** Orthanc's format: 20240101T000000. */
const timeOf = (date: Date): string => date.toISOString().replace(/[-:]|\..*$/g, '');

function tickingClock(): () => Date {
  let milliseconds = Date.UTC(2024, 0, 1);
  return () => {
    milliseconds += 1000;
    return new Date(milliseconds);
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
