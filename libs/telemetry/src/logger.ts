import { pino, type Bindings, type ChildLoggerOptions, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { PinoPretty as pretty } from 'pino-pretty';
import { describeError } from './error-shape.js';
import { currentLogContext } from './log-context.js';
import type { LogLevels } from './log-levels.js';
import { logLines } from './metrics/catalogue/service.js';
import { redactLine } from './redaction.js';
import { activeTrace } from './tracing/spans.js';

export type Logger = PinoLogger;

/** By the numbers that pino has for them. */
const linesAt = Object.fromEntries(
  (['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const).map((level) => [
    pino.levels.values[level] ?? 0,
    logLines.at({ 'millrace.level': level }),
  ]),
);

/** Where lines go. A terminal (`isTTY`) gets them in colours. */
export interface LogDestination extends DestinationStream {
  readonly isTTY?: boolean;
}

export interface LoggerOptions {
  readonly levels: LogLevels;
  /** Standard output unless said otherwise. */
  readonly destination?: LogDestination;
  /** `json` is one document per line, `pretty` is for people; `auto` is pretty on a terminal. */
  readonly format?: 'auto' | 'json' | 'pretty';
}

/**
 * The root of a process's logs. `logger.child({ component: 'orchestrator' })` has the level of that component.
 * Every line carries the context of `withLogContext`, errors with their chain of causes under `err`, and no secret.
 */
export function createLogger(options: LoggerOptions): Logger {
  const root = pino(
    {
      level: options.levels.default,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => describeError(error) },
      mixin: (_fields, level) => {
        linesAt[level]?.add(1);
        return { ...currentLogContext(), ...traceIds() };
      },
      hooks: { streamWrite: redactLine },
    },
    openStream(options),
  );
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the right "this" below
  return Object.assign(root, { child: childWithLevelOf(options.levels, root.child) });
}

/** By the names under which log stores join lines with traces. */
function traceIds(): { readonly trace_id?: string; readonly span_id?: string } {
  const active = activeTrace();
  return active === undefined ? {} : { trace_id: active.traceId, span_id: active.spanId };
}

/** Children inherit the method, so a component's level holds however deep it was created. */
function childWithLevelOf(levels: LogLevels, createChild: Logger['child']) {
  return function child(this: Logger, bindings: Bindings, options?: ChildLoggerOptions) {
    const component: unknown = bindings['component'];
    const level = typeof component === 'string' ? levels.components.get(component) : undefined;
    return Reflect.apply(createChild, this, [
      bindings,
      level === undefined ? options : { level, ...options },
    ]) as Logger;
  };
}

function openStream({ destination, format = 'auto' }: LoggerOptions): DestinationStream {
  const target: LogDestination = destination ?? process.stdout;
  const isPretty = format === 'pretty' || (format === 'auto' && target.isTTY === true);
  if (isPretty) return prettyStream(target);
  return destination ?? pino.destination({ dest: 1, sync: true });
}

function prettyStream(target: LogDestination): DestinationStream {
  const format = pretty.prettyFactory({
    colorize: target.isTTY === true,
    ignore: 'component',
    messageFormat: '{if component}{component}: {end}{msg}',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => target.write(format(line)) };
}
