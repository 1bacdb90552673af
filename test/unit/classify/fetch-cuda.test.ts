import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { shipped } from '../../../src/files/places.js';

const root = mkdtempSync(join(tmpdir(), 'plainview-cuda-'));
afterAll(() => rmSync(root, { recursive: true }));
const name = 'nvidia_thing-1.0-py3-none-manylinux1_x86_64.whl';
const list = join(root, 'scripts', 'cuda-files.sha256');
const wheels = join(root, 'wheels');
mkdirSync(join(root, 'scripts'));
mkdirSync(wheels);
mkdirSync(join(root, 'node_modules', 'onnxruntime-node'), { recursive: true });
cpSync(shipped('scripts', 'fetch-cuda.sh'), join(root, 'scripts', 'fetch-cuda.sh'));
writeFileSync(join(root, 'node_modules', 'onnxruntime-node', 'package.json'), '{\n  "version": "9.9.9"\n}\n');
writeFileSync(list, `${createHash('sha256').update('right').digest('hex')}  ${name}\n`);

function fetchCuda(): string {
  try {
    return execFileSync('sh', [join(root, 'scripts', 'fetch-cuda.sh'), '--from', wheels], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch (error) {
    return String((error as { stderr: string }).stderr);
  }
}
const isSupported = process.platform === 'linux' && process.arch === 'x64';

it.runIf(isSupported)("CUDA's files are those of the installed onnxruntime, all there, and unchanged", () => {
  expect(fetchCuda()).toContain('is version 9.9.9, and');
  writeFileSync(list, `${readFileSync(list, 'utf8')}${'0'.repeat(64)}  onnxruntime_gpu-9.9.9-cp3.whl\n`);
  expect(fetchCuda()).toContain(`these are missing in ${wheels}: ${name} onnxruntime_gpu-9.9.9-cp3.whl`);
  writeFileSync(join(wheels, name), 'wrong');
  writeFileSync(join(wheels, 'onnxruntime_gpu-9.9.9-cp3.whl'), 'wrong');
  expect(fetchCuda()).toContain('are not those of');
  expect(existsSync(join(root, 'cuda'))).toBe(false);
});

it('the list names the files of the onnxruntime that Plainview depends on', () => {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
  expect(readFileSync(shipped('scripts', 'cuda-files.sha256'), 'utf8')).toContain(
    `  onnxruntime_gpu-${version}-`,
  );
});
