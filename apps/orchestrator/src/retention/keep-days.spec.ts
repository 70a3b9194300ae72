import { describe, expect, it } from '@jest/globals';
import { orchestratorConfig } from '../config.js';

const policyOf = (environment: Record<string, string>) => orchestratorConfig(environment).retention;

describe('for how long runs are kept', () => {
  it('is for ever, unless it is said', () => {
    expect(policyOf({})).toEqual({ days: null, ofTenants: new Map() });
    const said = { MILLRACE_ORCHESTRATOR_KEEP_DAYS: '90', MILLRACE_ORCHESTRATOR_KEEP_DAYS_OF: 'acme=30, globex=365' };
    expect(policyOf(said)).toEqual({
      days: 90,
      ofTenants: new Map([
        ['acme', 30],
        ['globex', 365],
      ]),
    });
  });

  it.each(['acme', 'acme=0', 'acme=-1', 'acme=1.5', 'acme=99999', 'Acme=1', 'a=1,a=2', 'a=1,', '=5', 'a=1;b=2', 'a:1'])(
    'is refused as %s',
    (text) => {
      expect(() => policyOf({ MILLRACE_ORCHESTRATOR_KEEP_DAYS_OF: text })).toThrow(
        expect.objectContaining({ code: 'invalid_configuration' }),
      );
    },
  );

  it.each(['0', '-1', 'x', '36501'])('is refused as %s days', (text) => {
    expect(() => policyOf({ MILLRACE_ORCHESTRATOR_KEEP_DAYS: text })).toThrow(/MILLRACE_ORCHESTRATOR_KEEP_DAYS/);
  });
});
