/**
 * Tokens of a text in the vocabulary of recent OpenAI models: an estimate for others. The vocabulary is loaded when it is
 * first needed, because most servers count by themselves and it takes megabytes.
 */
export async function countTokens(text: string): Promise<number> {
  const tokenizer = await import('gpt-tokenizer/encoding/o200k_base');
  return tokenizer.countTokens(text, { disallowedSpecial: new Set() });
}
