import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, listen } from './loopback.js';

export interface TlsProxy {
  /** `https://127.0.0.1:…/prefix` */
  url: string;
  /** Path of the certificate that a client must trust. */
  caFile: string;
  close(): Promise<void>;
}

/** A reverse proxy as sites have it before Orthanc: HTTPS with a self-signed certificate, and a path prefix. */
export async function tlsProxy(target: string, prefix: string): Promise<TlsProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'plainview-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=plainview test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  execFileSync('openssl', [...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (incoming, outgoing) => {
    if (!incoming.url?.startsWith(prefix)) {
      outgoing.writeHead(404).end();
      return;
    }
    const { method, headers } = incoming;
    const proxied = request(
      `${target}${incoming.url.slice(prefix.length)}`,
      { method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    proxied.on('error', () => outgoing.destroy());
    incoming.pipe(proxied);
  });
  const { port } = new URL(await listen(server));
  return {
    url: `https://127.0.0.1:${port}${prefix}`,
    caFile: cert,
    close: async () => {
      await close(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
