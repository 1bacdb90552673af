import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestOptions,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Call {
  method: string;
  /** Path and query. */
  url: string;
}

/**
 * What becomes of a call: it goes on to Orthanc; it is cut; it is answered so; or something is done first, perhaps with
 * `forward`, which hands it on as often as it is called, also later.
 */
export type Verdict = 'pass' | 'cut' | number | ((forward: () => Promise<void>) => Promise<'pass' | 'cut'>);

export interface FaultyProxy {
  url: string;
  /** Every call that has come in. */
  calls: Call[];
  /** Set by a test. */
  judge: (call: Call) => Verdict;
  stop(): Promise<void>;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const ask = (options: RequestOptions, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(options, (response) => {
      const { statusCode: status = 500, headers } = response;
      buffer(response).then((content) => resolve({ status, headers, body: content }), reject);
    });
    request.on('error', reject);
    request.end(body);
  });

/** Stands before a real Orthanc and spoils what a test wants spoilt. */
export async function startFaultyProxy(orthanc: string): Promise<FaultyProxy> {
  const target = new URL(orthanc);
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const body = await buffer(request);
    proxy.calls.push({ method, url });
    const { connection: _, ...headers } = request.headers;
    let answer: Answer | undefined;
    const forward = async () => {
      const onward = { agent, host: target.hostname, port: target.port, method, path: url, headers };
      answer = await ask(onward, body);
    };
    try {
      const judged = proxy.judge({ method, url });
      const verdict = typeof judged === 'function' ? await judged(forward) : judged;
      if (verdict === 'cut') return void request.socket.destroy();
      if (typeof verdict === 'number') return void response.writeHead(verdict).end('{}');
      if (answer === undefined) await forward();
      if (answer !== undefined) response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch {
      request.socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    judge: () => 'pass',
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
