import { spawn } from 'node:child_process';

/**
 * @typedef {{ ok: boolean, output: string }} Outcome what a check found, and the lines that explain it
 * @typedef {{ name: string, command?: string[], run?: () => Promise<Outcome> }} Check a command for this Node, or a function
 */

const shownLines = 12;
const colour = (code, text) => (process.stdout.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text);

/**
 * Runs each check, one line each, and shows the beginning of what failed.
 * Ends with `N passed, N failed` and makes this process exit 1 when something failed.
 * @param {Check[]} checks
 */
export async function runChecks(checks) {
  let failed = 0;
  for (const check of checks) {
    const began = performance.now();
    const { ok, output } = await outcomeOf(check);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const verdict = ok ? colour(32, 'ok    ') : colour(31, 'FAILED');
    process.stdout.write(`${verdict} ${check.name.padEnd(14)} ${seconds.padStart(5)} s\n`);
    if (ok) continue;
    failed += 1;
    explain(check, output);
  }
  process.stdout.write(`\n${checks.length - failed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** A check that throws has failed; the others still run. */
async function outcomeOf(check) {
  try {
    return await (check.run ? check.run() : execute(check.command));
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error) };
  }
}

function explain(check, output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.slice(0, shownLines)) process.stdout.write(`         ${line.slice(0, 160)}\n`);
  if (lines.length > shownLines) process.stdout.write(`         … ${lines.length - shownLines} more lines\n`);
  if (check.command) process.stdout.write(`         again: node ${check.command.join(' ')}\n`);
}

/** @returns {Promise<Outcome>} what a check's command said */
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
