import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

/**
 * What axe calls serious or critical: rule, and where.
 * @param rule the only one to check
 */
export async function faults(page: Page, rule?: string): Promise<string[]> {
  const source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(await readFile(source, 'utf8'));
  const options = rule === undefined ? {} : { runOnly: [rule] };
  const found: { id: string; impact: string; nodes: { html: string }[] }[] = await page.evaluate(
    `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`,
  );
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}
