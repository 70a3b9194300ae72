import { MillraceError, type Violation } from '@millrace/kernel';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof levels)[number];

/** The level of everything, and of the components that have one of their own. */
export interface LogLevels {
  readonly default: LogLevel;
  readonly components: ReadonlyMap<string, LogLevel>;
}

const isLevel = (text: string): text is LogLevel => (levels as readonly string[]).includes(text);

/**
 * Reads a list such as `info,orchestrator=debug,nest=warn`; an entry without a name is the level of everything else.
 * @throws MillraceError `invalid_configuration` with one violation per entry that cannot be read.
 */
export function parseLogLevels(list: string | undefined, fallback: LogLevel = 'info'): LogLevels {
  let defaultLevel = fallback;
  const components = new Map<string, LogLevel>();
  const violations: Violation[] = [];
  for (const entry of (list ?? '').split(',').map((part) => part.trim())) {
    if (entry === '') continue;
    const separator = entry.indexOf('=');
    const level = entry.slice(separator + 1).trim();
    const component = separator === -1 ? undefined : entry.slice(0, separator).trim();
    if (!isLevel(level) || component === '') {
      violations.push({ pointer: '/MILLRACE_LOG_LEVEL', message: `cannot read "${entry}"` });
    } else if (component === undefined) {
      defaultLevel = level;
    } else {
      components.set(component, level);
    }
  }
  if (violations.length > 0) {
    const problems = violations.map((violation) => violation.message).join('; ');
    throw new MillraceError(
      'invalid',
      'invalid_configuration',
      `MILLRACE_LOG_LEVEL: ${problems}. Levels are ${levels.join(', ')}; for example info,orchestrator=debug.`,
      { violations },
    );
  }
  return { default: defaultLevel, components };
}
