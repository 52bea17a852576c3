/** Replace this with your own work: what it returns is the result of one batch. */
exports.handler = async ({ range, items }) => (items ? items.length : range.end - range.start);
