/** Values of slots: which of those that were read can be kept, and which are missing. */
import type { Intent, Slot } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';

export interface FilledSlots {
  readonly slots: JsonObject;
  /** Required ones without a value. */
  readonly missing: string[];
}

/** Keeps what a slot can hold. `read` gives what the text says of it. */
export function fillSlots({ slots }: Pick<Intent, 'slots'>, read: (slot: Slot) => unknown): FilledSlots {
  const filled = slots.flatMap((slot): [string, JsonValue][] => {
    const value = valueFor(slot, read(slot));
    return value === undefined ? [] : [[slot.name, value]];
  });
  const known = new Set(filled.map(([name]) => name));
  const missing = slots.filter(({ name, required }) => required && !known.has(name)).map(({ name }) => name);
  return { slots: Object.fromEntries(filled), missing };
}

function valueFor({ type, values }: Slot, value: unknown): JsonValue | undefined {
  if (values !== undefined) return values.find((each) => String(value).toLowerCase() === each.toLowerCase());
  switch (type) {
    case 'number':
      return asNumber(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'string':
      return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 2_000) : undefined;
  }
}

function asNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}
