import { describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/nats-core';
import { headersOf, positionOf } from './held-message.js';

describe('a message that JetStream delivered', () => {
  it('says its count and position in the short and in the long form', () => {
    expect(positionOf('$JS.ACK.TASKS.worker.3.42.40.1700000000000000000.7')).toEqual({
      deliveryCount: 3,
      sequence: 42,
    });
    const long = '$JS.ACK.hub.A1B2C3.TASKS.worker.3.42.40.1700000000000000000.7';
    expect(positionOf(long)).toEqual({ deliveryCount: 3, sequence: 42 });
    expect(positionOf(`${long}.random`)).toEqual({ deliveryCount: 3, sequence: 42 });
  });

  it('is told from any other message', () => {
    for (const reply of ['', '_INBOX.x.1', '$JS.ACK.TASKS.worker.a.b.40.1.7'])
      expect(() => positionOf(reply)).toThrow();
  });

  it("shows its sender's headers without those of the transport", () => {
    const given = headers();
    given.set('Nats-Msg-Id', 'x');
    given.append('note', 'first');
    given.append('note', 'last');
    expect(headersOf(given)).toEqual({ note: 'last' });
    expect(headersOf(undefined)).toEqual({});
  });
});
