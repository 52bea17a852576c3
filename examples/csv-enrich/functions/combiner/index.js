/** The turnover of each country in cents. Results beyond 4 MiB would come as a manifest: see `readResults` of cdk-burst-compute/runtime. */
exports.handler = async ({ results }) => {
  if (!results.inline) throw new Error(`more than 4 MiB of results, see ${results.manifest}`);
  const turnover = {};
  for (const { country, cents } of results.inline.flat()) turnover[country] = (turnover[country] ?? 0) + cents;
  return Object.fromEntries(Object.entries(turnover).sort());
};
