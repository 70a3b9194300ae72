import { chmodSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { locateProgram, missingProgram } from './find-program.js';

describe('finding a server program', () => {
  let folder: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-find-')));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('takes the first executable on the path, links as they are', () => {
    const real = join(folder, 'real-server');
    writeFileSync(real, '#!/bin/sh\n');
    chmodSync(real, 0o755);
    symlinkSync(real, join(folder, 'some-server'));
    expect(locateProgram('some-server', `/nowhere::${folder}`)).toBe(join(folder, 'some-server'));
  });

  it('takes neither a file that cannot be executed nor a name that is nowhere', () => {
    writeFileSync(join(folder, 'some-server'), 'text', { mode: 0o644 });
    expect(locateProgram('some-server-that-nobody-has', folder)).toBeUndefined();
  });

  it('says what to install and how to name a running server instead', () => {
    const error = missingProgram(
      {
        program: 'redis-server',
        debianPackage: 'redis-server',
        otherwise: 'brew install redis',
        instead: 'set REDIS to the address of a running server',
      },
      'not root',
    );
    expect(error).toMatchObject({ code: 'server_missing', retryable: false });
    expect(error.message).toContain('apt-get install redis-server');
    expect(error.message).toContain('brew install redis');
    expect(error.message).toContain('set REDIS');
  });
});
