/** What a browser keeps of the page. Where it keeps nothing for this site, the page does without. */
export function stored(place: 'localStorage' | 'sessionStorage', name: string): string | null {
  return trying(() => window[place].getItem(name));
}

/** @param value null: not any more */
export function store(place: 'localStorage' | 'sessionStorage', name: string, value: string | null): void {
  trying(() => {
    if (value === null) window[place].removeItem(name);
    else window[place].setItem(name, value);
    return null;
  });
}

/** Even to name a storage throws where a person has forbidden it. */
function trying(task: () => string | null): string | null {
  try {
    return task();
  } catch {
    return null;
  }
}
