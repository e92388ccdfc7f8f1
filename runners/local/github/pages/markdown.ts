import { Marked } from 'marked';
import sanitize from 'sanitize-html';
import { escapeHtml, type Html } from './html.ts';

const marked = new Marked({
  gfm: true,
  renderer: {
    code({ text, lang }) {
      const code = `<pre><code>${escapeHtml(text)}</code></pre>`;
      if (lang !== 'mermaid') return code;
      return `<figure class="mermaid"><figcaption>Mermaid diagram, as source</figcaption>${code}</figure>`;
    },
  },
});

const ALLOWED: sanitize.IOptions = {
  allowedTags: [
    ...[
      'h1',
      'h2',
      'h3',
      'h4',
      'h5',
      'h6',
      'p',
      'br',
      'hr',
      'blockquote',
      'pre',
      'code',
      'em',
      'strong',
      'del',
    ],
    ...[
      'ul',
      'ol',
      'li',
      'input',
      'a',
      'img',
      'table',
      'thead',
      'tbody',
      'tr',
      'th',
      'td',
      'details',
      'summary',
    ],
    ...['sub', 'sup', 'kbd', 'figure', 'figcaption', 'div', 'span'],
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'title', 'width', 'height'],
    input: ['type', 'checked', 'disabled'],
    th: ['align'],
    td: ['align'],
    ol: ['start'],
    figure: ['class'],
    details: ['open'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  transformTags: {
    a: sanitize.simpleTransform('a', { rel: 'nofollow noopener' }),
    // A box on a page acts on nothing.
    input: (tagName, { checked }) => ({
      tagName,
      attribs: { type: 'checkbox', disabled: '', ...(checked === undefined ? {} : { checked: '' }) },
    }),
  },
};

/** GitHub-flavoured Markdown of anyone's making, made harmless. */
export function markdown(text: string | null): Html {
  const source = (text ?? '').replace(/<!--[\s\S]*?-->/g, '');
  return { html: `<div class="markdown">${sanitize(marked.parse(source, { async: false }), ALLOWED)}</div>` };
}
