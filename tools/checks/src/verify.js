/**
 * `npm run verify`: every check that is not a test, one line each, and the first lines of what failed.
 * Ends with `N passed, N failed` and exits 1 when something failed.
 */
import { spawn } from 'node:child_process';
import { checks } from './checks.js';

const shownLines = 12;
const colour = (code, text) => (process.stdout.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text);

/** @returns {Promise<{ ok: boolean, output: string }>} what a check's command said */
function execute(command) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, command, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NX_DAEMON: 'false' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

let failed = 0;
for (const check of checks) {
  const began = performance.now();
  const { ok, output } = check.run ? await check.run() : await execute(check.command);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(
    `${ok ? colour(32, 'ok    ') : colour(31, 'FAILED')} ${check.name.padEnd(14)} ${seconds.padStart(5)} s\n`,
  );
  if (ok) continue;
  failed += 1;
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.slice(0, shownLines)) process.stdout.write(`         ${line.slice(0, 160)}\n`);
  if (lines.length > shownLines) process.stdout.write(`         … ${lines.length - shownLines} more lines\n`);
  if (check.command) process.stdout.write(`         again: node ${check.command.join(' ')}\n`);
}
process.stdout.write(`\n${checks.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
