export * from './burst-compute';
