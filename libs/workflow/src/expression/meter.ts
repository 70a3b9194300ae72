import { MillraceError } from '@millrace/kernel';
import { limits } from '../limits.js';

/**
 * What may still be spent on evaluating: evaluation is pure but may be expensive (lists in lists), so every step is paid for.
 * One meter serves one message; each template has its own share of it.
 */
export class Meter {
  #total: number;
  #share = 0;

  constructor(total: number = limits.decisionCost) {
    this.#total = total;
  }

  /** Begins a template: a new share, as long as the total lasts. */
  beginTemplate(): void {
    this.#share = Math.min(limits.templateCost, this.#total);
  }

  /** @throws MillraceError `expression_too_expensive` */
  spend(units: number): void {
    this.#share -= units;
    this.#total -= units;
    if (this.#share >= 0) return;
    throw new MillraceError(
      'too-large',
      'expression_too_expensive',
      'The expression does too much work: filter earlier, or move the work into a tool.',
    );
  }

  /** Pays for a value in proportion to its size, which must not be beyond the bounds of one value. */
  spendOn(value: unknown): void {
    if (typeof value === 'string') this.spendOnSize(0, value.length);
    else if (Array.isArray(value)) this.spendOnSize(value.length, 0);
  }

  /** @throws MillraceError `value_too_large` beyond the bounds of one value */
  spendOnSize(elements: number, characters: number): void {
    if (characters > limits.textLength) throw tooLarge(`a text of more than ${limits.textLength} characters`);
    if (elements > limits.listLength) throw tooLarge(`a list of more than ${limits.listLength} elements`);
    this.spend((characters >>> 4) + (elements >>> 4));
  }

  /** Pays for every value inside of a value: for what walks all of it, such as a comparison. */
  spendOnAll(value: unknown): void {
    const open = [value];
    while (open.length > 0) {
      const next = open.pop();
      this.spend(1);
      this.spendOn(next);
      if (typeof next !== 'object' || next === null) continue;
      if (Array.isArray(next)) for (const element of next) open.push(element);
      else if (next instanceof Map) for (const element of next.values()) open.push(element);
      else for (const element of Object.values(next)) open.push(element);
    }
  }
}

const tooLarge = (what: string): MillraceError =>
  new MillraceError('too-large', 'value_too_large', `The expression makes ${what}.`);
