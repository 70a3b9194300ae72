/** The file that the demo leaves behind. */
import { MillraceError } from '@millrace/kernel';
import type { Stats } from 'node:fs';
import { access, constants, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where an article is saved that was given no file: a name made of the topic's letters and digits. */
export function articlePath(folder: string, topic: string): string {
  const words =
    topic
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{Letter}\p{Mark}\p{Number}]+/gu) ?? [];
  return join(folder, '.millrace', 'articles', `${shortened(words.join('-')) || 'article'}.md`);
}

/** At most 200 bytes, because file systems count bytes, and never half a character. */
function shortened(name: string): string {
  let short = '';
  for (const character of name.slice(0, 60).toWellFormed()) {
    if (Buffer.byteLength(short + character) > 200) break;
    short += character;
  }
  return short.replace(/-$/, '');
}

/**
 * Finds out before the work whether its result could be saved; makes nothing.
 * @throws MillraceError `cannot_save`
 */
export async function requireSavable(path: string): Promise<void> {
  const present = await statIfPresent(path, path);
  if (present?.isDirectory()) throw cannotSave(path, 'it is a folder');
  await access(present ? path : await nearestFolder(path), constants.W_OK).catch((cause: unknown) => {
    throw cannotSave(path, reasonOf(cause), cause);
  });
}

/** @throws MillraceError `cannot_save` */
export async function saveArticle(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  } catch (cause) {
    throw cannotSave(path, reasonOf(cause), cause);
  }
}

/** The folder above that exists, in which the missing ones would be made. */
async function nearestFolder(path: string): Promise<string> {
  const folder = dirname(path);
  const present = await statIfPresent(folder, path);
  if (present === undefined) return nearestFolder(folder);
  if (!present.isDirectory()) throw cannotSave(path, `${folder} is no folder`);
  return folder;
}

function statIfPresent(place: string, path: string): Promise<Stats | undefined> {
  return stat(place).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cannotSave(path, reasonOf(cause), cause);
  });
}

const reasonOf = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? 'unknown reason';

function cannotSave(path: string, reason: string, cause?: unknown): MillraceError {
  const message = `The article cannot be saved to ${path}: ${reason}. Choose another file with --out.`;
  return new MillraceError('invalid', 'cannot_save', message, { cause });
}
