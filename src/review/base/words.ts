/** The words of a text, without capitals and accents. */
export const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .split(/[\s_/,.-]+/)
    .filter((word) => word !== '');
