/** Addresses with places for arguments: `https://shop.example/orders/{order}`. Pure. */
import { invalidInput, type JsonObject } from '@millrace/kernel';

/** A place for an argument, by its name. */
export const placePattern = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * Fills arguments in, each encoded such that it stays the one segment, or the one value of the query, that it stands for: neither
 * the host nor the path around it is the model's to choose.
 * @throws MillraceError `invalid_arguments` of one that would be more than that
 */
export function fillAddress(address: string, given: JsonObject): string {
  const names = new Set([...address.matchAll(placePattern)].map(([, name = '']) => name));
  if (names.size === 0) return address;
  const filled = address.replaceAll(placePattern, (_place, name: string) => encoded(name, given));
  // As it would be with arguments that can mean nothing.
  const meant = address.replaceAll(placePattern, 'x');
  if (shapeOf(filled) !== shapeOf(meant)) {
    throw invalidInput(
      'invalid_arguments',
      `The address cannot be filled in with these arguments: ${[...names].join(', ')}.`,
    );
  }
  return filled;
}

function encoded(name: string, given: JsonObject): string {
  const value = Object.hasOwn(given, name) ? given[name] : undefined;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw invalidInput(
      'invalid_arguments',
      `The argument '${name}' is part of an address: it must be a text or a number.`,
    );
  const text = String(value);
  if (text === '')
    throw invalidInput('invalid_arguments', `The argument '${name}' is part of an address: it is empty.`);
  return encodeURIComponent(text.toWellFormed());
}

/** Where an address leads, as far as its arguments have no say in it. */
function shapeOf(address: string): string {
  if (!URL.canParse(address)) return '';
  const { origin, username, password, pathname } = new URL(address);
  // Dots are steps, too: they take segments away, or leave one empty.
  const segments = pathname.split('/').map((segment) => (segment === '' ? '-' : 's'));
  return `${origin} ${username} ${password} ${segments.join('')}`;
}
