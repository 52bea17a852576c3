export * from './burst-compute';
export * from './combine-mode';
