import { type Command, InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import { connect } from '../connection.js';
import type { Terminal } from '../terminal/terminal.js';
import { guidesFolder } from './guides.js';

const defaultTopic = 'How Millrace survives a crash';

interface DemoFlags {
  readonly topic: string;
  readonly docs?: string;
  readonly keyword?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly url?: string;
  readonly apiKey?: string;
}

export function addDemoCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  program
    .command('demo')
    .description(
      'Reads a folder of documents and writes a cited, scored article about a topic, all in one process or on a server.',
    )
    .option('--topic <text>', 'what to write about', textOf(500), defaultTopic)
    .option('--docs <folder>', "documents to read: .md .txt .html .pdf (default: the project's guides)")
    .option('--keyword <text>', 'a keyword that the article should be found by', textOf(200))
    .option('--out <file>', 'where to save the article (default: .millrace/articles/TOPIC.md)')
    .option('--url <address>', 'a running server to do it on, instead of this process')
    .option('--api-key <key>', 'its API key, of an editor or admin (default: MILLRACE_API_KEY)')
    .option('--json', 'print one JSON document on standard output, progress on standard error')
    .addHelpText(
      'after',
      '\nExit codes: 0 written, 2 the documents say nothing about the topic, 64 wrong usage, 1 anything else.' +
        '\nA model writes the text where MILLRACE_LLM_BASE_URL and MILLRACE_LLM_MODEL or MILLRACE_GGUF are set, else it is extracted.',
    )
    .action(async ({ topic, docs, keyword, out, json, ...server }: DemoFlags, command: Command) => {
      if (server.apiKey !== undefined && server.url === undefined)
        command.error("error: --api-key needs --url: the demo's own server makes its own");
      // Loaded on need: the commands that only talk to a server start without the services.
      const { runDemo } = await import('./demo.js');
      const on = server.url === undefined ? undefined : connect(server, terminal);
      const folder = docs === undefined ? guidesFolder : resolve(terminal.folder, docs);
      const saveTo = out === undefined ? undefined : resolve(terminal.folder, out);
      setExitCode(await runDemo({ topic, folder, keyword, saveTo, json: json === true, server: on }, terminal));
    });
}

/** A text that says something, in at most so many characters. */
function textOf(longest: number): (given: string) => string {
  return (given) => {
    const text = given.trim();
    if (text === '') throw new InvalidArgumentError('It must not be empty.');
    if (text.length > longest) throw new InvalidArgumentError(`It must have at most ${longest} characters.`);
    return text;
  };
}
