/** A change of a built file, made while a process or a thread loads it. */
export interface SourceChange {
  /** The built file, from the root of the repository. */
  readonly file: string;
  readonly anchor: string;
  readonly how: 'insert-before' | 'replace';
  readonly text: string;
}

/** A file's source with one change. @throws Error that names the anchor which is not there exactly once */
export function changed(source: string, { file, anchor, how, text }: SourceChange): string {
  const [before, after, ...more] = source.split(anchor);
  if (before === undefined || after === undefined || more.length > 0) {
    const found = source.split(anchor).length - 1;
    throw new Error(
      `The anchor ${JSON.stringify(anchor)} is ${found} times in ${file}, not once. ` +
        'The code has changed: mend the change of it.',
    );
  }
  return `${before}${text}${how === 'replace' ? '' : anchor}${after}`;
}

export const insertBefore = (file: string, anchor: string, text: string): SourceChange => ({
  file,
  anchor,
  how: 'insert-before',
  text,
});

export const replace = (file: string, anchor: string, text: string): SourceChange => ({
  file,
  anchor,
  how: 'replace',
  text,
});
