import sharp from 'sharp';
import { z } from 'zod';

const error = z.object({ HttpStatus: z.number(), OrthancStatus: z.number(), Message: z.string() });

/** Calls an Orthanc and records the responses. It replaces everything that differs between runs. */
export class Recorder {
  readonly #url: string;
  /** Identifier → its name in the transcript. */
  readonly #names = new Map<string, string>();
  readonly #lines: string[] = [];

  constructor(url: string) {
    this.#url = url;
  }

  get transcript(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  name(id: string, name: string): void {
    this.#names.set(id, `{${name}}`);
  }

  title(text: string): void {
    this.#lines.push(`# ${text}`, '');
  }

  /** @returns ETag and body of the response, unchanged */
  async call(
    method: string,
    path: string,
    { body, headers = {} }: { body?: string | Buffer | object; headers?: Record<string, string> } = {},
  ): Promise<{ etag: string; body: Buffer }> {
    const isFile = Buffer.isBuffer(body);
    const sent = typeof body === 'object' && !isFile ? JSON.stringify(body) : body;
    const answer = await fetch(this.#url + path, {
      method,
      headers,
      ...(sent === undefined ? {} : { body: isFile ? new Uint8Array(body) : String(sent) }),
    });
    const received = Buffer.from(await answer.arrayBuffer());
    const type = answer.headers.get('content-type');
    const etag = answer.headers.get('etag');
    this.#lines.push(
      this.#neutral(`${method} ${path}`),
      ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
      ...(sent === undefined ? [] : [this.#neutral(`  ${isFile ? '(a file)' : sent}`)]),
      this.#neutral([answer.status, type, etag, answer.headers.get('allow')].filter(Boolean).join(' ')),
      ...(received.length === 0 ? [] : [this.#neutral(await described(received, type ?? ''))]),
      '',
    );
    return { etag: etag ?? '', body: received };
  }

  #neutral(text: string): string {
    let neutral = text;
    for (const [id, name] of this.#names) neutral = neutral.replaceAll(id, name);
    return neutral
      .replace(/\b\d{8}T\d{6}\b/g, '{time}')
      .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '{uuid}');
  }
}

async function described(body: Buffer, type: string): Promise<string> {
  if (type === 'image/x-portable-arbitrarymap') {
    const pixelsAt = body.indexOf('ENDHDR\n') + 'ENDHDR\n'.length;
    return `${body.toString('latin1', 0, pixelsAt)}${body.subarray(pixelsAt).toString('hex')}`;
  }
  if (type.startsWith('image/')) {
    const { data, info } = await sharp(body).raw().toBuffer({ resolveWithObject: true });
    // JPEG encoders give different pixels.
    return `${info.width} × ${info.height}${type === 'image/jpeg' ? '' : `, ${data.toString('hex')}`}`;
  }
  if (type === 'application/dicom') return '(a file)';
  const text = body.toString('utf8');
  try {
    const json: unknown = JSON.parse(text);
    const refused = error.safeParse(json);
    return JSON.stringify(sorted(refused.success ? refused.data : json), null, 1);
  } catch {
    return text;
  }
}

/** Sorts keys, and removes IsStable, which changes with time. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'IsStable');
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)]),
  );
}
