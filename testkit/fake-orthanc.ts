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
  /** More in the answer of `/system`, or other values. */
  system?: Readonly<Record<string, unknown>>;
  destinations?: Destinations;
  /** The time of receptions and changes. Default: a second later at each question, from 2024 on. */
  now?: () => Date;
}

/** An answer in place of the fake's own; `'cut'`: the connection ends without one. */
export type Interception = FakeResponse | 'cut' | undefined;

export interface FakeOrthanc {
  readonly url: string;
  /** All calls so far; `path` is with its query. To count anew: `calls.length = 0`. */
  readonly calls: { method: string; path: string }[];
  /** What was sent to peers and modalities. */
  readonly sent: SentInstances[];
  /** Set by a test: decides each call before it has an effect. Undefined: the fake answers itself. */
  intercept: (asked: FakeRequest) => Interception | Promise<Interception>;
  /** From now on such calls wait, before they have an effect, until they are released. */
  hold(which: (asked: FakeRequest) => boolean): Held;
  /** Stores a file without a call. */
  store(file: Buffer): Stored;
  /** Labels of a resource, sorted, without a call. */
  labels(id: string): string[];
  /** Metadata of a resource by name, without a call. */
  metadata(id: string): Record<string, string>;
  stop(): Promise<void>;
}

export interface Held {
  /** When the first such call has come. */
  readonly reached: Promise<void>;
  /** Lets go those that wait; later ones do not wait any more. */
  release(): void;
}

/**
 * An Orthanc 1.12.7 with SQLite in this process's memory, spoken to over HTTP. It implements what Plainview calls, and
 * passes the conformance suite that the real one passes. It does nothing by itself: no timers, no stable resources.
 */
export async function startFakeOrthanc(options: FakeOrthancOptions = {}): Promise<FakeOrthanc> {
  const clock = options.now ?? secondBySecond();
  const now = () => timeOf(clock());
  const userMetadata = options.userMetadata ?? declaredMetadata;
  const { overwriteInstances = false, checkRevisions = false } = options;
  const registry = new Registry(userMetadata);
  const archive = new Archive({ overwrites: overwriteInstances, now });
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
    ...fileRoutes(archive, now),
    ...resourceRoutes(archive, registry, checkRevisions),
    ...forwardRoutes(options.destinations ?? {}, sent),
  ];

  const gates = new Set<(asked: FakeRequest) => Promise<void> | undefined>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request;
    const { pathname, searchParams } = new URL(url, 'http://orthanc');
    const body = await buffer(request);
    const asked = { method, url, path: decodeURIComponent(pathname), query: searchParams, headers, body };
    fake.calls.push({ method, path: url });
    for (const gate of gates) await gate(asked);
    const answer = (await fake.intercept(asked)) ?? (await route(routes, asked));
    if (answer === 'cut') request.socket.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
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
      const [reached, released] = [signal(), signal()];
      const gate = (asked: FakeRequest) => {
        if (!which(asked)) return undefined;
        reached.give();
        return released.given;
      };
      gates.add(gate);
      const release = () => {
        gates.delete(gate);
        released.give();
      };
      return { reached: reached.given, release };
    },
    store: (file) => archive.store(file),
    labels: (id) => [...(archive.resources.get(id)?.labels ?? [])].sort(),
    metadata: (id) => registry.named(archive.resources.get(id)?.metadata ?? new Map()),
    stop: () => close(server),
  };
  return fake;
}

/** As Orthanc writes it: 20240101T000000. */
const timeOf = (date: Date): string => date.toISOString().replace(/[-:]|\..*$/g, '');

function secondBySecond(): () => Date {
  let milliseconds = Date.UTC(2024, 0, 1);
  return () => {
    milliseconds += 1000;
    return new Date(milliseconds);
  };
}

function signal(): { given: Promise<void>; give: () => void } {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}
