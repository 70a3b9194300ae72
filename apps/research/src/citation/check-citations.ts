import type { Citation, resolveCitations, ResponseOf } from '@millrace/contracts';
import { sha256Hex } from '@millrace/kernel';
import type { Snapshot } from './snapshot.store.js';

export type Resolution = ResponseOf<typeof resolveCitations>['resolutions'][number];

/**
 * Whether citations of one snapshot are true: it is that document's, is unharmed, and holds exactly the quote at the span.
 * @param snapshot undefined where the document has and had no such snapshot.
 */
export function checkCitations(citations: readonly Citation[], snapshot: Snapshot | undefined): Resolution[] {
  const isIntact = snapshot !== undefined && sha256Hex(snapshot.text) === snapshot.sha256;
  return citations.map((citation) => {
    const { marker } = citation;
    if (snapshot === undefined) return unresolved(marker, 'No document of that id has or had that snapshot.');
    if (!isIntact) return unresolved(marker, 'The stored snapshot does not match its hash.');
    const reason = falsehoodOf(citation, snapshot);
    return reason === undefined ? { marker, resolved: true } : unresolved(marker, reason);
  });
}

const unresolved = (marker: number, reason: string): Resolution => ({ marker, resolved: false, reason });

function falsehoodOf({ start, end, quote, source }: Citation, snapshot: Snapshot): string | undefined {
  if (source !== snapshot.source) return 'The document came from another source.';
  if (start >= end) return 'The span is empty.';
  if (end > snapshot.text.length) return 'The span ends after the snapshot does.';
  return snapshot.text.slice(start, end) === quote ? undefined : 'The snapshot has other words at the span.';
}
