/**
 * What a statement does, in few words: `SELECT run`, `INSERT run_event INSERT run`. It names spans, so it holds no values
 * and only what is written in the text: tables and what is done to them, in their order.
 */

/**
 * A table after the word that says what is done to it. Values never stand there; after `from` and `join` a name before a
 * bracket is a function.
 */
const actionPattern =
  /\b(?:(insert\s+into|merge\s+into|delete\s+from|update)\s+(?:only\s+)?|(from|join)\s+(?![\w".]+\s*\())(?:"?\w+"?\.)?"?([a-z_]\w*)"?/gi;
/** `with a as (`, `, b (x) as (`: names that stand for part of the statement itself. */
const namedPartPattern =
  /(?:\bwith\s+(?:recursive\s+)?|,\s*)"?([a-z_]\w*)"?\s*(?:\([^)]*\)\s*)?as\s+(?:not\s+)?(?:materialized\s+)?\(/gi;
/** `for update of run`: which rows are locked is not what is done to them. */
const lockPattern = /\bfor\s+(?:no\s+key\s+update|update|key\s+share|share)(?:\s+of\s+[\w."]+)?/gi;
const literalPattern = /'(?:[^']|'')*'/g;

const longestSummary = 120;
const noTables: ReadonlySet<string> = new Set(['lateral', 'set', 'select']);

export interface QuerySummary {
  readonly summary: string;
  /** The first word: `SELECT`, `COMMIT`. */
  readonly operation: string;
  /** The table, where the statement names one only. */
  readonly collection: string | undefined;
  /** The text without literal values. */
  readonly text: string;
}

/** Statements are few and their texts constant; those that are built piece by piece must not fill the memory. */
const known = new Map<string, QuerySummary>();
const mostKnown = 1_000;

export function summaryOf(sql: string): QuerySummary {
  const found = known.get(sql);
  if (found !== undefined) return found;
  const summary = summarise(sql);
  if (known.size >= mostKnown) known.clear();
  known.set(sql, summary);
  return summary;
}

function summarise(sql: string): QuerySummary {
  const text = sql.replace(literalPattern, '?').replaceAll(/\s+/g, ' ').trim();
  const parts = new Set([...text.matchAll(namedPartPattern)].map(([, name]) => name?.toLowerCase()));
  const actions = new Set<string>();
  const tables = new Set<string>();
  for (const [, write, read = '', name = ''] of text.replaceAll(lockPattern, '').matchAll(actionPattern)) {
    const verb = write ?? read;
    const table = name.toLowerCase();
    if (parts.has(table) || noTables.has(table)) continue;
    tables.add(table);
    actions.add(`${operationOf(verb)} ${table}`);
  }
  const firstWord = /^[a-z]+/i.exec(text)?.[0]?.toUpperCase() ?? 'SQL';
  const said = writesBeforeReads([...actions]);
  const operation = firstWord === 'WITH' ? (said[0]?.split(' ')[0] ?? 'SELECT') : firstWord;
  const [table] = tables;
  const summary = said.join(' ') || operation;
  return {
    summary: summary.length > longestSummary ? `${summary.slice(0, longestSummary)}…` : summary,
    operation,
    collection: tables.size === 1 ? table : undefined,
    text,
  };
}

function operationOf(verb: string): string {
  const [word = ''] = verb.toUpperCase().split(/\s/);
  return word === 'FROM' || word === 'JOIN' ? 'SELECT' : word;
}

/** What a statement changes says more of it than where it looks for that. */
function writesBeforeReads(actions: readonly string[]): string[] {
  const writes = actions.filter((action) => !action.startsWith('SELECT'));
  return writes.length > 0 ? writes : [...actions];
}
