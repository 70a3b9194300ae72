export { describeError, type LoggedError } from './error-shape.js';
export { currentLogContext, withLogContext, type LogContext } from './log-context.js';
export { parseLogLevels, type LogLevel, type LogLevels } from './log-levels.js';
export { createLogger, type LogDestination, type Logger, type LoggerOptions } from './logger.js';
export { isSecretName, redactJson, redactText } from './redaction.js';
