/** What is still to be announced of each partition. Whoever takes a partition over looks no further back than its cursor says. */
interface Due {
  readonly id: string;
  /** When it was decided, in milliseconds since 1970 by the clock of its replica. */
  readonly at: number;
}

export class Announcements {
  private readonly due = new Map<number, Due[]>();

  note(partition: number, id: string, at: string): void {
    const due = this.due.get(partition);
    const added = { id, at: Date.parse(at) };
    if (due === undefined) this.due.set(partition, [added]);
    else due.push(added);
  }

  /** The first that was decided before a moment and that nobody has announced. */
  missing(partition: number, until: Date, isAnnounced: (id: string) => boolean): string | undefined {
    const left = (this.due.get(partition) ?? []).filter(({ id }) => !isAnnounced(id));
    this.due.set(partition, left);
    return left.find(({ at }) => at < until.getTime())?.id;
  }
}
