import { describe, expect, it } from '@jest/globals';
import { nodeProblem } from './node-version.js';

describe('nodeProblem', () => {
  it.each(['22.15.0', '22.20.1', '24.0.0', '100.1.0'])('lets %s run', (version) => {
    expect(nodeProblem(version)).toBeUndefined();
  });

  it.each(['20.20.2', '22.14.9', '8.0.0'])('says what to do on %s', (version) => {
    expect(nodeProblem(version)).toContain(`this is ${version}`);
  });
});
