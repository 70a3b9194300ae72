/** Folders of documents as people have them: good ones of every format, and every kind of bad one beside them. */
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const tides = `# Tides

The tide rises and falls twice a day, because the moon pulls the water of the sea. When sun and moon pull in one line,
the tide rises highest and is called a spring tide.

## Tide tables

A tide table says for each harbour when the tide is high. Sailors read the tide table before they leave the harbour.
`;

const harbour = `Harbours and the tide

A harbour that falls dry at low tide is called a tidal harbour. Boats with two keels stand upright in a tidal harbour
while the tide is out. The tide returns after about six hours and lifts them again.
`;

const mills = `<!doctype html><html><head><title>Tide mills</title><style>p { color: red }</style>
<script>document.write("A script says that the tide stands still.")</script></head>
<body><nav><a href="/">Home</a></nav><main><h1>Tide mills</h1>
<p>A tide mill fills a pond at high tide and turns its wheel while the tide falls.</p>
<p onclick="alert(1)">The miller of a tide mill works by the tide and not by the sun.</p>
<script>"the tide is a lie"</script></main></body></html>`;

/** A small real PDF with one line of text on one page. `trailer` adds entries such as /Encrypt. */
function pdfOf(text: string, trailer = ''): Buffer {
  const content = `BT /F1 12 Tf 72 720 Td (${text.replace(/[\\()]/g, String.raw`\$&`)}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [4 0 R] /Count 1 >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ];
  let file = '%PDF-1.4\n';
  const entries = objects.map((object, index) => {
    const entry = `${String(file.length).padStart(10, '0')} 00000 n \n`;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return entry;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries.join('')}`;
  const end = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${file.length}\n%%EOF`;
  return Buffer.from(file + table + end, 'latin1');
}

/** Encrypted with a password that nobody was told. */
const password = `<${'ab'.repeat(32)}>`;
const encryption = `/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /O ${password} /U ${password} /P -4 >>`;

/** Documents that can be read, by their path. */
export const goodFiles: Readonly<Record<string, string | Buffer>> = {
  'tides.md': tides,
  'harbours.TXT': harbour.replaceAll('\n', '\r\n'),
  'web/deep er/tide mills.html': mills,
  'papers/bore.pdf': pdfOf('A tidal bore is a wave that the rising tide sends up a river.'),
  [`names/it's "high" tide – 潮 %22.md`]: 'High tide is called 満潮 in Japanese. The tide has many names.\n',
};

/** Documents that cannot, by their path, with the code that is given for each. */
export const badFiles: Readonly<Record<string, { readonly content: string | Buffer; readonly code: string }>> = {
  'bad/broken.pdf': { content: pdfOf('The tide').subarray(0, 200), code: 'unreadable_pdf' },
  'bad/encrypted.pdf': { content: pdfOf('The tide', encryption), code: 'unreadable_pdf' },
  'bad/binary.md': {
    content: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0xff, 0xfe]),
    code: 'unsupported_content',
  },
  'bad/empty.txt': { content: ' \n', code: 'empty_document' },
  'bad/two\nlines\u001b[2J.md': { content: 'The tide.\n', code: 'invalid_source' },
};

export function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** Writes the bad documents, a file of 100 MiB that takes no space, a loop of links, and folders that are named like documents. */
export function writeBadFiles(folder: string): void {
  writeFiles(folder, Object.fromEntries(Object.entries(badFiles).map(([path, { content }]) => [path, content])));
  writeFileSync(join(folder, 'bad/huge.md'), '');
  truncateSync(join(folder, 'bad/huge.md'), 100 * 1024 * 1024);
  symlinkSync('..', join(folder, 'bad/loop'));
  symlinkSync('/etc/passwd', join(folder, 'bad/passwords.txt'));
  mkdirSync(join(folder, 'bad/folder.md'));
}
