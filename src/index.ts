export * from './burst-compute';
export * from './combine-mode';
export * from './fan-out';
