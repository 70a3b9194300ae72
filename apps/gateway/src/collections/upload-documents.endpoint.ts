import { ingestDocument, type MessageContext, routes, type UploadedDocument } from '@millrace/contracts';
import { invalidInput, MillraceError, toMillraceError } from '@millrace/kernel';
import { CONFIG } from '@millrace/service';
import { Inject } from '@nestjs/common';
import { Readable } from 'node:stream';
import { CommandSender } from '../commands/command-sender.js';
import type { GatewayConfig } from '../config.js';
import { readBody } from '../endpoint/body-stream.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { RouteReply, RouteRequest, Serves } from '../endpoint/exchange.js';
import { sourceNameOf } from './source-name.js';
import { type UploadedFile, uploadedFiles } from './uploaded-files.js';

type UploadDocuments = typeof routes.uploadDocuments;

const ingestTimeoutMs = 60_000;

/** Takes files one by one, so that at most one of them is in memory, and one bad file does not stop the others. */
@Endpoint(routes.uploadDocuments)
export class UploadDocumentsEndpoint implements Serves<UploadDocuments> {
  constructor(
    @Inject(CommandSender) private readonly commands: CommandSender,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  async handle(request: RouteRequest<UploadDocuments>): Promise<RouteReply<UploadDocuments>> {
    const { http, params, query, context } = request;
    if (!http.request.isMultipart()) {
      const item = await this.ingest(params.name, await this.rawFile(request), context);
      return { status: 200, body: { items: [item] } };
    }
    if (query.source !== undefined) {
      throw invalidInput('invalid_query', '"source" names a raw body; files of a form carry their own names.');
    }
    const outcomes: { item: UploadedDocument; error?: MillraceError }[] = [];
    for await (const file of uploadedFiles(http.request, this.config)) {
      outcomes.push(await this.attempt(params.name, file, context));
    }
    const [first] = outcomes;
    if (!first) throw invalidInput('no_files', 'The form has no file. Send at least one.');
    if (outcomes.length === 1 && first.error) throw first.error;
    return { status: 200, body: { items: outcomes.map(({ item }) => item) } };
  }

  private async rawFile({ query, http }: RouteRequest<UploadDocuments>): Promise<UploadedFile> {
    const { source } = query;
    const { body, headers } = http.request;
    if (source === undefined) {
      throw invalidInput('missing_source', 'Name the document with ?source=, or send files as multipart/form-data.');
    }
    const limits = { maxBytes: this.config.uploadFileBytes, timeoutMs: this.config.requestTimeoutMs };
    const content = body instanceof Readable ? await readBody(body, limits) : Buffer.alloc(0);
    return { source, mediaType: headers['content-type'], content };
  }

  /** What concerns one file becomes its outcome; what concerns all of them (nobody answers) ends the request. */
  private async attempt(
    collection: string,
    file: UploadedFile,
    context: MessageContext,
  ): Promise<{ item: UploadedDocument; error?: MillraceError }> {
    try {
      return { item: await this.ingest(collection, file, context) };
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (error.retryable || error.kind === 'internal' || error.kind === 'not-found') throw thrown;
      const { code, message, violations } = error;
      const failure = { code, message, errors: [...violations] };
      return { item: { source: file.source, outcome: 'failed', document: null, error: failure }, error };
    }
  }

  private async ingest(collection: string, file: UploadedFile, context: MessageContext): Promise<UploadedDocument> {
    const source = sourceNameOf(file.source);
    if (file.content === 'too-large') {
      const message = `${JSON.stringify(source)} is larger than ${this.config.uploadFileBytes} bytes.`;
      throw new MillraceError('too-large', 'document_too_large', message);
    }
    const { document, outcome } = await this.commands.send(
      ingestDocument,
      context,
      { collection, source, mediaType: namedMediaType(file.mediaType), content: file.content.toString('base64') },
      { timeoutMs: ingestTimeoutMs },
    );
    return { source, outcome, document, error: null };
  }
}

/** `application/octet-stream` is what programs say when they do not know: the owner looks for itself then. */
function namedMediaType(given: string | undefined): string | undefined {
  const mediaType = given?.split(';')[0]?.trim().toLowerCase().slice(0, 200);
  return mediaType === '' || mediaType === 'application/octet-stream' ? undefined : mediaType;
}
