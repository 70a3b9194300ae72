import type { LlamaSequence, Token } from './llama-library.js';

/** A piece should take about so long: it is the longest that a caller who leaves is not noticed. */
const pieceMs = 300;
const firstPiece = 32;
const largestPiece = 512;

/**
 * Has the model read a prompt in pieces. In one piece it cannot be stopped, which on a slow machine is minutes.
 * @param tokens what is read before the next is asked for
 */
export async function prefill(sequence: LlamaSequence, tokens: readonly Token[], signal: AbortSignal): Promise<void> {
  let size = firstPiece;
  for (let at = 0; at < tokens.length;) {
    signal.throwIfAborted();
    const beganAt = performance.now();
    const piece = tokens.slice(at, at + size);
    await sequence.evaluateWithoutGeneratingNewTokens(piece);
    at += piece.length;
    size = nextPiece(size, performance.now() - beganAt);
  }
}

/** How many tokens the next piece has, when one of `size` took so long. */
export function nextPiece(size: number, tookMs: number): number {
  const fitting = Math.floor((size * pieceMs) / Math.max(tookMs, 1));
  return Math.min(largestPiece, size * 2, Math.max(1, fitting));
}
