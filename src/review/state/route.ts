import { signal } from '@preact/signals';

/** Which page is shown. It is in the address's fragment, so that it can be linked to and gone back to. */
export type Route =
  | { page: 'worklist'; query: URLSearchParams }
  | { page: 'study'; study: string }
  | { page: 'patient' }
  | { page: 'instance'; instance: string }
  | { page: 'dashboard' }
  | { page: 'quality' }
  | { page: 'grid'; query: URLSearchParams };

const orthancId = '([0-9a-f]{8}(?:-[0-9a-f]{8}){4})';

export function parseRoute(fragment: string): Route {
  const [path = '', search = ''] = fragment.replace(/^#/, '').split('?');
  const instance = new RegExp(`^/instance/${orthancId}$`).exec(path)?.[1];
  if (instance !== undefined) return { page: 'instance', instance };
  const study = new RegExp(`^/study/${orthancId}$`).exec(path)?.[1];
  if (study !== undefined) return { page: 'study', study };
  if (path === '/patient') return { page: 'patient' };
  if (path === '/dashboard') return { page: 'dashboard' };
  if (path === '/report') return { page: 'quality' };
  if (path === '/grid') return { page: 'grid', query: new URLSearchParams(search) };
  return { page: 'worklist', query: new URLSearchParams(search) };
}

export const route = signal<Route>(parseRoute(''));

/** Follows the address. @returns a function that stops it */
export function startRouting(): () => void {
  const read = () => {
    route.value = parseRoute(location.hash);
  };
  read();
  window.addEventListener('hashchange', read);
  return () => window.removeEventListener('hashchange', read);
}

export function go(fragment: string): void {
  location.hash = fragment;
}

/** As `go`, but "back" skips the page that is left. */
export function goInstead(fragment: string): void {
  history.replaceState(null, '', fragment);
  route.value = parseRoute(fragment);
}

/** The pictures of the patient that was searched for. */
export const patientHref = '#/patient';
export const instanceHref = (instance: string): string => `#/instance/${instance}`;
