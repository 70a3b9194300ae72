import { describe, expect, it } from '@jest/globals';
import { cloudEventHeaders, cloudEventHeadersSchema } from './cloud-event.js';
import { envelopeOf } from './envelope.js';
import { runStartedEvent } from './orchestrator/events.js';

describe('cloudEventHeaders', () => {
  const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
  const data = { runId: `run_${'0'.repeat(32)}`, graph: { name: 'content', version: 1, digest: 'a'.repeat(64) } };

  it('says who tells what, when and for whom, the same for a repeat', () => {
    const envelope = envelopeOf(runStartedEvent, context, data, { id: 'run_1:1' });
    const headers = cloudEventHeaders(runStartedEvent, envelope);
    expect(headers).toEqual({
      'ce-specversion': '1.0',
      'ce-id': 'run_1:1',
      'ce-source': '/millrace/orchestrator',
      'ce-type': 'millrace.run.started.v1',
      'ce-time': envelope.occurredAt,
      'ce-tenantid': 'acme',
      'ce-correlationid': 'req_1',
      'content-type': 'application/json',
    });
    expect(cloudEventHeadersSchema.parse(headers)).toEqual(headers);
  });
});
