/** Writes files in the format GGUF, version 3: values by their keys, then tensors of 32-bit floats. */
const alignment = 32;
const type = { u32: 4, i32: 5, f32: 6, text: 8, list: 9 } as const;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Buffer;
}

export class GgufWriter {
  private readonly values: Buffer[] = [];
  private readonly tensors: Tensor[] = [];

  text(key: string, value: string): this {
    return this.value(key, type.text, textOf(value));
  }

  u32(key: string, value: number): this {
    return this.value(key, type.u32, u32(value));
  }

  f32(key: string, value: number): this {
    return this.value(key, type.f32, f32(value));
  }

  texts(key: string, values: readonly string[]): this {
    return this.list(key, type.text, values.map(textOf));
  }

  f32s(key: string, values: readonly number[]): this {
    return this.list(key, type.f32, values.map(f32));
  }

  i32s(key: string, values: readonly number[]): this {
    return this.list(key, type.i32, values.map(u32));
  }

  /** @param shape how many numbers a row has, then how many rows there are */
  tensor(name: string, shape: readonly number[], data: Float32Array): this {
    this.tensors.push({ name, shape, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) });
    return this;
  }

  bytes(): Buffer {
    let offset = 0;
    const places = this.tensors.map(({ name, shape, data }) => {
      const place = [textOf(name), u32(shape.length), ...shape.map(u64), u32(0), u64(offset)];
      offset += padded(data.length);
      return Buffer.concat(place);
    });
    const counts = [Buffer.from('GGUF'), u32(3), u64(this.tensors.length), u64(this.values.length)];
    const header = Buffer.concat([...counts, ...this.values, ...places]);
    return Buffer.concat([header, ...this.tensors.map(({ data }) => data)].map(withPadding));
  }

  private value(key: string, kind: number, value: Buffer): this {
    this.values.push(Buffer.concat([textOf(key), u32(kind), value]));
    return this;
  }

  private list(key: string, kind: number, values: readonly Buffer[]): this {
    return this.value(key, type.list, Buffer.concat([u32(kind), u64(values.length), ...values]));
  }
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const textOf = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(bytes.length), bytes]);
};
const padded = (length: number): number => Math.ceil(length / alignment) * alignment;
const withPadding = (bytes: Buffer): Buffer => Buffer.concat([bytes], padded(bytes.length));
