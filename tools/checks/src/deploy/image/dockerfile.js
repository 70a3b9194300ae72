import { readFile } from 'node:fs/promises';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';

/** @typedef {{ keyword: string, text: string, flags: string[], line: number }} Instruction without its flags, continued lines joined */
/** @typedef {{ name: string, from: string, instructions: Instruction[] }} Stage */

/** @returns {string[]} what the linter has to say */
const lint = (text) => validate(text, {}).map(({ message, range }) => `Dockerfile:${range.start.line + 1}: ${message}`);

/** @returns {Stage[]} */
export function stagesOf(text) {
  const stages = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    if (keyword === 'FROM')
      stages.push({ name: instruction.getBuildStage() ?? '', from: instruction.getImage(), instructions: [] });
    else stages.at(-1)?.instructions.push(plain(instruction));
  }
  return stages;
}

function plain(instruction) {
  const words = instruction.getArguments().map((argument) => argument.getValue());
  const flags = instruction.getFlags?.().map((flag) => flag.toString()) ?? [];
  const text = (instruction.getArgumentsContent() ?? '').replaceAll(/\\\n\s*/g, '').replace(/^(--\S+\s+)+/, '');
  return { keyword: instruction.getKeyword(), text, words, flags, line: instruction.getRange().start.line + 1 };
}

/** All that holds in a stage: its own instructions after those of the stages that it begins from. */
function inherited(stages, stage) {
  const parent = stages.find(({ name }) => name === stage.from);
  return [...(parent === undefined ? [] : inherited(stages, parent)), ...stage.instructions];
}

/** @type {{ name: string, problems: (stages: Stage[]) => string[], plant: (text: string) => string }[]} */
const rules = [
  {
    name: 'what runs is a numbered user who is not root',
    problems: (stages) =>
      final(stages)
        .filter((stage) => !/^[1-9]\d*:[1-9]\d*$/.test(last(stages, stage, 'USER') ?? ''))
        .map(({ name }) => name),
    plant: (text) => text.replace(/^USER .*$/m, 'USER root'),
  },
  {
    name: 'a service says whether it is healthy, without a shell or curl',
    problems: (stages) =>
      final(stages)
        .filter(({ name }) => name === 'service')
        .filter((stage) => !/CMD \["node"/.test(last(stages, stage, 'HEALTHCHECK') ?? ''))
        .map(({ name }) => name),
    plant: (text) => text.replace(/^HEALTHCHECK[^]*$/m, ''),
  },
  {
    name: 'signals reach the program itself',
    problems: (stages) =>
      final(stages)
        .filter((stage) => !(last(stages, stage, 'ENTRYPOINT') ?? '').startsWith('["node"'))
        .map(({ name }) => name),
    plant: (text) => text.replace(/^ENTRYPOINT .*$/m, 'ENTRYPOINT node /app/main.js'),
  },
  {
    name: 'nothing is installed in what runs',
    problems: (stages) =>
      final(stages)
        .filter((stage) => inherited(stages, stage).some(({ keyword }) => keyword === 'RUN'))
        .map(({ name }) => name),
    plant: (text) => text.replace(/^(FROM runtime AS service)$/m, '$1\nRUN apt-get update'),
  },
  {
    name: 'the image says what it is',
    problems: (stages) =>
      final(stages)
        .filter((stage) => {
          const labels = inherited(stages, stage).filter(({ keyword }) => keyword === 'LABEL');
          return !['title', 'version', 'revision', 'licenses'].every((name) =>
            labels.some(({ text }) => text.includes(`org.opencontainers.image.${name}=`)),
          );
        })
        .map(({ name }) => name),
    plant: (text) => text.replace('org.opencontainers.image.licenses', 'licence'),
  },
  {
    name: 'packages for development stay out',
    problems: (stages) =>
      stages
        .filter(({ name }) => name === 'packages')
        .flatMap(({ instructions }) => instructions)
        .filter(({ text }) => text.includes('npm ci') && !text.includes('--omit=dev'))
        .map(({ text }) => text),
    plant: (text) => text.replace(' --omit=dev', ''),
  },
];

/** What can be built as an image: the stages that no other stage begins from or copies from. */
const final = (stages) =>
  stages.filter(({ name }) => !stages.some((other) => other.from === name || copies(other).includes(name)));
const copies = ({ instructions }) =>
  instructions.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith('--from=')).map((flag) => flag.slice(7)));
const last = (stages, stage, keyword) => inherited(stages, stage).findLast((one) => one.keyword === keyword)?.text;

const problemsOf = (text) => {
  const stages = stagesOf(text);
  return rules.flatMap((rule) => rule.problems(stages).map((where) => `${rule.name}, but not so: ${where}`));
};

export async function checkDockerfile() {
  const text = await readFile('Dockerfile', 'utf8');
  const blind = rules
    .filter((rule) => rule.plant(text) === text || rule.problems(stagesOf(rule.plant(text))).length === 0)
    .map((rule) => `the rule "${rule.name}" does not find the fault that was planted for it`);
  const problems = [...lint(text), ...problemsOf(text), ...blind];
  return { ok: problems.length === 0, output: problems.join('\n') };
}
