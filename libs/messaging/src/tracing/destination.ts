/** What varies from message to message, by the token that it follows or begins with: a tenant, a run, a partition. */
const placeholders: readonly (readonly [pattern: RegExp, template: string])[] = [
  [/^(dlq\.)?evt\.[^.]+/, '$1evt.{tenant}'],
  [/^(dlq\.)?live\.[^.]+/, '$1live.{run}'],
  [/^result\.[^.]+/, 'result.{partition}'],
  [/^cmd\.orchestrator\.partition-\d+/, 'cmd.orchestrator.partition-{partition}'],
];

/** A subject as spans name it: of few different values, with placeholders for the rest. */
export function destinationOf(subject: string): string {
  for (const [pattern, template] of placeholders) if (pattern.test(subject)) return subject.replace(pattern, template);
  return subject;
}
