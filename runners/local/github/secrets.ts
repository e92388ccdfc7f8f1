import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalSecrets } from '../protocol.ts';

function secretsPath(dir: string): string {
  return join(dir, 'secrets.json');
}

/**
 * Read `<dir>/secrets.json`, making what is missing: the control token, the app's key, a personal token for
 * every login. What is there stays, so that a restart locks nobody out.
 */
export async function ensureSecrets(
  dir: string,
  wanted: { logins?: string[]; slug?: string } = {},
): Promise<LocalSecrets> {
  const path = secretsPath(dir);
  const found = await readFile(path, 'utf8').then(
    (text) => JSON.parse(text) as LocalSecrets,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  const secrets: LocalSecrets = found ?? {
    control: secret(),
    app: {
      id: 100 + (randomBytes(2).readUInt16BE() % 900),
      slug: wanted.slug ?? 'roundhouse',
      private_key: newPrivateKey(),
      webhook_secret: secret(),
    },
    tokens: {},
    supervisor: secret(),
  };
  const missing = (wanted.logins ?? []).filter((login) => !secrets.tokens[login]);
  if (found && missing.length === 0) return secrets;
  for (const login of missing) secrets.tokens[login] = newToken('ghp_');
  await mkdir(dir, { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
  return secrets;
}

/** 36 letters and digits after the prefix, as GitHub's opaque tokens have. */
export function newToken(prefix: 'ghp_' | 'ghs_'): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return prefix + [...randomBytes(36)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

function secret(): string {
  return randomBytes(24).toString('hex');
}

function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
}
