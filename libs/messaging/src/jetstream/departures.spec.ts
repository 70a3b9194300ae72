import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Departures, type DepartingMessage } from './departures.js';

const payload = new Uint8Array(0);

function station(isConnected = true) {
  const sent: string[] = [];
  const send = ({ subject }: DepartingMessage): void => {
    if (subject.startsWith('refused')) throw new Error('too large');
    sent.push(subject);
  };
  return { sent, departures: new Departures(send, () => isConnected) };
}

describe('departures', () => {
  it('leave together at the end of the turn, in their order, whichever promise sent them', async () => {
    const { sent, departures } = station();
    departures.add({ subject: 'first', payload });
    const later = Promise.resolve().then(() =>
      Promise.resolve().then(() => departures.add({ subject: 'last', payload })),
    );
    departures.add({ subject: 'second', payload });
    await later;
    expect(sent).toEqual([]);
    await turn();
    expect(sent).toEqual(['first', 'second', 'last']);
    departures.add({ subject: 'next turn', payload });
    await turn();
    expect(sent).toHaveLength(4);
  });

  it('leave at once when asked to, and once', async () => {
    const { sent, departures } = station();
    departures.add({ subject: 'one', payload });
    departures.leave();
    expect(sent).toEqual(['one']);
    await turn();
    expect(sent).toEqual(['one']);
  });

  it('tell the sender of a message that the client refuses, and go on with its neighbours', () => {
    const { sent, departures } = station();
    const refused: unknown[] = [];
    departures.add({ subject: 'refused', payload, onRefused: (cause) => refused.push(cause) });
    departures.add({ subject: 'refused silently', payload });
    departures.add({ subject: 'neighbour', payload });
    departures.leave();
    expect(refused).toEqual([new Error('too large')]);
    expect(sent).toEqual(['neighbour']);
  });

  it('are dropped where the connection was lost within the turn', () => {
    const { sent, departures } = station(false);
    departures.add({ subject: 'lost', payload });
    departures.leave();
    expect(sent).toEqual([]);
  });
});
