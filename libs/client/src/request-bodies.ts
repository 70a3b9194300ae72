/** What is sent that is not JSON: files, and graphs as text. */
export interface FileToUpload {
  /** A relative path with slashes. */
  readonly source: string;
  readonly content: string | Uint8Array<ArrayBuffer>;
  readonly mediaType?: string;
}

/** A graph document as text. */
export interface GraphSource {
  readonly text: string;
  readonly format: 'json' | 'yaml';
}

/** A form writes quotes and line ends of a name as %22, %0A and %0D; a file by itself keeps its name as it is. */
export const rawUpload = ({ source, content, mediaType = 'application/octet-stream' }: FileToUpload) => ({
  query: { source },
  rawBody: content,
  headers: { 'content-type': mediaType },
});

export function formOf(files: readonly FileToUpload[]): FormData {
  const form = new FormData();
  for (const { source, content, mediaType } of files) {
    form.append('file', new Blob([content], { type: mediaType }), source);
  }
  return form;
}

export const sourceBody = ({ text, format }: GraphSource) => ({
  rawBody: text,
  headers: { 'content-type': format === 'json' ? 'application/json' : 'application/yaml' },
});
