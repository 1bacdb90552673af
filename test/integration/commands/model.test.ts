import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFile } from '../../../testkit/classify/pictures.js';
import { runPlainview } from '../../../testkit/cli.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('plainview model info', () => {
  it('shows the embedded network, and NNCPR’s if it is there', async () => {
    const { status, stdout } = await runPlainview(['model', 'info']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^SHA-256 +[0-9a-f]{64}$/m);
    expect(stdout).toMatch(/^purpose +research$/m);
    expect(stdout).toMatch(/^input +input \[N, 224, 224, 3\]$/m);
    expect(stdout).toMatch(/^output +final_result \[N, 31\]$/m);
    expect(stdout).toMatch(/^classes +31: abdomen_ap, .*, other$/m);
    expect(stdout).toMatch(/NNCPR's (own, as published|network is not there)/);
  });

  it('reports what is wrong with a graph', async () => {
    const { status, stderr } = await runPlainview(['model', 'info', '--graph', modelFile('classes.txt')]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/no TensorFlow GraphDef/);
  });

  it('refuses a list of names whose number differs from the outputs', async () => {
    const labels = modelFile('nncpr-classes.txt');
    const { status, stderr } = await runPlainview([
      'model',
      'info',
      '--graph',
      'embedded',
      '--labels',
      labels,
    ]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/31 outputs.*names 30/);
  });
});

describe('plainview model fetch', () => {
  it('keeps no part of a file that is not NNCPR’s network', async () => {
    const to = join(folder, 'network.pb');
    const { status, stderr } = await runPlainview([
      'model',
      'fetch',
      '--from',
      modelFile('plainview.pb'),
      '--to',
      to,
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/is not NNCPR's network/);
    expect(existsSync(to) || existsSync(`${to}.part`)).toBe(false);
  });

  it('explains how a site without internet gets it', async () => {
    const { stdout } = await runPlainview(['model', 'fetch', '--help']);
    expect(stdout).toMatch(/Without a way to the internet.*\n.*--from network\.pb/);
  });
});
