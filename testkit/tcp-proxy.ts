import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface TcpProxy {
  port: number;
  /** While it is set, new connections are closed at once. */
  isCut: boolean;
  /** How long each byte is on its way, in each direction, milliseconds. */
  delayMs: number;
  /** The number of connections that were closed so. */
  refused: number;
  /** Breaks all connections. */
  cut(): void;
  stop(): Promise<void>;
}

/** Passes connections on, and can break them. */
export async function startTcpProxy(host: string, port: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    if (proxy.isCut) {
      proxy.refused++;
      incoming.destroy();
      return;
    }
    const outgoing = connect(port, host);
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(socket);
          other.destroy();
        });
      socket.pipe(delayed()).pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  /** Keeps the order while the delay stays the same. */
  const delayed = () =>
    new Transform({
      transform(chunk, _encoding, done) {
        if (proxy.delayMs > 0) setTimeout(() => this.push(chunk), proxy.delayMs);
        else this.push(chunk);
        done();
      },
      flush(done) {
        setTimeout(done, proxy.delayMs);
      },
    });
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    isCut: false,
    delayMs: 0,
    refused: 0,
    cut,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
  return proxy;
}
