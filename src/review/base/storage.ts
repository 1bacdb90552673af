/** What the browser keeps for the page. Where the browser keeps nothing for this site, the page works without it. */
export function readStored(area: 'localStorage' | 'sessionStorage', key: string): string | null {
  return orNull(() => window[area].getItem(key));
}

/** @param value null removes the entry */
export function writeStored(
  area: 'localStorage' | 'sessionStorage',
  key: string,
  value: string | null,
): void {
  orNull(() => {
    if (value === null) window[area].removeItem(key);
    else window[area].setItem(key, value);
    return null;
  });
}

/** Where storage is forbidden, even reading `window.localStorage` throws. */
function orNull(access: () => string | null): string | null {
  try {
    return access();
  } catch {
    return null;
  }
}
