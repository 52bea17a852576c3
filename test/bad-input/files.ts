import { Format } from '../../lambda/protocol/inputs/uri';

/** As an item may not be: a worker's event takes 6 MiB. */
const long = 'x'.repeat(7 * 1024 * 1024);

/** Objects that items cannot be read from, and what the error must say. */
export const FILES: [what: string, format: Format, text: string | Uint8Array, message: string][] = [
  ['an empty object', 'jsonl', '', 's3://data/items is empty (0 bytes)'],
  ['an empty CSV', 'csv', '', 'is empty (0 bytes)'],
  ['an empty JSON', 'json', '', 'is empty (0 bytes)'],
  ['gzip', 'jsonl', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), 's3://data/items is compressed; allowed: plain jsonl, csv or json'],
  ['UTF-16', 'csv', Buffer.from('\uFEFFa,b\n1,2\n', 'utf16le'), 'is not UTF-8 between bytes 0 and'],
  ['a broken character', 'jsonl', Buffer.from([0x22, 0xc3, 0x28, 0x22, 10]), 'is not UTF-8'],
  ['a character cut off at the end', 'jsonl', Buffer.from([0x31, 10, 0x22, 0xc3]), 'is not UTF-8'],
  ['a bad line', 'jsonl', '{"a":1}\n\n{"b":\n{"c":3}\n', 'line 3 of s3://data/items: got "{\\"b\\":", allowed: one JSON value per line'],
  ['a bad line with CRLF', 'jsonl', '1\r\n2\r\nthree\r\n', 'line 3 of s3://data/items: got "three", allowed'],
  ['a bad last line', 'jsonl', '1\n2\n{"c"', 'line 3 of s3://data/items: got "{\\"c\\"", allowed'],
  ['two values on a line', 'jsonl', '{"a":1} {"a":2}\n', 'line 1 of s3://data/items: got'],
  ['only blank lines', 'jsonl', '\n \n', 's3://data/items holds nothing but blank lines'],
  ['a line too long', 'jsonl', `1\n"${long}"\n`, 'line 2 of s3://data/items: got over 6291456 bytes, allowed: at most that'],
  ['a file without lines', 'jsonl', long, 'line 1 of s3://data/items: got over 6291456 bytes'],
  ['a CSV of blank lines', 'csv', '\n\n', 'holds nothing but blank lines, allowed: a header line'],
  ['a column without a name', 'csv', 'a,,c\n1,2,3\n', 'header of s3://data/items: column 2 has no name, allowed: a line with a different name for each column; got "a,,c"'],
  ['two columns of one name', 'csv', 'a,b,a\n1,2,3\n', 'header of s3://data/items: two columns are named "a"'],
  ['a record too short', 'csv', 'a,b\n1,2\n3\n', 'line 3 of s3://data/items: got "3", allowed: as many fields as the header has'],
  ['a record too long', 'csv', 'a,b\n"1\n",2\n3,4,5\n', 'line 4 of s3://data/items: got "3,4,5", allowed: as many fields'],
  ['a quote inside a field', 'csv', 'a,b\n1,2\n3,x"y\n', 'line 3 of s3://data/items'],
  ['a quote that is not closed', 'csv', 'a,b\n1,2\n3,"4\n5,6\n', 'line 3 of s3://data/items: got a quote that is not closed'],
  ['a field too long', 'csv', `a,b\n1,${long}\n`, 'got over 6291456 bytes'],
  ['an object', 'json', ' {"a":[1]}', 'element 1 (line 1) of s3://data/items: got "{" at its beginning, allowed: one JSON array'],
  ['a string', 'json', '"abc"', 'got "abc" at its beginning, allowed: one JSON array'],
  ['JSON Lines as JSON', 'json', '[1]\n[2]\n', 'got "[" behind the array'],
  ['no array at all', 'json', '  \n ', 'there is no array'],
  ['an array that is not closed', 'json', '[1,\n{"a":2}', 'element 2 (line 1) of s3://data/items: the array is not closed, its end is "{\\"a\\":2}"'],
  ['an array cut off in a string', 'json', '[1,"ab', 'the array is not closed'],
  ['a comma too many', 'json', '[1,2,]', 'element 3 (line 1) of s3://data/items: got nothing between two commas or behind the last'],
  ['a comma at the beginning', 'json', '[,1]', 'got nothing between two commas'],
  ['a bad element', 'json', '[\n{"a":1},\n{"a" 2},\n{"a":3}]', 'element 2 (line 3) of s3://data/items: got "{\\"a\\" 2}", allowed: a JSON value'],
  ['an unknown word', 'json', '[1, nope]', 'element 2 (line 1) of s3://data/items: got "no'],
  ['brackets that do not match', 'json', '[[1}, 2]', 'element 1 (line 1) of s3://data/items: got'],
  ['a brace for the bracket', 'json', '[1}', 'got "}" in place of "]"'],
  ['an element too long', 'json', `["${long}"]`, 'element 1 (line 1) of s3://data/items: got over 6291456 bytes'],
];

/** Lines of an object of unlike tasks. */
export const TASK_FILES: [what: string, lines: string[], message: string][] = [
  ['a bad line', ['{"function":"double"}', '{"function":'], 'tasks.s3.uri: line 2 of s3://uploads/tasks.jsonl: got "{\\"function\\":", allowed: one JSON value per line'],
  ['a line with an unknown function', ['{"function":"double"}', '', '{"function":"shrink"}'], 'tasks.s3.uri: line 3 of s3://uploads/tasks.jsonl: function: got "shrink", allowed: double, resize'],
  ['a line with an id of another', ['{"id":"a","function":"double"}', '{"id":"a","function":"double"}'], 'line 2 of s3://uploads/tasks.jsonl: id: got "a", which line 1 has, too'],
  ['a line that is no task', ['{"function":"double"}', '[1]'], 'line 2 of s3://uploads/tasks.jsonl: got [1], allowed: an object such as'],
  ['nothing', [''], 'tasks.s3.uri: s3://uploads/tasks.jsonl is empty (0 bytes)'],
];
