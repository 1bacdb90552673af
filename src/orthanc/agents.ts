import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** Connections that stay open while nothing is asked, so that the next call need not open one. */
const mostIdle = 2;
/** Any other is closed after it was idle for so long. */
const idleMs = 1000;

/**
 * The connections to Orthanc. Orthanc holds one of its threads for each open connection, also for an idle one
 * (`HttpThreadsCount`, `KeepAliveTimeout`). So idle ones are few, else other clients would wait.
 * @param most connections at one time
 */
export function createAgents(
  most: number,
  tls: { ca?: Buffer },
): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const options = { keepAlive: true, maxSockets: most, scheduling: 'lifo' as const };
  return {
    httpAgent: withFewIdle(new ReadingAgent(options)),
    httpsAgent: withFewIdle(new HttpsAgent({ ...options, ...tls })),
  };
}

const readBytes = 65_536;

/**
 * Reads a connection into the same memory again and again. Node.js would take new memory for each reading: for a
 * radiograph, more than a hundred times, until the garbage collector runs. (TLS does not offer this.)
 */
class ReadingAgent extends HttpAgent {
  override createConnection(options: NetConnectOpts, onConnect: () => void): Socket {
    let memory = Buffer.allocUnsafeSlow(readBytes);
    const callback = (bytes: number) => {
      const goesOn = socket.push(memory.subarray(0, bytes));
      // Node.js's HTTP parser copies what it is given. What still waits for it keeps its memory.
      if (socket.readableLength > 0) memory = Buffer.allocUnsafeSlow(readBytes);
      return goesOn;
    };
    const socket = connect({ ...options, onread: { buffer: () => memory, callback } }, onConnect);
    return socket;
  }
}

/** `keepSocketAlive` is called when a connection becomes idle. The agent closes an idle one at its time-out. */
function withFewIdle<A extends HttpAgent>(agent: A): A {
  const keep = agent.keepSocketAlive.bind(agent);
  agent.keepSocketAlive = (socket: Socket) => {
    const kept = keep(socket);
    const idle = Object.values(agent.freeSockets).reduce((sum, sockets = []) => sum + sockets.length, 0);
    if (idle >= mostIdle) socket.setTimeout(idleMs);
    return kept;
  };
  return agent;
}
