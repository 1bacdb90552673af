/**
 * Whether a whole text matches a pattern, as in Orthanc's find (PS3.4 section C.2.2.2.4): `*` matches any text, also
 * none, and `?` one character. Case is ignored. The time grows at most with the product of the lengths.
 */
export function matchesWildcards(pattern: string, text: string): boolean {
  const patternChars = [...pattern.toLowerCase()];
  const textChars = [...text.toLowerCase()];
  let at = 0;
  let from = 0;
  /** The last `*`, and the first character of the text that it does not match. */
  let star: { at: number; from: number } | undefined;
  while (from < textChars.length) {
    if (patternChars[at] === '*') star = { at: at++, from };
    else if (patternChars[at] === '?' || patternChars[at] === textChars[from]) {
      at++;
      from++;
    } else if (star !== undefined) {
      at = star.at + 1;
      from = ++star.from;
    } else return false;
  }
  while (patternChars[at] === '*') at++;
  return at === patternChars.length;
}
