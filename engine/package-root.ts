import { existsSync, readFileSync } from 'fs';
import * as path from 'path';
import { EngineError } from './errors';

const PACKAGE = 'cdk-burst-compute';

/** The folder of this package: found from the sources as well as from a bundle in assets/. */
export function packageRoot(from: string = __dirname): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const file = path.join(folder, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === PACKAGE) return folder;
    if (folder === path.dirname(folder)) {
      throw new EngineError(`no package.json of ${PACKAGE} found in ${from} or above: install the package again`);
    }
  }
}
