import type { Exported } from '../learn/export-pictures.js';

/** Says what an export has written. @returns the exit status: 0 if all pictures were written, else 1 */
export function reportExported({ pictures, kept, unnamed, burnedIn, failed }: Exported): 0 | 1 {
  for (const { instance, error } of failed) console.error(`${instance}: ${error.message}`);
  console.error(`${pictures} pictures, ${kept} of them from an earlier export; ${failed.length} failed`);
  if (unnamed > 0)
    console.error(
      `${unnamed} other pictures of earlier exports are in the folder, which labels.csv does not name: delete them if you do not need them.`,
    );
  if (burnedIn > 0)
    console.error(
      `${burnedIn} pictures say that text is burned into them (Burned In Annotation): labels.csv names them.`,
    );
  console.error('Names can be burned into any picture. Look at all of them before you give them to anybody.');
  return failed.length === 0 ? 0 : 1;
}
