/** How far many seeds have come, on a terminal; elsewhere nothing. */
export interface ProgressBar {
  step(isBroken: boolean): void;
  end(): void;
}

const width = 40;
const everyMs = 100;

export function progressBar(total: number, output: NodeJS.WriteStream): ProgressBar {
  if (!output.isTTY || total < 2) return { step: () => undefined, end: () => undefined };
  const began = performance.now();
  let done = 0;
  let broken = 0;
  let drawnAt = 0;
  const draw = (now: number): void => {
    drawnAt = now;
    const filled = Math.round((width * done) / total);
    const left = Math.ceil((((now - began) / Math.max(1, done)) * (total - done)) / 1000);
    const bar = '█'.repeat(filled).padEnd(width, '░');
    output.write(`\r${bar} ${done}/${total} seeds, ${broken} broken, ${left} s left \u001b[K`);
  };
  return {
    step: (isBroken) => {
      done += 1;
      if (isBroken) broken += 1;
      const now = performance.now();
      if (now - drawnAt >= everyMs) draw(now);
    },
    end: () => void output.write('\r\u001b[K'),
  };
}
