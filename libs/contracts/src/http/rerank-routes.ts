import { rerankRequestSchema, rerankTexts } from '../llm-provider/calls.js';
import { defineRoute } from './route.js';

export const rerankRoutes = {
  rerank: defineRoute({
    name: 'rerank',
    tag: 'models',
    method: 'POST',
    path: '/v1/rerank',
    summary: 'Orders texts by what they say on a query, by a model of a server that offers it.',
    role: 'editor',
    body: {
      kind: 'json',
      schema: rerankRequestSchema,
      maxBytes: 20 * 1024 * 1024,
    },
    responses: { 200: { description: 'The best first.', schema: rerankTexts.response } },
  }),
};
