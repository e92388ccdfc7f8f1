import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const FILE = 'package/generated/api.github.com.json';
const CACHE = 'node_modules/.cache/roundhouse-openapi';

export type Schema = { [key: string]: unknown };
export type Description = {
  info: { version: string };
  paths: Record<string, Record<string, DescribedOperation | undefined> | undefined>;
  components: { schemas: Record<string, Schema>; responses: Record<string, DescribedResponse> };
  'x-webhooks': Record<string, { post: DescribedOperation & { requestBody: DescribedResponse } } | undefined>;
};
export type DescribedResponse = { $ref?: string; content?: Record<string, { schema?: Schema } | undefined> };
export type DescribedOperation = { operationId: string; responses?: Record<string, DescribedResponse> };

/**
 * GitHub's OpenAPI description, of the very version that our types are made from. It comes with npm and is
 * kept outside of git; of its 385 MB one file of 13 MB is unpacked.
 */
export function githubDescription(): Description {
  const version = describedVersion();
  const kept = join(CACHE, `${version}.json`);
  if (!existsSync(kept)) fetchDescription(version, kept);
  return JSON.parse(readFileSync(kept, 'utf8')) as Description;
}

function describedVersion(): string {
  const types = createRequire(import.meta.url).resolve('@octokit/openapi-types/package.json');
  const { octokit } = JSON.parse(readFileSync(types, 'utf8')) as { octokit: { 'openapi-version': string } };
  return octokit['openapi-version'];
}

function fetchDescription(version: string, kept: string): void {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    const packed = ['pack', `@octokit/openapi@${version}`, '--silent', '--pack-destination', folder];
    const name = execFileSync('npm', packed, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
    execFileSync('tar', ['-xzf', join(folder, name), '-C', folder, FILE]);
    renameSync(join(folder, FILE), kept);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
