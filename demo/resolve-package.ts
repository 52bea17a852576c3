import Module from 'module';
import * as path from 'path';

/** Loaded before an example's app (`node -r`): `cdk-burst-compute` is then the sources of this repository, compiled or not. */

type Resolve = (request: string, ...rest: unknown[]) => string;

const loader = Module as unknown as { _resolveFilename: Resolve };
const resolve = loader._resolveFilename;
const sources = path.join(__dirname, '..', 'src', 'index.ts');

loader._resolveFilename = (request, ...rest) => (request === 'cdk-burst-compute' ? sources : resolve(request, ...rest));
