import type { Command } from 'commander';
import { resolve } from 'node:path';
import { exitCodes } from '../exit-codes.js';
import type { Terminal } from '../terminal/terminal.js';
import { guidesFolder } from './guides.js';
import { runDemo } from './demo.js';

const defaultTopic = 'How Millrace survives a crash';

interface DemoFlags {
  readonly topic: string;
  readonly docs?: string;
  readonly keyword?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function addDemoCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  program
    .command('demo')
    .description('Reads a folder of documents and writes a cited, scored article about a topic, all in one process.')
    .option('--topic <text>', 'what to write about', defaultTopic)
    .option('--docs <folder>', "documents to read: .md .txt .html .pdf (default: the project's guides)")
    .option('--keyword <text>', 'a keyword that the article should be found by')
    .option('--out <file>', 'where to save the article (default: .millrace/articles/TOPIC.md)')
    .option('--json', 'print one JSON document on standard output, progress on standard error')
    .addHelpText(
      'after',
      '\nExit codes: 0 written, 2 the documents say nothing about the topic, 64 wrong usage, 1 anything else.' +
        '\nA model writes the text where MILLRACE_LLM_BASE_URL and MILLRACE_LLM_MODEL are set, else it is extracted.',
    )
    .action(async (flags: DemoFlags, command: Command) => {
      const topic = flags.topic.trim();
      if (topic === '')
        command.error("error: option '--topic <text>' must not be empty", { exitCode: exitCodes.usage });
      if (topic.length > 500) command.error("error: option '--topic <text>' must have at most 500 characters");
      const code = await runDemo(
        {
          topic,
          folder: flags.docs === undefined ? guidesFolder : resolve(terminal.folder, flags.docs),
          keyword: flags.keyword,
          saveTo: flags.out === undefined ? undefined : resolve(terminal.folder, flags.out),
          json: flags.json === true,
        },
        terminal,
      );
      setExitCode(code);
    });
}
