import { invalidInput } from '@millrace/kernel';

const maxWaitSeconds = 60;

/**
 * The seconds that `Prefer: wait=N` (RFC 7240) asks for, at most 60; null without that preference. Other preferences
 * are ignored, as the RFC wants.
 * @throws MillraceError `invalid_prefer` for a wait that is no whole number of seconds.
 */
export function preferredWait(header: string | undefined): number | null {
  for (const preference of (header ?? '').split(',')) {
    const [token = ''] = preference.split(';');
    const [name = '', value = ''] = token.split('=').map((part) => part.trim());
    if (name.toLowerCase() !== 'wait') continue;
    const seconds = value.replace(/^"(.*)"$/, '$1');
    if (!/^\d{1,9}$/.test(seconds)) {
      throw invalidInput('invalid_prefer', 'Prefer: wait must be a whole number of seconds, e.g. "wait=10".');
    }
    return Math.min(Number(seconds), maxWaitSeconds);
  }
  return null;
}
