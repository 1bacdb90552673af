import { z } from 'zod';

const places = ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID', 'study', 'series', 'instance'];
const message =
  'must be a list, separated by blanks, of items like OHIF=https://pacs/ohif/viewer?StudyInstanceUIDs={StudyInstanceUID}';
const named = new RegExp(`^[{](${places.join('|')})[}]$`);

/** An address of http or https, or a path of the server that the page comes from. */
function isAddress(text: string): boolean {
  if (/^\/(?!\/)/.test(text)) return !/[\s"<>\\]/.test(text);
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}

const link = z
  .string()
  .regex(/^[^\s=]{1,32}=\S+$/, message)
  .transform((item) => {
    const at = item.indexOf('=');
    return { name: item.slice(0, at).replaceAll('_', ' '), url: item.slice(at + 1) };
  })
  .refine(
    ({ url }) => {
      const placed = url.match(/[{][^{}]*[}]/g) ?? [];
      return placed.length > 0 && placed.every((place) => named.test(place));
    },
    `must have one or more of ${places.map((place) => `{${place}}`).join(', ')} in each address, and no other braces`,
  )
  .refine(
    // The host itself must not depend on the picture.
    ({ url }) => isAddress(url) && !/^[a-z]+:\/\/[^/?#]*[{]/i.test(url),
    'must have addresses that begin with https://, http:// or /',
  );

/** Links to viewers, with places for what identifies the picture. */
export const viewerLinks = z
  .string()
  .transform((text) => text.split(/\s+/).filter((item) => item !== ''))
  .pipe(z.array(link).min(1, message).max(8, 'must have at most 8 viewers'));
