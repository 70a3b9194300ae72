import type { Citation, Passage } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { ground } from './ground.js';

export interface GroundedAnswer {
  readonly text: string;
  readonly json: JsonValue | null;
  readonly citations: readonly Citation[];
}

export const groundText = (text: string, evidence: readonly Passage[]): GroundedAnswer => {
  const { markdown, citations } = ground(text, evidence);
  return { text: markdown, json: null, citations };
};

/** Grounds the one field of a JSON answer that holds prose; other fields are names and plans and cite nothing. */
export function groundJson(json: JsonObject, cites: string | null, evidence: readonly Passage[]): GroundedAnswer {
  const prose = cites === null ? undefined : json[cites];
  if (cites === null || typeof prose !== 'string') return { text: JSON.stringify(json), json, citations: [] };
  const { markdown, citations } = ground(prose, evidence);
  const grounded = { ...json, [cites]: markdown };
  return { text: JSON.stringify(grounded), json: grounded, citations };
}
