// `npm run release -- [--node <folder>] [--out <folder>]`: makes the files of a release of what is checked out.
//
//   plainview-<version>.tar.gz                          what runs, for a Node.js that is there
//   plainview-<version>-node-<version>-<system>.tar.gz  the same with Node.js
//   plainview_<version>_<architecture>.deb              the same as a package for Debian
//   plainview-<version>.cdx.json                        what is in them (CycloneDX)
//   SHA256SUMS
//
// --node: the Node.js that goes into them, as nodejs.org packs it: a folder with bin/node and LICENSE. Default: the one that
// runs this. All contain binaries for the kind of machine on which they are made. One commit always makes the same files, with
// the same Node.js.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { shipped } from '../../src/files/places.js';
import { archive } from './archive.js';
import { architecture, buildPackage } from './debian.js';
import { factsOf } from './facts.js';
import { addRuntime, runtimeIn } from './node.js';
import { run } from './run.js';
import { sbomOf, sha256 } from './sbom.js';
import { addShare } from './share.js';
import { stage } from './stage.js';

const { values } = parseArgs({
  options: { node: { type: 'string' }, out: { type: 'string', default: shipped('release') } },
});
const facts = factsOf();
const runtime = runtimeIn(values.node);
const out = resolve(values.out);
const work = mkdtempSync(join(tmpdir(), 'plainview-release-'));
try {
  mkdirSync(out, { recursive: true });
  // Of another release. Nothing else in that folder is ours.
  for (const file of readdirSync(out))
    if (/^(plainview[-_]\d.*\.(tar\.gz|deb|json)|SHA256SUMS)$/.test(file)) rmSync(join(out, file));
  const name = `plainview-${facts.version}`;
  const folder = join(work, name);
  mkdirSync(folder);
  console.error('Installing what Plainview needs …');
  stage(folder);
  await addShare(join(folder, 'share'), facts);
  const bom = sbomOf(folder, facts, runtime);
  const files: string[] = [];
  const add = (file: string) => {
    files.push(file);
    return join(out, file);
  };
  writeFileSync(add(`${name}.cdx.json`), bom);
  writeFileSync(join(folder, 'sbom.cdx.json'), bom);
  archive(folder, add(`${name}.tar.gz`), facts.date);
  addRuntime(runtime, folder);
  const system = `${process.platform}-${process.arch}`;
  const withNode = `${name}-node-${runtime.version}-${system}`;
  archive(folder, add(`${withNode}.tar.gz`), facts.date);
  console.error('Building the package …');
  buildPackage(folder, join(work, 'root'), add(`plainview_${facts.version}_${architecture()}.deb`), facts);
  writeFileSync(
    join(out, 'SHA256SUMS'),
    files.map((file) => `${sha256(readFileSync(join(out, file)))}  ${file}\n`).join(''),
  );
  console.log(run('ls', ['-l', out]));
} finally {
  rmSync(work, { recursive: true });
}
