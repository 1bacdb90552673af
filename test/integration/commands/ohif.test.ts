import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { runPlainview } from '../../../testkit/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'plainview-ohif-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

function site(yaml: string): void {
  const file = join(folder, 'hanging.yaml');
  writeFileSync(file, yaml);
  vi.stubEnv('PLAINVIEW_HANGING_FILE', file);
}

test('plainview ohif prints a configuration with the site’s protocols and modalities instead of the default ones', async () => {
  site('protocols:\n  - id: mine\n    rows: [[chest_lateral, chest_pa_ap]]');
  vi.stubEnv('PLAINVIEW_MODALITIES', 'XA,DX');
  const { status, stdout } = await runPlainview(['ohif']);
  expect(status).toBe(0);
  expect(stdout).toContain('const modalities = ["XA","DX"];');
  const window: { config?: { extensions: { getHangingProtocolModule(): object[] }[] } } = {};
  new Function('window', stdout)(window);
  expect(window.config?.extensions[0]?.getHangingProtocolModule()).toMatchObject([
    { name: 'plainview.mine' },
  ]);
});

test('an invalid file ends with status 2 and prints nothing', async () => {
  site('protocols:\n  - id: mine\n    rows: [[chest_obliqe]]');
  const { status, stdout, stderr } = await runPlainview(['ohif']);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('line 3: protocol mine: chest_obliqe is no category of');
});
