import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditKey, newAuditKey, readAuditKey } from '#lib/formats/audit-key.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Log } from './project.ts';
import type { Settings } from './settings.ts';

/**
 * The key that signs the audit log's head: the one of ROUNDHOUSE_AUDIT_KEY, else one that this process makes once
 * and keeps in its folder. Replicas without a shared one sign with a key each, which the log allows and tells.
 */
export async function openAuditKey(
  { auditKey, dir }: Pick<Settings, 'auditKey' | 'dir'>,
  log: Log,
): Promise<AuditKey> {
  if (auditKey !== null) {
    const isText = auditKey.includes('-----BEGIN');
    const pem = isText ? auditKey : await readKeyFile(auditKey);
    return readAuditKey(pem, isText ? 'ROUNDHOUSE_AUDIT_KEY' : auditKey);
  }
  const path = join(dir, 'audit-key.pem');
  const known = await readFile(path, 'utf8').catch(() => null);
  if (known !== null) return readAuditKey(known, path);
  // Whole or not at all: half a key would keep the app from starting.
  await writeFile(`${path}.new`, newAuditKey(), { mode: 0o600 });
  await rename(`${path}.new`, path);
  const made = readAuditKey(await readFile(path, 'utf8'), path);
  log.info(
    { path, key: made.id },
    'a key for the audit log was made; ROUNDHOUSE_AUDIT_KEY would name a shared one',
  );
  return made;
}

async function readKeyFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UserError(`ROUNDHOUSE_AUDIT_KEY names ${path}, which can't be read`, {
      fix: 'give the path of an Ed25519 private key (PEM), or the key itself',
      cause,
    });
  });
}
