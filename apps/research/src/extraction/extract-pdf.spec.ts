import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { extractPdf } from './extract-pdf.js';

jest.setTimeout(60_000);

interface Line {
  readonly text: string;
  readonly y: number;
  readonly size?: number;
}

/** A small real PDF: one page per list of lines, with its cross-reference table. */
function pdfOf(pages: readonly (readonly Line[])[], trailer = '', title = 'Field notes'): Buffer {
  const escaped = (text: string): string => text.replace(/[\\()]/g, String.raw`\$&`);
  const show = ({ text, y, size = 12 }: Line): string => `BT /F1 ${size} Tf 72 ${y} Td (${escaped(text)}) Tj ET`;
  const contents = pages.map((lines) => lines.map(show).join('\n'));
  const kids = pages.map((_, index) => `${4 + 2 * index} 0 R`).join(' ');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    ...contents.flatMap((content, index) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + 2 * index} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    ]),
    `<< /Title (${escaped(title)}) >>`,
  ];
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${entries}`;
  const end = `trailer\n<< /Size ${size} /Root 1 0 R /Info ${objects.length} 0 R ${trailer} >>\nstartxref\n${file.length}\n%%EOF`;
  return Buffer.from(file + table + end, 'latin1');
}

const notes = pdfOf([
  [
    { text: 'Tide pools', y: 720, size: 20 },
    { text: 'Anemones close when the wa-', y: 690 },
    { text: 'ter leaves them, and open again', y: 676 },
    { text: 'with the flood.', y: 662 },
    { text: 'Crabs (hermits) wait.', y: 630 },
  ],
  [{ text: 'The second page has one line.', y: 720 }],
]);

describe('a PDF', () => {
  it('becomes paragraphs in reading order, mended where a word was broken', async () => {
    const { text, title } = await extractPdf('notes.pdf', notes);
    expect(text.split('\n\n')).toEqual([
      'Tide pools',
      'Anemones close when the water leaves them, and open again with the flood.',
      'Crabs (hermits) wait.',
      'The second page has one line.',
    ]);
    expect(title).toBe('Field notes');
  });

  it('keeps the bytes that it was given', async () => {
    const before = Buffer.from(notes);
    await extractPdf('notes.pdf', notes);
    expect(notes.equals(before)).toBe(true);
  });

  it.each([
    ['that is cut in half', notes.subarray(0, notes.length / 2)],
    ['that is only a header', Buffer.from('%PDF-1.7\n')],
    ['of noise', Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(4096, 0xa5)])],
  ])('%s is unreadable, and the message names it', async (_name, bytes) => {
    const attempt = extractPdf('reports/broken.pdf', bytes);
    await expect(attempt).rejects.toMatchObject({ code: 'unreadable_pdf' });
    await expect(attempt).rejects.toThrow('reports/broken.pdf');
  });

  it('that is encrypted says so', async () => {
    const password = `<${'ab'.repeat(32)}>`;
    const encryption = `/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /O ${password} /U ${password} /P -4 >>`;
    const attempt = extractPdf('secret.pdf', pdfOf([[{ text: 'x', y: 700 }]], encryption));
    await expect(attempt).rejects.toMatchObject({ code: 'unreadable_pdf' });
    await expect(attempt).rejects.toThrow('secret.pdf is encrypted');
  });

  it('with pictures only has no text', async () => {
    expect((await extractPdf('scan.pdf', pdfOf([[], []]))).text).toBe('');
  });

  it('that was harmed anywhere is read or refused, never a crash', async () => {
    const harm = fc.tuple(fc.nat(notes.length - 1), fc.nat(255));
    const check = async ([at, byte]: [number, number]) => {
      const harmed = Buffer.from(notes);
      harmed[at] = byte;
      const outcome = await extractPdf('harmed.pdf', harmed).then(
        ({ text }) => typeof text,
        (thrown: unknown) => (thrown as { code?: unknown }).code,
      );
      expect(['string', 'unreadable_pdf', 'document_too_complex']).toContain(outcome);
    };
    await fc.assert(fc.asyncProperty(harm, check), { numRuns: 60 });
  });
});
