import serialize from 'canonicalize';

/** Canonical JSON (RFC 8785): the same text for equal values, whatever the order of their keys. Undefined only for what is no JSON. */
export function canonicalize(value: unknown): string {
  return serialize(value) ?? 'null';
}
