import { describe, expect, it } from '@jest/globals';
import { decodeHtml } from './decode-text.js';
import { extractHtml } from './extract-html.js';

const page = (body: string, head = '<title>Site &amp; page</title>'): string =>
  `<!doctype html><html><head>${head}</head><body>${body}</body></html>`;
const textOf = (html: string): string => extractHtml('page.html', html).text.trim();

describe('a web page', () => {
  it('becomes Markdown, without what surrounds the content', () => {
    const html = page(`<header>Logo</header><nav>Home | About</nav>
      <main><header><h1>Tides</h1></header><p>High &amp; <em>low</em>, see <a href="/x">the table</a>.</p>
      <ul><li>spring</li><li>neap</li></ul>
      <table><tr><th>Port</th><th>Range</th></tr><tr><td>Brest</td><td>6 m</td></tr></table>
      <pre><code class="language-sh">tide --at Brest</code></pre>
      <aside>Advert</aside><form><button>Send</button></form><script>alert(1)</script></main>
      <footer>Imprint</footer>`);
    expect(textOf(html)).toBe(
      [
        '# Tides',
        'High & *low*, see the table.',
        '- spring\n- neap',
        '| Port  | Range |\n| ----- | ----- |\n| Brest | 6 m   |',
        '```sh\ntide --at Brest\n```',
      ].join('\n\n'),
    );
    expect(extractHtml('page.html', html).title).toBe('Site & page');
  });

  it('is read from its article where there is no main, else from its body', () => {
    expect(textOf(page('<div>Teaser</div><article><p>Story</p></article>'))).toBe('Story');
    expect(textOf(page('<article>One</article><article>Two</article>'))).toBe('One\n\nTwo');
    expect(textOf(page('<main> </main><p>Body</p>'))).toBe('Body');
    expect(textOf('Just a fragment')).toBe('Just a fragment');
  });

  it('shows what a picture shows, and nothing that is hidden', () => {
    const html = page(
      '<p>See <img src="data:image/png;base64,AAAA" alt="a map"> <img src="x"><span hidden>no</span></p>',
    );
    expect(textOf(html)).toBe('See a map');
  });

  it('that nests without end is refused', () => {
    const deep = page(`${'<div>'.repeat(2_000)}x`);
    expect(() => extractHtml('bomb.html', deep)).toThrow(/bomb\.html nests .* deep/);
  });
});

describe('the encoding of a page', () => {
  const decoded = (bytes: Uint8Array, mediaType?: string): string =>
    decodeHtml({ source: 'page.html', bytes, mediaType });
  const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

  it.each([
    ['by its byte order mark', Buffer.from('\ufeff<p>é</p>', 'utf16le'), undefined],
    ['by its media type', latin('<p>é</p>'), 'text/html; charset=ISO-8859-1'],
    ['by its own declaration', latin('<meta charset="windows-1252"><p>é</p>'), undefined],
    [
      'by its http-equiv',
      latin('<meta http-equiv="Content-Type" content="text/html; charset=latin1"><p>é</p>'),
      undefined,
    ],
    ['as UTF-8 where it says nothing', Buffer.from('<p>é</p>'), undefined],
    ['as Windows-1252 where it is not UTF-8', latin('<p>é</p>'), undefined],
  ])('is known %s', (_name, bytes, mediaType) => {
    expect(decoded(bytes, mediaType)).toContain('<p>é</p>');
  });

  it('must exist, and the content must be text', () => {
    const unsupported = expect.objectContaining({ code: 'unsupported_content' }) as unknown as Error;
    expect(() => decoded(Buffer.from('<meta charset="klingon"><p>x</p>'))).toThrow(unsupported);
    expect(() => decoded(Buffer.from([0x3c, 0x70, 0x3e, 0, 1, 2, 0xff]))).toThrow(unsupported);
  });
});
