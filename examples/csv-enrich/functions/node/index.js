const RATES = { EUR: 1, GBP: 1.17, USD: 0.92 };

/** Adds to each order of a batch what it is worth in euros; an item is a row of the CSV by the names in its header, all strings. */
exports.handler = async ({ items }) => items.map((order) => {
  const rate = RATES[order.currency];
  if (rate === undefined) throw new Error(`order ${order.id} is in ${order.currency}, known are ${Object.keys(RATES).join(', ')}`);
  return { ...order, cents: Math.round(Number(order.amount) * rate * 100) };
});

/** One of the unlike tasks: the line of an invoice for the order in its params. */
exports.invoice = async ({ task: { params: { id, country, currency, amount } } }) => `order ${id} to ${country}: ${amount} ${currency}`;
