/** How rough a seed's world is: which faults there are, and how often. Chances are out of 100,000. */
import type { Dice, Range } from '@millrace/chaos/dice';

export interface Weather {
  /** A process dies, or stands still, at a point where it asks for something or hears an answer. */
  readonly crash: number;
  readonly freeze: number;
  readonly freezeMs: Range;
  /** A statement does not reach the database; or it does and its answer is lost. */
  readonly statementLoss: number;
  readonly statementAnswerLoss: number;
  /** A message does not reach the bus or its receiver; or its answer is lost. */
  readonly messageLoss: number;
  readonly messageAnswerLoss: number;
  /** A message arrives twice. */
  readonly duplicate: number;
  readonly latencyMs: Range;
  /** What takes very long. */
  readonly slow: number;
  readonly slowMs: Range;
  /** For how long a replica holds a partition without a word. */
  readonly leaseMs: number;
  /** For so long, and then again after as long, one replica's statements about leases do not arrive. */
  readonly leaseStallMs: number;
  /** The same replica waits long for the runs that it loads. */
  readonly slowLoad: number;
  readonly slowLoadMs: Range;
  /** How much a replica remembers of runs: what left memory is loaded. */
  readonly hotRunBytes: number;
  /** Whether the bus loses all that it holds, once. */
  readonly wipes: boolean;
  readonly clockSkewMs: Range;
  /** From then on nothing goes wrong any more, in milliseconds since the beginning. */
  readonly calmAfterMs: number;
}

export const all = 100_000;

/** Of so few bytes that some runs leave memory and are folded anew. */
const hotRunBytes = 12_000;

/** What no weather changes by itself: only bugs that show in nothing else ask for it. */
const steady = { leaseMs: 6_000, leaseStallMs: 0, slowLoad: 0, slowLoadMs: [0, 0], hotRunBytes } as const;

const quiet: Weather = {
  ...{ crash: 0, freeze: 0, freezeMs: [0, 0], statementLoss: 0, statementAnswerLoss: 0 },
  ...{ messageLoss: 0, messageAnswerLoss: 0, duplicate: 0, latencyMs: [0, 3], slow: 0, slowMs: [0, 0] },
  ...steady,
  ...{ wipes: false, clockSkewMs: [0, 0], calmAfterMs: 0 },
};

/** One thing that goes wrong far more often than others. */
const storms: readonly Partial<Weather>[] = [
  { crash: 4_000 },
  { freeze: 1_500, freezeMs: [5_000, 12_000] },
  { statementLoss: 12_000 },
  { statementAnswerLoss: 12_000 },
  { messageLoss: 15_000 },
  // The bus is as good as away, and processes go while what they owe it is old.
  { messageLoss: 60_000, crash: 1_500 },
  { messageAnswerLoss: 15_000 },
  { slow: 8_000, slowMs: [2_000, 12_000] },
];

/** One seed in ten is quiet, three in ten have a storm; in the others each fault is there or not. */
export function weatherOf(dice: Dice): Weather {
  if (dice.percent(10)) return quiet;
  const mixed = mixedWeather(dice);
  return dice.percent(33) ? { ...mixed, ...dice.pick(storms) } : mixed;
}

function mixedWeather(dice: Dice): Weather {
  const sometimes = (percent: number, range: Range): number => (dice.percent(percent) ? dice.within(range) : 0);
  return {
    crash: sometimes(60, [100, 2_000]),
    freeze: sometimes(35, [50, 500]),
    freezeMs: [500, dice.pick([3_000, 15_000])],
    statementLoss: sometimes(40, [100, 4_000]),
    statementAnswerLoss: sometimes(40, [100, 4_000]),
    messageLoss: sometimes(40, [100, 6_000]),
    messageAnswerLoss: sometimes(40, [100, 6_000]),
    duplicate: sometimes(40, [1_000, 20_000]),
    latencyMs: dice.pick([
      [0, 3],
      [1, 30],
      [1, 300],
    ] as const),
    slow: sometimes(30, [100, 3_000]),
    slowMs: [1_000, 12_000],
    ...steady,
    wipes: dice.percent(15),
    clockSkewMs: dice.percent(40) ? [-4_000, 4_000] : [0, 0],
    calmAfterMs: dice.within([5_000, 20_000]),
  };
}
