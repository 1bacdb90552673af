import { Agent, createServer, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { close, listen } from './loopback.js';

export interface Call {
  method: string;
  /** Path and query. */
  url: string;
}

/**
 * The end of a call: the client gets Orthanc's answer; the connection is cut; or the answer breaks off behind that share
 * of its bytes.
 */
export type ProxyResult = 'pass' | 'cut' | { breakOffAt: number };

/**
 * What becomes of a call: its end; a status in place of Orthanc's answer; or something is done first, perhaps with
 * `forward`, which sends the call on to Orthanc each time that it is called, also later.
 */
export type ProxyAction = ProxyResult | number | ((forward: () => Promise<void>) => Promise<ProxyResult>);

export interface FaultyProxy {
  url: string;
  /** Every call that has come in. */
  calls: Call[];
  /** Set by a test. */
  decide: (call: Call) => ProxyAction;
  stop(): Promise<void>;
}

interface ProxiedResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const forwardRequest = (options: RequestOptions, body: Buffer): Promise<ProxiedResponse> =>
  new Promise((resolve, reject) => {
    const onward = request(options, (response) => {
      const { statusCode: status = 502, headers } = response;
      // The body goes on in one piece, so its length is known, and a cut is seen as one.
      const { 'transfer-encoding': _, ...rest } = headers;
      buffer(response).then((whole) => {
        resolve({ status, headers: { ...rest, 'content-length': String(whole.length) }, body: whole });
      }, reject);
    });
    onward.on('error', reject);
    onward.end(body);
  });

/** Stands before a real Orthanc and spoils the calls that a test wants spoilt. */
export async function startFaultyProxy(orthanc: string): Promise<FaultyProxy> {
  const target = new URL(orthanc);
  const agent = new Agent({ keepAlive: true });
  const server = createServer(async (incoming, response) => {
    const { method = '', url = '' } = incoming;
    const body = await buffer(incoming);
    proxy.calls.push({ method, url });
    const { connection: _, ...headers } = incoming.headers;
    let answer: ProxiedResponse | undefined;
    const forward = async () => {
      const onward = { agent, host: target.hostname, port: target.port, method, path: url, headers };
      answer = await forwardRequest(onward, body);
    };
    const cut = () => incoming.socket.destroy();
    try {
      const judged = proxy.decide({ method, url });
      const verdict = typeof judged === 'function' ? await judged(forward) : judged;
      if (verdict === 'cut') return void cut();
      if (typeof verdict === 'number') return void response.writeHead(verdict).end('{}');
      if (answer === undefined) await forward();
      if (answer === undefined) return;
      response.writeHead(answer.status, answer.headers);
      if (verdict === 'pass') return void response.end(answer.body);
      response.write(answer.body.subarray(0, Math.floor(answer.body.length * verdict.breakOffAt)), cut);
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
