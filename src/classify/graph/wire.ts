import protobuf from 'protobufjs/minimal.js';

// Messages of protobuf, field by field. protobufjs makes code for each function of each message of a schema, which takes longer
// than all that is read and written here.

export const { Reader, Writer } = protobuf;
export type Reader = protobuf.Reader;
export type Writer = protobuf.Writer;

// How a field is announced: by its number and its wire type.
export const varint = (field: number): number => field * 8;
export const delimited = (field: number): number => field * 8 + 2;
export const fixed32 = (field: number): number => field * 8 + 5;

/**
 * Reads a message up to a position. What is not listed is left out, also a known number with another wire type.
 * @param fields by `varint`, `delimited` and `fixed32`
 * @throws RangeError where a field is longer than its message
 */
export function readFields(
  reader: Reader,
  end: number,
  fields: Readonly<Record<number, (reader: Reader) => void>>,
): void {
  const outer = reader.len;
  if (end > outer) throw new RangeError('a message ends after the file');
  reader.len = end;
  while (reader.pos < end) {
    const tag = reader.tag();
    const read = fields[tag];
    if (read === undefined) reader.skipType(tag % 8, 0, tag >>> 3);
    else read(reader);
  }
  if (reader.pos !== end) throw new RangeError('a field is longer than its message');
  reader.len = outer;
}

/** Reads a message within another one. */
export const readMessage = (reader: Reader, fields: Parameters<typeof readFields>[2]): void =>
  readFields(reader, reader.size() + reader.pos, fields);

export const readInt64 = (reader: Reader): number => Number(reader.int64());

/** What a field holds: UTF-8, an int64, bytes, a message, or several of them. */
type Value = string | number | Uint8Array | Message | readonly Value[];
export interface Message {
  readonly [field: string]: Value;
}
/** The numbers of a message's fields; of those that are messages, the numbers of theirs too. */
export interface Fields {
  readonly [field: string]: number | readonly [number, Fields];
}

export function writeMessage(writer: Writer, fields: Fields, message: Message): Writer {
  for (const [name, value] of Object.entries(message)) {
    const field = fields[name];
    if (field === undefined) throw new TypeError(`the message has no field ${name}`);
    const [number, inner] = typeof field === 'number' ? [field, {}] : field;
    for (const each of isList(value) ? value : [value]) writeField(writer, number, inner, each);
  }
  return writer;
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

function writeField(writer: Writer, number: number, inner: Fields, value: Value): void {
  if (typeof value === 'number') writer.uint32(varint(number)).int64(value);
  else if (typeof value === 'string') writer.uint32(delimited(number)).string(value);
  else if (value instanceof Uint8Array) writer.uint32(delimited(number)).bytes(value);
  else writeMessage(writer.uint32(delimited(number)).fork(), inner, value as Message).ldelim();
}
