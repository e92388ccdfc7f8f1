import { readFile } from 'node:fs/promises';
import { findAnchors, parseAuditHead } from '#lib/formats/audit-log.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Anchor } from '#lib/records/audit-log.ts';
import type { Environment } from '../kit/deps.ts';
import { openGitHub, permitted } from '../kit/github.ts';
import { originPage } from '../kit/origin.ts';

/** A file with heads: `audit-head.json` of a release, or any text with lines as tags carry them. */
export async function anchorsOfFile(path: string): Promise<Anchor[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UserError(`the file of anchors ${path} can't be read`, { fix: 'check --anchors', cause });
  });
  const whole = parseAuditHead(text);
  const lines = text.split('\n').map((line) => parseAuditHead(line));
  const heads = whole ? [whole] : [...lines.filter((head) => head !== null), ...findAnchors(text)];
  if (heads.length === 0)
    throw new UserError(`${path} holds no anchor`, {
      fix: 'give the asset audit-head.json of a release, or lines such as "audit: <seq> <digest> <time> <key> <signature>"',
    });
  return heads.map((head) => ({ ...head, where: path }));
}

/** What releases, deployments and comments of the app on GitHub carry. */
export async function anchorsOnGitHub({
  workspace,
  env,
  repository,
}: {
  workspace: string;
  env: Environment;
  repository: string | undefined;
}): Promise<Anchor[]> {
  const token = env.GITHUB_TOKEN || env.GH_TOKEN;
  if (!token)
    throw new UserError('there is no token to ask GitHub with', {
      fix: 'set GITHUB_TOKEN; the anchors in tags need none, leave --github out for those alone',
    });
  const named = repository ?? env.GITHUB_REPOSITORY ?? (await originRepository(workspace));
  if (named === undefined || !/^[\w.-]+\/[\w.-]+$/.test(named))
    throw new UserError(named ? `"${named}" is no repository` : 'this clone has no origin on GitHub', {
      fix: 'say which: --repo owner/name',
    });
  const { forge } = await openGitHub({ token, env: { ...env, GITHUB_REPOSITORY: named } });
  const texts = await permitted('contents: read, deployments: read, issues: read', forge.anchors.texts);
  return texts.flatMap(({ where, text }) => findAnchors(text).map((head) => ({ ...head, where })));
}

async function originRepository(workspace: string): Promise<string | undefined> {
  const page = await originPage(workspace);
  return page?.split('/').slice(-2).join('/');
}
