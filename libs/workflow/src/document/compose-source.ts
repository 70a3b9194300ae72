/** From text to a YAML document, within bounds that are looked at while it is read, so that hostile text ends early. */
import { Composer, CST, Lexer, Parser, type Document, type LineCounter } from 'yaml';
import { limits } from '../limits.js';

/** The parser's stack holds the document, each collection that is open, and what is being read. */
const deepestStack = limits.documentDepth + 3;

const options = { stringKeys: true, uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const;

/** Mistakes of syntax are in the document; a refusal says where the text goes beyond a bound. */
export type ComposedSource =
  { readonly document: Document.Parsed } | { readonly refusal: string; readonly offset: number };

/** The document of a text. Costs time in proportion to the text, whatever stands in it. */
export function composeSource(source: string, lines: LineCounter): ComposedSource {
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer(options);
  const documents: Document.Parsed[] = [];
  let aliases = 0;
  let previous = '';
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(source)) {
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token));
    if (previous !== CST.SCALAR && CST.tokenType(lexeme) === 'alias') aliases += 1;
    previous = lexeme;
    const refusal =
      parser.stack.length > deepestStack
        ? `The text is nested deeper than ${limits.documentDepth} levels.`
        : aliases > limits.aliases && `The text has more than ${limits.aliases} aliases.`;
    if (refusal) return { refusal, offset: parser.offset };
    if (documents.length > 0) break;
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end(true, source.length));
  const [document, another] = documents;
  if (document === undefined) throw new Error('The composer makes a document of every text, and made none.');
  if (another === undefined) return { document };
  const refusal = 'The text holds multiple documents, with --- between them; a graph is one.';
  return { refusal, offset: another.range[0] };
}
