import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';

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
    httpAgent: withFewIdle(new HttpAgent(options)),
    httpsAgent: withFewIdle(new HttpsAgent({ ...options, ...tls })),
  };
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
