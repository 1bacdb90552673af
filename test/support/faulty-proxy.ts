import { Agent, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Call {
  method: string;
  /** Path and query. */
  url: string;
}

/** What becomes of a call: it goes on to Orthanc, perhaps after something else was done; or it is answered so; or cut. */
export type Verdict = 'pass' | 'cut' | number | (() => Promise<void>);

export interface FaultyProxy {
  url: string;
  /** Every call that has come in. */
  calls: Call[];
  /** Set by a test. */
  judge: (call: Call) => Verdict;
  stop(): Promise<void>;
}

/** Stands before a real Orthanc and spoils what a test wants spoilt. */
export async function startFaultyProxy(orthanc: string): Promise<FaultyProxy> {
  const target = new URL(orthanc);
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (request, response) => {
    const { method = '', url = '' } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    proxy.calls.push({ method, url });
    const verdict = proxy.judge({ method, url });
    if (verdict === 'cut') return void request.socket.destroy();
    if (typeof verdict === 'number') return void response.writeHead(verdict).end('{}');
    if (typeof verdict === 'function') await verdict();
    const { connection: _, ...headers } = request.headers;
    const onward = httpRequest(
      { agent, host: target.hostname, port: target.port, method, path: url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => request.socket.destroy());
    onward.end(Buffer.concat(chunks));
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
