/**
 * Whether a whole text matches a pattern, as Orthanc's find does it: `*` stands for any text, also none, and `?` for
 * one character; case does not count. The work grows with the product of the lengths, whatever the pattern.
 */
export function matchesWildcards(pattern: string, text: string): boolean {
  const wanted = [...pattern.toLowerCase()];
  const given = [...text.toLowerCase()];
  let at = 0;
  let from = 0;
  /** The last star, and the first character that it does not stand for. */
  let star: { at: number; from: number } | undefined;
  while (from < given.length) {
    if (wanted[at] === '*') star = { at: at++, from };
    else if (wanted[at] === '?' || wanted[at] === given[from]) {
      at++;
      from++;
    } else if (star !== undefined) {
      at = star.at + 1;
      from = ++star.from;
    } else return false;
  }
  while (wanted[at] === '*') at++;
  return at === wanted.length;
}
