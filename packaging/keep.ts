import { mkdirSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';

/*
 * Keeps the assembly of this version in packaging/released/, which `npm run compat` compares later ones with, without a network.
 * Only what jsii-diff compares: no docs, no examples, no places in files.
 */

const ROOT = path.join(__dirname, '..');
const assembly = JSON.parse(readFileSync(path.join(ROOT, '.jsii'), 'utf8'));
const LEFT_OUT = ['readme', 'locationInModule', 'submodules', 'fingerprint'];
const kept = JSON.stringify(assembly, (key, value) => (LEFT_OUT.includes(key) ? undefined : value), 1);
const target = path.join(ROOT, 'packaging', 'released');
mkdirSync(target, { recursive: true });
writeFileSync(path.join(target, 'api.json'), `${JSON.stringify({ ...JSON.parse(kept), fingerprint: '*' }, undefined, 1)}\n`);
writeFileSync(path.join(target, 'package.json'), `${JSON.stringify({
  name: assembly.name, version: assembly.version, dependencies: assembly.dependencies, jsii: { outdir: 'dist', targets: assembly.targets },
}, undefined, 2)}\n`);
