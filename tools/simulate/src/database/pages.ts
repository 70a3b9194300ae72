/** Pages of rows, the newest first, as the cursors of the orchestrator's readers mean them. */

/** When a row was made, in ISO 8601, and what names it. */
export type Place = readonly [at: string, id: string];

/** Whether a row comes after another one on its page. */
export const isBehind = (row: Place, other: Place): boolean =>
  row[0] < other[0] || (row[0] === other[0] && row[1] < other[1]);

export const newestFirst = <Row>(rows: readonly Row[], placeOf: (row: Row) => Place): Row[] =>
  rows.toSorted((one, other) => (isBehind(placeOf(one), placeOf(other)) ? 1 : -1));
