import { Agent, createServer, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { close, listen } from './loopback.js';

export interface Call {
  method: string;
  /** Path and query. */
  url: string;
}

/**
 * Result for the client: Orthanc's response; a cut connection; or a response that breaks off after this share of its
 * bytes, 0 … 1.
 */
export type ProxyResult = 'pass' | 'cut' | { breakOffAt: number };

/**
 * Action of the proxy: a result; a status in place of Orthanc's response; or a function that gives the result. The
 * function may call `forward`, which sends the request to Orthanc, once or several times, also later.
 */
export type ProxyAction = ProxyResult | number | ((forward: () => Promise<void>) => Promise<ProxyResult>);

export interface FaultyProxy {
  url: string;
  /** All calls so far. */
  calls: Call[];
  /** A test can set it. */
  decide: (call: Call & { body: string }) => ProxyAction;
  stop(): Promise<void>;
}

interface ProxiedResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const forwardRequest = (options: RequestOptions, body: Buffer): Promise<ProxiedResponse> =>
  new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      const { statusCode: status = 502, headers } = response;
      // The body is forwarded with its length, so that the client notices when it breaks off.
      const { 'transfer-encoding': _, ...rest } = headers;
      buffer(response).then((whole) => {
        resolve({ status, headers: { ...rest, 'content-length': String(whole.length) }, body: whole });
      }, reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

/** A proxy before a real Orthanc. It causes the faults that a test sets. */
export async function startFaultyProxy(orthanc: string): Promise<FaultyProxy> {
  const target = new URL(orthanc);
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (incoming, response) => {
    const { method = '', url = '' } = incoming;
    const body = await buffer(incoming);
    proxy.calls.push({ method, url });
    const { connection: _, ...headers } = incoming.headers;
    let proxied: ProxiedResponse | undefined;
    const forward = async () => {
      const outgoing = { agent, host: target.hostname, port: target.port, method, path: url, headers };
      proxied = await forwardRequest(outgoing, body);
    };
    const cut = () => incoming.socket.destroy();
    try {
      const decided = proxy.decide({ method, url, body: body.toString('utf8') });
      const action = typeof decided === 'function' ? await decided(forward) : decided;
      if (action === 'cut') return void cut();
      if (typeof action === 'number') return void response.writeHead(action).end('{}');
      if (proxied === undefined) await forward();
      if (proxied === undefined) return;
      response.writeHead(proxied.status, proxied.headers);
      if (action === 'pass') return void response.end(proxied.body);
      response.write(proxied.body.subarray(0, Math.floor(proxied.body.length * action.breakOffAt)), cut);
    } catch {
      cut();
    }
  });
  const proxy: FaultyProxy = {
    url: await listen(server),
    calls: [],
    decide: () => 'pass',
    stop: async () => {
      agent.destroy();
      await close(server);
    },
  };
  return proxy;
}
