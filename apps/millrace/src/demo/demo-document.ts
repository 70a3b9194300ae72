/** The demo's result as one JSON document. */
import { articleSchema, checkSchema, citationSchema, type Run } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { z } from 'zod';
import type { RejectedFile } from '../documents/read-folder.js';

const suiteScores = z.object({ score: z.number(), checks: z.record(z.string(), checkSchema) });

/** What the content graph gives as its output. */
const articleResultSchema = z.object({
  article: articleSchema,
  citations: z.array(citationSchema),
  model: z.string(),
  scores: z.object({
    overall: z.number(),
    quality: suiteScores,
    seo: suiteScores,
    citations: z.object({ total: z.int(), resolved: z.int() }),
  }),
});
export type ArticleResult = z.infer<typeof articleResultSchema>;

/** The article in a run's output. @throws MillraceError `unexpected_output` */
export function articleOf(run: Run): ArticleResult {
  const parsed = articleResultSchema.safeParse(run.output);
  if (parsed.success) return parsed.data;
  throw new MillraceError('internal', 'unexpected_output', 'The run gave no article.', { cause: parsed.error });
}

/** `error` is there where the article was written but could not be saved. */
export function demoDocument(
  run: Run,
  result: ArticleResult,
  rejected: readonly RejectedFile[],
  error: MillraceError | undefined,
) {
  const { id, status, graph, usage, steps } = run;
  return {
    run: { id, status, graph, durationMs: durationOf(run) },
    model: result.model,
    article: result.article,
    citations: result.citations,
    scores: result.scores,
    usage,
    steps,
    rejected,
    ...(error && { error: { code: error.code, message: error.message } }),
  };
}

const durationOf = ({ createdAt, finishedAt }: Run): number =>
  finishedAt === null ? 0 : Date.parse(finishedAt) - Date.parse(createdAt);
