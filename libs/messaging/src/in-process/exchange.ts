/** Messages that pass: everyone who listens without a queue gets each, of a queue one member in turn. */
import { matchesSubject } from '../subject.js';
import type { RawMessage, RawRequest } from '../transport.js';

interface Member {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly onMessage: (request: RawRequest) => void;
}

interface Recipients {
  readonly all: readonly Member[];
  readonly queues: readonly { readonly members: readonly Member[]; turn: number }[];
}

/** Bounds the memory of who listens to which subject; subjects of runs come and go. */
const rememberedSubjects = 10_000;

export class Exchange {
  private readonly members = new Set<Member>();
  private readonly recipients = new Map<string, Recipients>();

  join(member: Member): () => void {
    this.members.add(member);
    this.forget(member);
    return () => {
      this.members.delete(member);
      this.forget(member);
    };
  }

  /** Who gets the next message of that subject. */
  next(message: RawMessage): readonly Member[] {
    const { all, queues } = this.recipientsOf(message.subject);
    if (queues.length === 0) return all;
    const chosen = queues.flatMap((queue) => {
      queue.turn = (queue.turn + 1) % queue.members.length;
      return queue.members[queue.turn] ?? [];
    });
    return [...all, ...chosen];
  }

  /** Forgets who gets what the member may get: one subject, for most of those who come and go. */
  private forget({ pattern }: Member): void {
    if (!/[*>]/.test(pattern)) this.recipients.delete(pattern);
    else
      for (const subject of this.recipients.keys())
        if (matchesSubject(pattern, subject)) this.recipients.delete(subject);
  }

  private recipientsOf(subject: string): Recipients {
    const known = this.recipients.get(subject);
    if (known !== undefined) return known;
    const matching = [...this.members].filter((member) => matchesSubject(member.pattern, subject));
    const byQueue = Map.groupBy(
      matching.filter((member) => member.queue !== undefined),
      (member) => member.queue,
    );
    const found: Recipients = {
      all: matching.filter((member) => member.queue === undefined),
      queues: [...byQueue.values()].map((members) => ({ members, turn: -1 })),
    };
    if (this.recipients.size >= rememberedSubjects) this.recipients.clear();
    this.recipients.set(subject, found);
    return found;
  }
}
