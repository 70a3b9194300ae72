import { sha256Hex } from '@millrace/kernel';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** An inclusive range of whole numbers. */
export type Range = readonly [least: number, most: number];

/** Random choices that a seed decides. Each purpose has a sequence of its own, so that one more choice here changes none elsewhere. */
export class Dice {
  private readonly generator;

  constructor(seed: number, purpose: string) {
    this.generator = xoroshiro128plus(Number.parseInt(sha256Hex(`${seed}/${purpose}`).slice(0, 8), 16) | 0);
  }

  /** A whole number of the range. */
  within([least, most]: Range): number {
    return uniformInt(this.generator, least, most);
  }

  /** True so many times out of a hundred. */
  percent(chance: number): boolean {
    return this.within([0, 99]) < chance;
  }

  /** One of the values. @throws RangeError where there is none */
  pick<Value>(values: readonly Value[]): Value {
    if (values.length === 0) throw new RangeError('There is nothing to pick from.');
    return values[this.within([0, values.length - 1])] as Value;
  }

  /** The values in another order. */
  shuffle<Value>(values: readonly Value[]): Value[] {
    const shuffled = [...values];
    for (let index = shuffled.length - 1; index > 0; index -= 1) {
      const other = this.within([0, index]);
      [shuffled[index], shuffled[other]] = [shuffled[other] as Value, shuffled[index] as Value];
    }
    return shuffled;
  }
}
