import { mkdtempSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { deployable, differences } from '../../consumers/compare';

const folders: string[] = [];
const assembly = (files: Record<string, string>) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'burst-compare-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
};
const between = (a: Record<string, string>, b: Record<string, string>) => differences(deployable(assembly(a)), deployable(assembly(b)));

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

test('assemblies are the same when templates and asset manifests are, byte for byte', () => {
  const files = { 'S.template.json': '{\n "A": 1\n}', 'S.assets.json': '{}' };
  expect(between({ ...files, 'manifest.json': '1' }, { ...files, 'manifest.json': '2' })).toEqual([]);
});

test('says which line differs, and which file only one has', () => {
  expect(between({ 'S.template.json': '{\n "A": 1\n}' }, { 'S.template.json': '{\n "A": 2\n}' }))
    .toEqual(['S.template.json:2: expected "A": 1, got "A": 2']);
  expect(between({ 'S.template.json': '{}' }, { 'S.template.json': '{}', 'S.assets.json': '[]' }))
    .toEqual(['S.assets.json:1: expected nothing, got []']);
  expect(between({ 'S.template.json': '{}' }, { 'S.template.json': '{}\nmore' })).toEqual(['S.template.json:2: expected nothing, got more']);
});

test('a folder without a template compares with nothing', () => {
  expect(() => deployable(assembly({ 'S.assets.json': '{}' }))).toThrow(/holds no template/);
});
