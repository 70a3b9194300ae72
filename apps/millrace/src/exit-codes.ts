/** What the command line's exit codes mean; 64 is EX_USAGE of sysexits. */
export const exitCodes = { ok: 0, failed: 1, noEvidence: 2, usage: 64, interrupted: 130 } as const;

/** The exit code for an error's stable code. */
export const exitCodeOf = (errorCode: string): number =>
  errorCode === 'no_evidence' ? exitCodes.noEvidence : exitCodes.failed;
