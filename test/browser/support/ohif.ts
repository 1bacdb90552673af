import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { shipped } from '../../../src/files/places.js';

/** The viewers that are installed: the newest, the one before, and the one that Orthanc's OHIF plugin has. */
export const viewers = ['3.13.2', '3.12.0', '3.11.1'].filter((version) => existsSync(folderOf(version)));
if (viewers.length === 0)
  console.warn(
    'OHIF is not here (testkit/ohif/viewer.sh installs it): the tests with the viewer are skipped.',
  );

function folderOf(version: string): string {
  return shipped('testkit', 'ohif', 'viewer', version);
}

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
};

/** What Orthanc's OHIF plugin puts behind a site's configuration. */
const pluginSettings = `
  window.config.routerBasename = '/';
  window.config.defaultDataSourceName = 'dicomweb';
  window.config.dataSources = [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
    sourceName: 'dicomweb',
    configuration: {
      friendlyName: 'Orthanc', name: 'orthanc',
      wadoUriRoot: '/dicom-web', qidoRoot: '/dicom-web', wadoRoot: '/dicom-web',
      imageRendering: 'wadors', thumbnailRendering: 'wadors', enableStudyLazyLoad: true,
      supportsFuzzyMatching: false, supportsWildcard: true, omitQuotationForMultipartRequest: true,
      bulkDataURI: { enabled: true, relativeResolution: 'studies' },
    },
  }];`;

export interface Viewer {
  url: string;
  /** Paths under /plainview/ that the viewer requested. */
  readonly requests: string[];
  /** When set, requests to Plainview are never answered. */
  silent: boolean;
  stop(): Promise<void>;
}

/** The whole viewer and an Orthanc on one origin, with `orthanc/ohif.js` as the configuration. */
export async function startViewer(version: string, orthanc: string): Promise<Viewer> {
  const requests: string[] = [];
  const state = { silent: false };
  const server = createServer((asked, answer) => {
    const path = new URL(asked.url ?? '/', 'http://localhost').pathname;
    if (path.startsWith('/plainview/')) {
      requests.push(path);
      if (state.silent) return;
    }
    if (path.startsWith('/plainview/') || path.startsWith('/dicom-web/')) {
      const onward = request(
        new URL(asked.url ?? '/', orthanc),
        { method: asked.method, headers: asked.headers },
        (received) => {
          answer.writeHead(received.statusCode ?? 502, received.headers);
          received.pipe(answer);
        },
      );
      onward.on('error', () => answer.destroy());
      asked.pipe(onward);
      return;
    }
    if (path === '/app-config.js') {
      answer.setHeader('content-type', 'text/javascript');
      answer.end(readFileSync(shipped('orthanc', 'ohif.js'), 'utf8') + pluginSettings);
      return;
    }
    const file = join(folderOf(version), path);
    const found = extname(path) !== '' && existsSync(file) ? file : join(folderOf(version), 'index.html');
    answer.setHeader('content-type', types[extname(found)] ?? 'application/octet-stream');
    answer.end(readFileSync(found));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get silent() {
      return state.silent;
    },
    set silent(value) {
      state.silent = value;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
