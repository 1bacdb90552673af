import { vi } from 'vitest';

/** The globals that the page's modules use. Undone by `vi.unstubAllGlobals`. */
export function stubBrowser(fragment = ''): void {
  const window = Object.assign(new EventTarget(), { sessionStorage: storage(), localStorage: storage() });
  let hash = fragment;
  vi.stubGlobal('window', window);
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal('location', {
    origin: 'http://orthanc.test',
    pathname: '/plainview/review/',
    get hash() {
      return hash;
    },
    set hash(value: string) {
      hash = value;
      window.dispatchEvent(new Event('hashchange'));
    },
  });
  vi.stubGlobal('history', {
    replaceState: (_state: unknown, _title: string, url: string) => {
      hash = url;
    },
  });
}

function storage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}
