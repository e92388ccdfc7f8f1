import { git } from './git.ts';

/** The page of the repository that a clone came from; null where its origin is no address with pages. */
export async function originPage(workspace: string): Promise<string | null> {
  const origin = (await git(workspace, 'remote', 'get-url', 'origin'))?.trim() ?? '';
  const [, host, path] = /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+)$/.exec(origin) ?? [];
  if (host !== undefined && path !== undefined) return `https://${host}/${withoutGit(path)}`;
  if (!/^https?:/.test(origin) || !URL.canParse(origin)) return null;
  const { protocol, host: address, pathname } = new URL(origin);
  return `${protocol}//${address}${withoutGit(pathname)}`;
}

function withoutGit(path: string): string {
  return path.replace(/\/?(\.git)?\/?$/, '');
}
