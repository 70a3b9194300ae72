/** What the command line's exit codes mean; 64 is EX_USAGE of sysexits, 130 what a shell gives for Ctrl-C. */
export const exitCodes = { ok: 0, failed: 1, noEvidence: 2, usage: 64, interrupted: 130 } as const;

const codesOfErrors: Readonly<Record<string, number>> = {
  no_evidence: exitCodes.noEvidence,
  interrupted: exitCodes.interrupted,
};

/** The exit code for an error's stable code. */
export const exitCodeOf = (errorCode: string): number => codesOfErrors[errorCode] ?? exitCodes.failed;
