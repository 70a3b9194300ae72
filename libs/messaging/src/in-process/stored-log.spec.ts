import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import fc from 'fast-check';
import { matchesSubject } from '../subject.js';
import type { StreamDefinition } from '../topology.js';
import { noHeaders } from '../wire/headers.js';
import { StoredLog } from './stored-log.js';

const definition: StreamDefinition = {
  name: 'EVENTS',
  subjects: 'evt.>',
  retention: 'limits',
  storage: 'memory',
  maxAgeMs: 100,
  maxMessages: 20,
  maxBytes: 1_000_000,
  duplicateWindowMs: 50,
};

const act = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), subject: fc.constantFrom('a.b', 'a.c', 'd'), id: fc.nat(15) }),
  fc.record({ kind: fc.constant('remove' as const), sequence: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }),
);

interface Modelled {
  readonly sequence: number;
  readonly subject: string;
  readonly id: string;
  readonly at: number;
}

describe('a stored log', () => {
  it.each(['limits', 'work-queue'] as const)('with retention %s behaves as a plain list does', (retention) => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
        const log = new StoredLog({ ...definition, retention });
        let now = 0;
        let last = 0;
        let model: Modelled[] = [];
        let everything: Modelled[] = [];
        for (const each of acts) {
          if (each.kind === 'wait') now += each.ms;
          else if (each.kind === 'remove') {
            log.remove(each.sequence);
            model = model.filter((message) => message.sequence !== each.sequence);
          } else {
            const id = String(each.id);
            model = model.filter((message) => now - message.at < definition.maxAgeMs);
            const earlier = everything.findLast(
              (message) => message.id === id && now - message.at < definition.duplicateWindowMs,
            );
            const full = model.length >= definition.maxMessages;
            const append = () =>
              log.append({ subject: each.subject, payload: Buffer.from('x'), headers: noHeaders, messageId: id }, now);
            if (earlier !== undefined) expect(append()).toEqual({ sequence: earlier.sequence, duplicate: true });
            else if (full) expect(append).toThrow(MillraceError);
            else {
              last += 1;
              expect(append()).toEqual({ sequence: last, duplicate: false });
              const stored = { sequence: last, subject: each.subject, id, at: now };
              model.push(stored);
              everything = [...everything, stored];
            }
          }
        }
        log.forgetOld(now);
        model = model.filter((message) => now - message.at < definition.maxAgeMs);
        expect(log.messages).toBe(model.length);
        expect(log.lastSequence).toBe(last);
        for (const pattern of ['a.b', 'a.*', '>', 'd', 'none']) {
          for (const after of [0, 3, last - 1, last + 10]) {
            const expected = model.find(
              (message) => message.sequence > after && matchesSubject(pattern, message.subject),
            );
            expect(log.next(pattern, after)?.sequence).toBe(expected?.sequence);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stays fast and small while a queue of many thousands passes through', () => {
    const log = new StoredLog({ ...definition, retention: 'work-queue', maxAgeMs: 0, maxMessages: 100_000 });
    for (let number = 1; number <= 50_000; number += 1) {
      log.append({ subject: 'a', payload: Buffer.alloc(1), headers: noHeaders, messageId: `${number}` }, number);
      if (number > 10) log.remove(number - 10);
    }
    expect(log.messages).toBe(10);
    expect(log.get(50_000)?.sequence).toBe(50_000);
    expect(log.get(49_990)).toBeUndefined();
    expect(log.next('a', 0)?.sequence).toBe(49_991);
  });
});
