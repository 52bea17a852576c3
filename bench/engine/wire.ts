/** A value of a table as it goes over the wire. */
export type Wire = { readonly [type: string]: unknown };
export type WireItem = { readonly [name: string]: Wire };

/** A request in AWS's JSON protocol, without an SDK; the engine does not check signatures while IAM is not enforced. */
export async function json<T>(endpoint: string, target: string, body: object): Promise<T> {
  const service = target.startsWith('Logs') ? 'logs' : 'dynamodb';
  const authorization = `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target, authorization },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${target} was answered with ${response.status}: ${await response.text()}`);
  return await response.json() as T;
}

/** Bytes of an item by "DynamoDB item sizes and formats" of the developer guide; written apart from the product's own. */
export function itemBytes(item: WireItem | undefined): number {
  return Object.entries(item ?? {}).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes(value: Wire): number {
  const [[type, content]] = Object.entries(value);
  switch (type) {
    case 'S': return Buffer.byteLength(content as string);
    case 'N': return numberBytes(content as string);
    case 'B': return Buffer.from(content as string, 'base64').length;
    case 'BOOL': case 'NULL': return 1;
    case 'NS': return (content as string[]).reduce((sum, number) => sum + numberBytes(number), 0);
    case 'SS': return (content as string[]).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    // a list or a map takes 3 bytes, and one more for each member
    case 'L': return (content as Wire[]).reduce((sum, member) => sum + 1 + valueBytes(member), 3);
    case 'M': return 3 + itemBytes(content as WireItem) + Object.keys(content as WireItem).length;
    default: throw new Error(`a value of type ${type} has no size here: add it`);
  }
}

/** One byte for two significant digits, one more, and one for a sign. */
function numberBytes(text: string): number {
  const digits = text.replace('-', '').replace('.', '').replace(/^0+|0+$/g, '').length;
  return Math.ceil(digits / 2) + 1 + (text.startsWith('-') ? 1 : 0);
}
