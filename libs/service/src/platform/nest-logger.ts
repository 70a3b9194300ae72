import type { Logger } from '@millrace/telemetry';
import type { LoggerService } from '@nestjs/common';

/** Nest's own lines, through our logger. What Nest says on every start is `debug` here. */
export function nestLogger(root: Logger): LoggerService {
  const logger = root.child({ component: 'nest' });
  const write =
    (level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal') =>
    (message: unknown, ...details: unknown[]): void => {
      const context = details.at(-1);
      const fields = typeof context === 'string' ? { context } : {};
      if (message instanceof Error) logger[level]({ ...fields, err: message }, message.message);
      else logger[level](fields, typeof message === 'string' ? message : JSON.stringify(message));
    };
  return {
    verbose: write('trace'),
    debug: write('trace'),
    log: write('debug'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
  };
}
