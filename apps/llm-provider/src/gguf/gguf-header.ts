/**
 * What stands at the beginning of a GGUF file: values by their keys, then the places of all tensors. It is read before the
 * library is, because the library ends a process over some files and says little about others.
 */
import { type ByteReader, EndOfFile } from './byte-reader.js';

export interface GgufHeader {
  /** Numbers and short texts; lists are passed over. */
  readonly values: ReadonlyMap<string, string | number>;
  readonly tensors: number;
  /** How long the file is at least, by the places and sizes of its tensors. */
  readonly neededBytes: number;
}

/** The file is no model that can be read: the message says how. */
export class WrongGguf extends Error {}

const magic = 'GGUF';
const newestVersion = 3;
/** Vocabularies take some megabytes; what announces more is no model. */
const longestHeader = 256 * 1024 * 1024;
const longestKey = 65_536;
const longestKeptText = 1_000;
const mostTensors = 1_000_000;
const mostDimensions = 4;
const deepestList = 4;
const defaultAlignment = 32;

/** Bytes of the values of fixed length, by their number in the format. */
const valueBytes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const kind = { u32: 4, text: 8, list: 9, u64: 10 } as const;

/** Elements and bytes of a block of each type of tensor. What is not here is newer: only its place is looked at. */
const blocks: Readonly<Record<number, readonly [elements: number, bytes: number]>> = {
  ...{ 0: [1, 4], 1: [1, 2], 2: [32, 18], 3: [32, 20], 6: [32, 22], 7: [32, 24], 8: [32, 34], 9: [32, 36] },
  ...{ 10: [256, 84], 11: [256, 110], 12: [256, 144], 13: [256, 176], 14: [256, 210], 15: [256, 292] },
  ...{ 16: [256, 66], 17: [256, 74], 18: [256, 98], 19: [256, 50], 20: [32, 18], 21: [256, 110], 22: [256, 82] },
  ...{ 23: [256, 136], 24: [1, 1], 25: [1, 2], 26: [1, 4], 27: [1, 8], 28: [1, 8], 29: [256, 56], 30: [1, 2] },
  ...{ 34: [256, 54], 35: [256, 66], 39: [32, 17] },
};

/** @throws WrongGguf */
export function readGgufHeader(bytes: ByteReader): GgufHeader {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof EndOfFile) throw new WrongGguf('is cut off: it ends before the list of its tensors does');
    throw error;
  }
}

function read(bytes: ByteReader): GgufHeader {
  if (magicOf(bytes) !== magic) throw new WrongGguf('is no GGUF file: it does not begin with the letters GGUF');
  const version = bytes.u32();
  if (version < 2 || version > newestVersion)
    throw new WrongGguf(`is GGUF of the version ${version}; versions 2 and ${newestVersion} can be read`);
  const tensors = bytes.u64();
  const keys = bytes.u64();
  if (tensors > mostTensors) throw new WrongGguf(`is damaged: it announces ${tensors} tensors`);
  const values = new Map<string, string | number>();
  for (let key = 0; key < keys; key++) readValue(bytes, values);
  const end = readTensors(bytes, tensors);
  const alignment = Number(values.get('general.alignment') ?? defaultAlignment);
  return { values, tensors, neededBytes: tensors === 0 ? bytes.position : aligned(bytes.position, alignment) + end };
}

function magicOf(bytes: ByteReader): string {
  try {
    return bytes.text(magic.length);
  } catch {
    return '';
  }
}

function readValue(bytes: ByteReader, values: Map<string, string | number>): void {
  const key = readKey(bytes);
  const type = bytes.u32();
  if (type === kind.u32) values.set(key, bytes.u32());
  else if (type === kind.u64) values.set(key, bytes.u64());
  else if (type === kind.text) keepText(bytes, key, values);
  else skipValue(bytes, type, 0);
}

function keepText(bytes: ByteReader, key: string, values: Map<string, string | number>): void {
  const length = bytes.u64();
  if (length <= longestKeptText) values.set(key, bytes.text(length));
  else skip(bytes, length);
}

function skipValue(bytes: ByteReader, type: number, depth: number): void {
  const fixed = valueBytes[type];
  if (fixed !== undefined) return skip(bytes, fixed);
  if (type === kind.text) return skip(bytes, bytes.u64());
  if (type !== kind.list || depth > deepestList)
    throw new WrongGguf(`is damaged: it holds a value of the type ${type}`);
  const element = bytes.u32();
  const count = bytes.u64();
  const elementBytes = valueBytes[element];
  if (elementBytes !== undefined) return skip(bytes, count * elementBytes);
  for (let index = 0; index < count; index++) skipValue(bytes, element, depth + 1);
}

/** @returns where the last of them ends, counted from where the first begins */
function readTensors(bytes: ByteReader, count: number): number {
  let end = 0;
  for (let tensor = 0; tensor < count; tensor++) {
    readKey(bytes);
    const dimensions = bytes.u32();
    if (dimensions > mostDimensions) throw new WrongGguf(`is damaged: a tensor has ${dimensions} dimensions`);
    let elements = 1;
    for (let dimension = 0; dimension < dimensions; dimension++) elements *= bytes.u64();
    const [perBlock, blockBytes] = blocks[bytes.u32()] ?? [1, 0];
    end = Math.max(end, bytes.u64() + (elements / perBlock) * blockBytes);
  }
  return end;
}

function readKey(bytes: ByteReader): string {
  const length = bytes.u64();
  if (length > longestKey) throw new WrongGguf('is damaged: the name of a value or tensor is too long');
  return bytes.text(length);
}

function skip(bytes: ByteReader, count: number): void {
  bytes.skip(count);
  if (bytes.position > longestHeader) throw new WrongGguf('is damaged: the part before its tensors is too long');
}

const aligned = (position: number, to: number): number => (to > 0 ? Math.ceil(position / to) * to : position);
