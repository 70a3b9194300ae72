import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import type { EventContract } from '../contract.js';
import { envelopeOf } from '../envelope.js';
import * as contracts from '../index.js';
import { runStartedEvent } from '../orchestrator/events.js';
import { cloudEventHeaders, cloudEventHeadersSchema, cloudEventOf } from './cloud-event.js';
import { customEntity } from './custom-event.js';

const events = Object.values(contracts as Record<string, unknown>).filter(
  (value): value is EventContract =>
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'event',
);

describe('cloudEventHeaders', () => {
  const runId = `run_${'0'.repeat(32)}`;
  const context = { tenantId: 'acme', correlationId: 'req 1', causationId: null };
  const data = { runId, graph: { name: 'content', version: 1, digest: 'a'.repeat(64) } };
  const envelope = envelopeOf(runStartedEvent, context, data, { id: 'run_1:1' });
  const headers = cloudEventHeaders(runStartedEvent, envelope);

  it('say who tells what of what, when and for whom, the same for a repeat', () => {
    expect(headers).toEqual({
      'ce-specversion': '1.0',
      'ce-id': 'run_1:1',
      'ce-source': '/millrace/orchestrator',
      'ce-type': 'millrace.run.started.v1',
      'ce-subject': runId,
      'ce-time': envelope.occurredAt,
      'ce-datacontenttype': 'application/json',
      'ce-tenantid': 'acme',
      'ce-correlationid': 'req%201',
    });
    expect(cloudEventHeadersSchema.parse(headers)).toEqual(headers);
  });

  it('and the envelope make the event in JSON', () => {
    const upper = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
    for (const written of [headers, upper, { ...headers, traceparent: '00-x' }]) {
      expect(cloudEventOf({ headers: written, envelope })).toEqual({
        specversion: '1.0',
        id: 'run_1:1',
        source: '/millrace/orchestrator',
        type: 'millrace.run.started.v1',
        subject: runId,
        time: envelope.occurredAt,
        datacontenttype: 'application/json',
        tenantid: 'acme',
        correlationid: 'req 1',
        data,
      });
    }
  });

  it('that are missing or broken make none', () => {
    expect(cloudEventOf({ headers: {}, envelope })).toBeUndefined();
    expect(cloudEventOf({ headers: { ...headers, 'ce-id': '%FF' }, envelope })).toBeUndefined();
  });
});

describe('the events of Millrace', () => {
  it.each(events.map((event) => [event.name, event] as const))(
    '%s is about something, and is no custom one',
    (_, event) => {
      const { properties } = z.toJSONSchema(event.data) as { properties: Record<string, { type?: string }> };
      expect(properties[event.about]?.type).toBe('string');
      expect(event.entity).not.toBe(customEntity);
    },
  );
});
