import { readdirSync, readFileSync } from 'fs';
import * as path from 'path';

/** What an assembly deploys: its templates and asset manifests as they are, byte for byte. */
export function deployable(assembly: string): Map<string, string> {
  const files = readdirSync(assembly).filter((file) => /\.(template|assets)\.json$/.test(file)).sort();
  if (!files.some((file) => file.endsWith('.template.json'))) throw new Error(`${assembly} holds no template`);
  return new Map(files.map((file) => [file, readFileSync(path.join(assembly, file), 'utf8')]));
}

/** How an assembly differs from another, one line for each file that does. */
export function differences(expected: Map<string, string>, actual: Map<string, string>): string[] {
  const lines: string[] = [];
  for (const file of new Set([...expected.keys(), ...actual.keys()])) {
    const [a, b] = [expected.get(file), actual.get(file)];
    if (a === b) continue;
    const [left, right] = [a?.split('\n') ?? [], b?.split('\n') ?? []];
    const longer = left.length > right.length ? left : right;
    const line = longer.findIndex((_, i) => left[i] !== right[i]);
    lines.push(`${file}:${line + 1}: expected ${left[line]?.trim() ?? 'nothing'}, got ${right[line]?.trim() ?? 'nothing'}`);
  }
  return lines;
}

/** The logical ids of all resources with their types: what has to outlive a new version of the CDK. */
export function logicalIds(deployed: Map<string, string>): string[] {
  const templates = [...deployed].filter(([file]) => file.endsWith('.template.json')).map(([, text]) => JSON.parse(text));
  return templates.flatMap(({ Resources }) => Object.entries<{ Type: string }>(Resources))
    .map(([id, { Type }]) => `${id} ${Type}`).filter((line) => !line.endsWith(' AWS::CDK::Metadata')).sort();
}
