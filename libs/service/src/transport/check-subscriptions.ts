import { MillraceError } from '@millrace/kernel';
import type { ServiceSubscription } from '../service-definition.js';
import { patternOf } from './subscription-controller.js';

/**
 * Refuses an inbox that cannot work, before anything is started.
 * @throws MillraceError `invalid_subscriptions` that names every line that is wrong.
 */
export function checkSubscriptions(service: string, subscriptions: readonly ServiceSubscription[]): void {
  const problems: string[] = [];
  const handlers = new Map<string, string>();
  for (const subscription of subscriptions) {
    const name = subscription.handler?.name ?? 'nothing';
    const pattern = patternOf(subscription);
    const other = handlers.get(pattern);
    if (other !== undefined) problems.push(`${pattern} is handled by both ${other} and ${name}`);
    handlers.set(pattern, name);
    const prototype = subscription.handler?.prototype as { handle?: unknown } | undefined;
    if (typeof prototype?.handle !== 'function')
      problems.push(`${name}, listed for ${pattern}, has no method "handle"`);
  }
  if (problems.length === 0) return;
  const text = `The subscriptions of ${service} are wrong: ${problems.join('; ')}.`;
  throw new MillraceError('internal', 'invalid_subscriptions', text);
}
