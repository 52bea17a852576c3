export type { DeployOptions, StackOutputs } from './cdk';
export { Engine } from './engine';
export type { EngineOptions } from './engine';
export { EngineError } from './errors';
export type { LogSink } from './install';
