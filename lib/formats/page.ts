import type { Page } from '../lifecycle/lineage.ts';

/** A repository's own pages, such as `https://github.com/acme/bikes`; null where nobody knows them. */
export type Web = string | null;

/** The address of a page of GitHub's web interface; null where the repository's own is not known. */
export function pageUrl(page: Page | null, web: Web): string | null {
  if (page === null) return null;
  if (page.kind === 'url') return safeUrl(page.url);
  if (web === null) return null;
  switch (page.kind) {
    case 'issue':
      return `${web}/issues/${page.number}`;
    case 'pull':
      return `${web}/pull/${page.number}`;
    case 'run':
      return `${web}/actions/runs/${page.id}`;
    case 'commit':
      return `${web}/commit/${page.sha}`;
    case 'file':
      return `${web}/tree/${page.commit}/${page.path}`;
  }
}

/** A recorded address as it may stand in a link of Markdown or HTML; null for what is none of the web's. */
function safeUrl(url: string): string | null {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) return null;
  return new URL(url).href.replace(/[()'"<>|`]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`);
}

/** What a page is called where it is linked, and where it can't be. */
export function pageName(page: Page | null): string {
  switch (page?.kind) {
    case undefined:
      return '';
    case 'issue':
      return `issue ${page.number}`;
    case 'pull':
      return `pull request ${page.number}`;
    case 'run':
      return `run ${page.id}`;
    case 'commit':
      return `commit ${page.sha.slice(0, 12)}`;
    case 'file':
      return `${page.path} at ${page.commit.slice(0, 12)}`;
    case 'url':
      return 'comment';
  }
}

/** The web address of a repository from any URL below it, such as that of a comment. */
export function webOf(url: string): Web {
  return (
    /^(https?:\/\/[^/]+\/[\w.-]+\/[\w.-]+?)(?:\/(?:issues|pull|actions|commit|tree|releases)\b.*)?$/.exec(
      url,
    )?.[1] ?? null
  );
}
