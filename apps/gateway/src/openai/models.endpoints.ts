import { embedTexts, listModels, type ResponseOf, routes } from '@millrace/contracts';
import { notFound } from '@millrace/kernel';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';

type Embeddings = typeof routes.openAiEmbeddings;
type Model = typeof routes.openAiModel;
type Models = typeof routes.openAiModels;

const longestCallMs = 10 * 60_000;

@Endpoint(routes.openAiEmbeddings)
export class EmbeddingsEndpoint implements Serves<Embeddings> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ body, context, signal, http }: RouteRequest<Embeddings>): Promise<RouteReply<Embeddings>> {
    const texts = typeof body.input === 'string' ? [body.input] : body.input;
    const keyId = http.request.caller?.keyId ?? null;
    const dimensions = body.dimensions ?? undefined;
    const call = { keyId, model: body.model, texts, ...(dimensions !== undefined && { dimensions }) };
    const { embeddings, model, usage } = await this.commands.send(embedTexts, context, call, {
      timeoutMs: longestCallMs,
      signal,
    });
    const encode = body.encoding_format === 'base64' ? base64Of : (vector: number[]) => vector;
    return {
      status: 200,
      body: {
        object: 'list',
        data: embeddings.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
        model,
        usage: { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens },
      },
    };
  }
}

@Endpoint(routes.openAiModels)
export class ModelsEndpoint implements Serves<Models> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ context }: RouteRequest<Models>): Promise<RouteReply<Models>> {
    const { items } = await this.commands.send(listModels, context, {});
    return { status: 200, body: { object: 'list', data: items.map(modelOf) } };
  }
}

@Endpoint(routes.openAiModel)
export class ModelEndpoint implements Serves<Model> {
  constructor(@Inject(CommandSender) private readonly commands: CommandSender) {}

  async handle({ params, context }: RouteRequest<Model>): Promise<RouteReply<Model>> {
    const { items } = await this.commands.send(listModels, context, {});
    const named = items.find(({ name }) => name === params.model);
    if (named === undefined)
      throw notFound('unknown_model', `There is no model ${params.model} in the list of models.`);
    return { status: 200, body: modelOf(named) };
  }
}

const modelOf = ({ name, provider }: ResponseOf<typeof listModels>['items'][number]) => ({
  id: name,
  object: 'model' as const,
  created: 0,
  owned_by: provider,
});

const base64Of = (vector: readonly number[]): string => {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((number, index) => bytes.writeFloatLE(number, index * 4));
  return bytes.toString('base64');
};
