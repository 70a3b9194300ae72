/**
 * A whole model of the architecture of Llama with random weights, as the bytes of a GGUF file of some hundred kilobytes: it
 * loads, reads, writes and makes vectors like any other, and what it writes means nothing.
 */
import { GgufWriter } from './gguf-writer.js';

export interface TinyGgufOptions {
  /** Other seeds give other weights. */
  readonly seed?: number;
  readonly contextTokens?: number;
}

const width = 64;
const layers = 2;
const heads = 4;
const hidden = 96;

const tokenType = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

/** Bytes, characters and some words, so that a text has fewer tokens than bytes, and more than one. */
function vocabulary(): { readonly text: string; readonly type: number; readonly score: number }[] {
  const special = [
    { text: '<unk>', type: tokenType.unknown },
    ...['<s>', '</s>', '<|im_start|>', '<|im_end|>'].map((text) => ({ text, type: tokenType.control })),
  ].map((token) => ({ ...token, score: 0 }));
  const bytes = Array.from({ length: 256 }, (_, byte) => ({
    text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
    type: tokenType.byte,
    score: 0,
  }));
  const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
  const characters = printable.map((character) => (character === ' ' ? '▁' : character));
  const longer = ['th', 'he', 'in', 'er', 'an', '▁t', '▁a', '▁th', '▁the', '▁an', 'and', '▁and', 'ing'];
  const pieces = [...longer, ...characters].map((text, index) => ({ text, type: tokenType.normal, score: -index }));
  return [...special, ...bytes, ...pieces];
}

const template =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** The bytes of the file. */
export function tinyGguf({ seed = 1, contextTokens = 2_048 }: TinyGgufOptions = {}): Buffer {
  const tokens = vocabulary();
  const random = gaussian(seed);
  const file = new GgufWriter();
  file.text('general.architecture', 'llama').text('general.name', 'tiny');
  file.u32('llama.context_length', contextTokens).u32('llama.embedding_length', width).u32('llama.block_count', layers);
  file.u32('llama.feed_forward_length', hidden).u32('llama.rope.dimension_count', width / heads);
  file.u32('llama.attention.head_count', heads).u32('llama.attention.head_count_kv', heads);
  file.f32('llama.attention.layer_norm_rms_epsilon', 1e-5).u32('llama.vocab_size', tokens.length);
  file.text('tokenizer.ggml.model', 'llama').text('tokenizer.chat_template', template);
  file.texts(
    'tokenizer.ggml.tokens',
    tokens.map(({ text }) => text),
  );
  file.f32s(
    'tokenizer.ggml.scores',
    tokens.map(({ score }) => score),
  );
  file.i32s(
    'tokenizer.ggml.token_type',
    tokens.map(({ type }) => type),
  );
  file
    .u32('tokenizer.ggml.unknown_token_id', 0)
    .u32('tokenizer.ggml.bos_token_id', 1)
    .u32('tokenizer.ggml.eos_token_id', 4);
  const matrix = (name: string, columns: number, rows: number): void => {
    const scale = 1 / Math.sqrt(columns);
    file.tensor(
      name,
      [columns, rows],
      Float32Array.from({ length: columns * rows }, () => random() * scale),
    );
  };
  const ones = (name: string): void => void file.tensor(name, [width], new Float32Array(width).fill(1));
  matrix('token_embd.weight', width, tokens.length);
  for (let layer = 0; layer < layers; layer++) {
    ones(`blk.${layer}.attn_norm.weight`);
    for (const part of ['q', 'k', 'v', 'output']) matrix(`blk.${layer}.attn_${part}.weight`, width, width);
    ones(`blk.${layer}.ffn_norm.weight`);
    matrix(`blk.${layer}.ffn_gate.weight`, width, hidden);
    matrix(`blk.${layer}.ffn_up.weight`, width, hidden);
    matrix(`blk.${layer}.ffn_down.weight`, hidden, width);
  }
  ones('output_norm.weight');
  matrix('output.weight', width, tokens.length);
  return file.bytes();
}

/** Numbers around 0, the same for the same seed. */
function gaussian(seed: number): () => number {
  let state = seed >>> 0 || 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 4_294_967_297;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
