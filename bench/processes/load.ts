/** Loads the handler that is named, as Lambda does in a new environment; prints the ms that took. */
const start = performance.now();
// eslint-disable-next-line @typescript-eslint/no-require-imports
require(process.argv[2]);
console.log(JSON.stringify({ ms: performance.now() - start }));
process.exit(0);
