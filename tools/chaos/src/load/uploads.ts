/** Documents that come in while the runs go on, so that the outbox of the research service has something to do. */
import { setTimeout as pause } from 'node:timers/promises';
import type { MillraceClient } from '@millrace/client';

const betweenMs = 400;

/** Uploads until the signal aborts. What is refused or lost is not tried again. */
export async function keepUploading(client: MillraceClient, signal: AbortSignal): Promise<void> {
  for (let number = 1; !signal.aborted; number += 1) {
    const content = `# Page ${number}\n\nDurable events of page ${number} are stored before anybody hears of them.`;
    const file = { source: `page-${number % 20}.md`, content, mediaType: 'text/markdown' };
    await client.uploadDocuments('chaos', [file], { signal, timeoutMs: 5_000 }).catch(() => undefined);
    await pause(betweenMs, undefined, { signal }).catch(() => undefined);
  }
}
