import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Categories, codedCategories } from '../../../src/anatomy/categories.js';
import { reasonOf } from '../../../src/decisions/reasons.js';
import { shipped } from '../../../src/files/places.js';
import { categoryListOf } from '../../../src/http/api/about.js';
import { Words } from '../../../src/order-check/words.js';
import type { DriftChange } from '../../../src/review/api/dashboard-schema.js';
import type { Quality } from '../../../src/review/api/quality-schema.js';
import type { Entry, Me, Statistics, Status } from '../../../src/review/api/schema.js';
import { madeEntry, sha256 } from './fake-entries.js';
import { confirmTogether, gridOf, undoTogether } from './fake-grid.js';
import { madeQuality } from './fake-quality.js';
import { madeStatistics } from './fake-statistics.js';
import { asJpeg } from './pictures.js';

/** The service's content security policy: what breaks under it must break here. */
const policy =
  "default-src 'none';script-src 'self';style-src 'self';img-src 'self' blob: data:;connect-src 'self';frame-ancestors 'self';base-uri 'none';form-action 'none'";

/** A page of Orthanc's that shows ours in a frame. */
const framed = '<iframe src="plainview/review/#/dashboard" width="1100" height="700"></iframe>';

export interface FakeService {
  url: string;
  entries: Entry[];
  me: Me;
  status: Status;
  statistics: Statistics;
  drift: DriftChange[];
  quality: Quality;
  /** The categories of the network in use. */
  networkClasses: string[];
  /** The queries of the lists that were asked for. */
  lists: string[];
  /** What came in: `PUT instances/…/decision {"category":…}`. */
  asked: string[];
  /** Said instead of an answer to whatever begins with this, until it is deleted. */
  troubles: Map<string, Trouble | 'cut'>;
  /** The token wanted; without one, everybody is known (as behind Orthanc's plugin). */
  token: string | undefined;
  /** Whether events can be followed; not through Orthanc's plugin. */
  streams: boolean;
  emit(event: string, data: object): void;
  /** How many follow the events. */
  followers(): number;
  stop(): Promise<void>;
}

const known = Categories.read();
const words = Words.read(known);

/** The API's contract from memory, so that a test can make it answer whatever it must. */
export async function startFakeService(count = 60): Promise<FakeService> {
  const made = Array.from({ length: count }, (_, n) => madeEntry(n));
  const entries = made.map(({ entry }) => entry);
  const pictures = new Map(made.map(({ entry, picture }) => [entry.instance, picture]));
  const streams = new Set<ServerResponse>();
  const before = new Map<string, Entry>();
  const fake: FakeService = {
    url: '',
    entries,
    me: { who: 'alice', role: 'reviewer', how: 'orthanc' },
    status: {
      network: { name: 'embedded', sha256, purpose: 'research' },
      engine: {
        engine: 'onnxruntime',
        device: 'cpu',
        declined: [
          {
            engine: 'gpu',
            reason: 'The engine gpu cannot run here: no CUDA 11.2 device.',
            failure: {
              code: 'engine_unavailable',
              message: 'The engine gpu cannot run here: no CUDA 11.2 device.',
              params: { engine: 'gpu', why: 'no CUDA 11.2 device' },
            },
          },
        ],
      },
      queue: { waiting: 0, running: 1, delayed: 0 },
      sweep: { state: 'running', done: 1200, total: 5000, secondsLeft: 400 },
      orthanc: { up: true },
      orthancPages: 'http://orthanc.example/',
      viewers: [],
      version: '0.1.0',
      streams: true,
    },
    statistics: madeStatistics(),
    drift: [],
    quality: madeQuality(entries.map(({ instance }) => instance)),
    networkClasses: [...codedCategories, 'other'],
    asked: [],
    lists: [],
    troubles: new Map(),
    token: undefined,
    streams: true,
    emit(event, data) {
      for (const stream of streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    followers: () => streams.size,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    if (url.pathname === '/orthanc.html') return void response.end(framed);
    response.setHeader('content-security-policy', policy);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as Body) : {};
    const file = /^(?:\/plainview)?\/review\/([\w.-]*)$/.exec(url.pathname)?.[1];
    if (file !== undefined) return sendFile(response, file === '' ? 'index.html' : file);
    const path = url.pathname.replace(/^(?:\/plainview)?\/api\/v1\//, '');
    const method = request.method ?? 'GET';
    if (method !== 'GET') fake.asked.push(`${method} ${path} ${JSON.stringify(body)}`);
    const trouble = [...fake.troubles].find(([start]) => `${method} ${path}`.startsWith(start))?.[1];
    if (trouble === 'cut') return void request.socket.destroy();
    if (trouble !== undefined)
      return problem(response, trouble.status, trouble.code, trouble.title, trouble.params);
    if (fake.token !== undefined && request.headers.authorization !== `Bearer ${fake.token}`)
      return problem(response, 401, 'unauthorised', 'The request carries no valid token.');
    await answer(path, url.searchParams, body, response);
  });

  async function answer(path: string, query: URLSearchParams, body: Body, response: ServerResponse) {
    const [room, key = '', leaf] = path.split('/');
    if (path === 'me') return json(response, fake.me);
    if (path === 'categories') return json(response, categoryListOf(known, fake.networkClasses, words));
    if (path === 'status') return json(response, { ...fake.status, streams: fake.streams });
    if (path === 'statistics') return json(response, fake.statistics);
    if (path === 'drift') return json(response, { changes: fake.drift });
    if (path === 'drift/accept') {
      fake.drift = fake.drift.filter(({ station }) => station !== body.station);
      return json(response, { changes: fake.drift });
    }
    if (path === 'quality/csv') {
      response.setHeader('content-type', 'text/csv');
      return void response.end('by,value\nall,all\n');
    }
    if (path === 'quality') {
      const { report, ...progress } = fake.quality;
      if (query.get('report') === 'no') return json(response, progress);
      return json(response, report === undefined ? progress : fake.quality);
    }
    if (path === 'requests') return json(response, []);
    if (path === 'worklist') {
      fake.lists.push(query.toString());
      return json(response, worklist(entries, query));
    }
    if (path === 'worklist/grid') return json(response, gridOf(entries, query));
    if (path === 'confirmations') {
      const confirm = (entry: Entry) => {
        before.set(entry.instance, entry);
        return byPerson(entry, undefined);
      };
      return json(response, confirmTogether(entries, body.pictures ?? [], confirm));
    }
    if (path === 'confirmations/undo')
      return json(response, undoTogether(entries, body.pictures ?? [], before));
    if (path === 'worklist/patient')
      return json(response, { items: body.patientId === 'P-1' ? entries.slice(0, 2) : [] });
    if (path === 'events') {
      response.setHeader('content-type', 'text/event-stream');
      response.write(': hello\n\n');
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return;
    }
    if (room === 'studies' && leaf === 'dismissal') return dismiss(key, body.category, response);
    if (room === 'studies')
      return json(
        response,
        entries.filter(({ study }) => study === key),
      );
    const at = entries.findIndex(({ instance }) => instance === key);
    const entry = entries[at];
    if (room !== 'instances' || entry === undefined)
      return problem(response, 404, 'instance_unknown', 'Orthanc has no such instance.');
    if (leaf === undefined) return json(response, entry);
    const picture = pictures.get(key) ?? made[0]?.picture;
    if ((leaf === 'thumbnail' || leaf === 'picture') && picture) {
      response.setHeader('content-type', 'image/jpeg');
      return void response.end(
        await asJpeg(await picture(), leaf === 'thumbnail' ? 200 : Number(query.get('width'))),
      );
    }
    if (leaf === 'activation') return json(response, activation(query.get('category') ?? ''));
    if (fake.me.role === 'viewer')
      return problem(
        response,
        403,
        'forbidden',
        'This needs the role reviewer. Ask the administrator of Plainview for it.',
      );
    if (body.of !== entry.when)
      return problem(response, 409, 'decision_changed', 'The decision has changed meanwhile.');
    if (leaf === 'acknowledgement') {
      const { answer, category = entry.category, why } = body;
      if (answer === undefined) return problem(response, 400, 'request_malformed', 'There is no answer.');
      if (entry.who === 'network') before.set(key, entry);
      const said = byPerson(entry, category);
      const given = { answer, who: fake.me.who, when: said.when, ...(why === undefined ? {} : { why }) };
      entries[at] = { ...said, acknowledged: given };
      return json(response, entries[at]);
    }
    if (leaf === 'orientation') {
      const { turned = 0, mirrored = false } = body;
      if (entry.who === 'network') before.set(key, entry);
      const said = byPerson(entry, undefined);
      const orientation = { turned, score: 1, mirrored, person: { who: fake.me.who, when: said.when } };
      entries[at] = { ...said, orientation };
      return json(response, entries[at]);
    }
    const decided =
      leaf === 'undo'
        ? before.get(key)
        : byPerson(entry, leaf === 'confirmation' ? undefined : body.category);
    if (decided === undefined) return problem(response, 404, 'nothing_to_undo', 'No person decided this.');
    if (leaf !== 'undo' && entry.who === 'network') before.set(key, entry);
    entries[at] = decided;
    json(response, decided);
  }

  function dismiss(study: string, category: string | null | undefined, response: ServerResponse) {
    const isAsked = ({ proposed }: Entry) => proposed?.some((each) => each === category);
    if (!entries.some((entry) => entry.study === study && isAsked(entry)))
      return problem(response, 409, 'not_proposed', 'Nobody proposes this any more.');
    for (const entry of entries) if (entry.study === study) entry.proposed = [];
    json(response, { proposed: [] });
  }

  /** @param category undefined: the one shown is confirmed; null: none */
  function byPerson(entry: Entry, category: string | null | undefined): Entry {
    const given =
      category === undefined
        ? (entry.category ?? (entry.decision === 'unknown_view' ? null : entry.top[0]?.category))
        : category;
    const when = new Date(Date.parse(entry.when) + 60_000).toISOString();
    const { category: _, proposed: __, ...rest } = entry;
    return {
      ...rest,
      who: 'person',
      decision: given === null ? 'unknown_view' : 'category',
      ...(given ? { category: given } : {}),
      ...reasonOf(category === undefined ? 'confirmed' : 'said', { who: fake.me.who }),
      when,
      open: [],
      before: entry,
      person: { who: fake.me.who, when, action: category === undefined ? 'confirm' : 'correct' },
    };
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}

interface Trouble {
  status: number;
  code: string;
  title: string;
  params?: object;
}

interface Body {
  answer?: NonNullable<Entry['acknowledged']>['answer'];
  why?: string;
  patientId?: string;
  station?: string;
  of?: string;
  category?: string | null;
  pictures?: { instance: string; of: string; picture?: string }[];
  turned?: number;
  mirrored?: boolean;
}

const types: { [extension: string]: string } = { html: 'text/html', js: 'text/javascript', css: 'text/css' };

async function sendFile(response: ServerResponse, name: string): Promise<void> {
  try {
    const bytes = await readFile(shipped('dist', 'review', name));
    response.setHeader(
      'content-type',
      `${types[name.split('.').pop() ?? ''] ?? 'application/octet-stream'}; charset=utf-8`,
    );
    response.end(bytes);
  } catch {
    problem(response, 404, 'route_unknown', `${name} has not been built`);
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function problem(
  response: ServerResponse,
  status: number,
  code: string,
  title: string,
  params?: object,
): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/problem+json');
  response.end(JSON.stringify({ type: 'about:blank', title, status, code, params }));
}

function worklist(entries: readonly Entry[], query: URLSearchParams) {
  const state = query.get('state');
  const text = query.get('text')?.toLowerCase() ?? '';
  const category = query.get('category');
  const fits = (entry: Entry) =>
    (state === 'recent' ||
      (state === 'settled_by_person' && entry.who === 'person') ||
      entry.open.includes(state ?? '') ||
      (state === 'category_proposed' && (entry.proposed ?? []).length > 0)) &&
    (category === null || entry.category === category || entry.top[0]?.category === category) &&
    JSON.stringify(entry.dicom).toLowerCase().includes(text);
  const since = Number(query.get('cursor') ?? 0);
  const limit = Number(query.get('limit') ?? 50);
  // As the service does, each page looks through a bounded number, and may find nothing among them.
  if (text !== '') {
    const behind = since + 10;
    const items = entries.slice(since, behind).filter(fits);
    return { items, ...(behind < entries.length ? { next: String(behind) } : {}) };
  }
  const found = entries.filter(fits);
  const items = found.slice(since, since + limit);
  return {
    items,
    total: found.length,
    ...(since + limit < found.length ? { next: String(since + limit) } : {}),
  };
}

function activation(category: string) {
  const values = Array.from({ length: 49 }, (_, n) => {
    const [x, y] = [(n % 7) - 3, Math.floor(n / 7) - 3];
    return Math.exp(-(x * x + y * y) / 3);
  });
  return { rows: 7, columns: 7, values, category, score: 0.6 };
}
