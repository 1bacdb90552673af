import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { declaredMetadata } from '../src/orthanc/capabilities.js';
import { close, listen } from './loopback.js';

/** A rendering of one pixel. These tests are about numbers, not about pictures. */
const pam = Buffer.concat([
  Buffer.from('P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n'),
  Buffer.from([128]),
]);
const tags = JSON.stringify({ Modality: 'DX', Rows: '1', Columns: '1', PixelData: null });
const idOf = (text: string) =>
  createHash('sha1')
    .update(text)
    .digest('hex')
    .replace(/(.{8})(?=.)/g, '$1-');

/** A change log whose numbers come from a database with several writers. */
export interface SimulatedLog {
  /** @param since `last`: a page of the newest entry alone */
  page(since: number | 'last', limit: number): Promise<SimulatedPage>;
}
export interface SimulatedPage {
  entries: { seq: number; instance: number; type?: string }[];
  done: boolean;
  /** What Orthanc calls the last number where the page is empty. */
  last: number;
}

/**
 * A fake Orthanc with a hundred thousand instances that needs little memory. Each instance is a study of its own.
 * Change log and resources are computed when they are read, and only written metadata is stored.
 * `testkit/fake-orthanc.ts` is more complete, but needs a file for each instance.
 */
export class SimulatedOrthanc {
  /** Number of instances with `RadiographCategory`, that is with a complete decision. */
  decided = 0;
  /** How long a rendering takes, in milliseconds of waiting. */
  renderingMs = 0;
  readonly #count: number;
  readonly #log: SimulatedLog | undefined;
  readonly #written = new Map<string, Record<string, string>>();
  readonly #server: Server;

  /** @param log Default: each instance has one entry, with its own number. */
  constructor(count: number, log?: SimulatedLog) {
    this.#count = count;
    this.#log = log;
    const serve = async (request: IncomingMessage, response: ServerResponse) => {
      const answer = await this.#answer(request.method ?? '', request.url ?? '', await text(request));
      if (answer === undefined) response.writeHead(404).end();
      else response.end(answer);
    };
    this.#server = createServer((request, response) => {
      serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  /** Number of instances without a complete decision, up to a sequence number. */
  undecidedUpTo(seq: number): number {
    let undecided = 0;
    for (let n = 1; n <= seq; n++)
      if (this.#written.get(`instances/${this.#id(n)}`)?.RadiographCategory === undefined) undecided++;
    return undecided;
  }

  instances(): string[] {
    return Array.from({ length: this.#count }, (_, index) => this.#id(index + 1));
  }

  listen = (): Promise<string> => listen(this.#server);
  close = (): Promise<void> => close(this.#server);

  #id = (n: number) => idOf(`instance ${n}`);

  async #answer(method: string, url: string, body: string): Promise<string | Buffer | undefined> {
    const { pathname, searchParams } = new URL(url, 'http://orthanc');
    if (pathname === '/system')
      return JSON.stringify({
        Version: '1.12.7',
        HasLabels: true,
        DatabaseBackendPlugin: this.#log === undefined ? null : 'several-writers',
        UserMetadata: declaredMetadata,
      });
    if (pathname === '/changes') {
      const since = searchParams.has('last') ? 'last' : Number(searchParams.get('since'));
      return this.#changes(since, Number(searchParams.get('limit')));
    }
    if (pathname === '/tools/bulk-content') {
      const { Resources, Level } = JSON.parse(body) as { Resources: string[]; Level: string };
      return JSON.stringify(Resources.map((id) => this.#content(id, Level)));
    }
    if (pathname.endsWith('/simplified-tags')) return tags;
    if (pathname.endsWith('/rendered')) {
      await delay(this.renderingMs);
      return pam;
    }
    const metadata = /^\/(\w+)\/([0-9a-f-]+)\/metadata\/(\w+)$/.exec(pathname);
    if (metadata) return this.#metadata(method, `${metadata[1]}/${metadata[2]}`, metadata[3] ?? '', body);
    return pathname.includes('/labels/') ? '{}' : undefined;
  }

  async #changes(since: number | 'last', limit: number): Promise<string> {
    const { entries, done, last } = await (this.#log?.page(since, limit) ?? this.#allChanges(since, limit));
    const Changes = entries.map(({ seq, instance, type = 'NewInstance' }) => ({
      ChangeType: type,
      ResourceType: 'Instance',
      ID: this.#id(instance),
      Seq: seq,
    }));
    return JSON.stringify({ Changes, Done: done, Last: Changes.at(-1)?.Seq ?? last });
  }

  #allChanges(after: number | 'last', limit: number): SimulatedPage {
    const since = after === 'last' ? this.#count - 1 : after;
    const last = Math.min(since + (after === 'last' ? 1 : limit), this.#count);
    const entries = Array.from({ length: Math.max(0, last - since) }, (_, index) => ({
      seq: since + index + 1,
      instance: since + index + 1,
    }));
    return { entries, done: last === this.#count, last: this.#count };
  }

  /** Instance, series and study with one number have the same identifier here. */
  #content(id: string, level: string) {
    const collection = { Instance: 'instances', Series: 'series', Study: 'studies' }[level];
    return {
      ID: id,
      ParentSeries: id,
      ParentStudy: id,
      ParentPatient: id,
      Instances: [id],
      Series: [id],
      FileUuid: 'file',
      MainDicomTags: { '0008,0018': '1.1.1', '0020,000e': '1.1', '0020,000d': '1', '0008,0060': 'DX' },
      Metadata: this.#written.get(`${collection}/${id}`) ?? {},
      Labels: [],
    };
  }

  #metadata(method: string, resource: string, name: string, body: string): string | undefined {
    const known = this.#written.get(resource) ?? {};
    if (method === 'GET') return known[name];
    if (method === 'PUT') {
      if (name === 'RadiographCategory' && known[name] === undefined) this.decided++;
      this.#written.set(resource, { ...known, [name]: body });
    } else delete known[name];
    return '{}';
  }
}
