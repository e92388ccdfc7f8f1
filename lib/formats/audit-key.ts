import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { AuditHead } from '../lifecycle/audit.ts';
import { UserError } from '../lifecycle/user-error.ts';
import { canonicalJson } from './digest.ts';

/** The key that the app signs heads of the audit log with. */
export type AuditKey = {
  id: string;
  /** SPKI, PEM. */
  publicKey: string;
  sign(head: Omit<AuditHead, 'key_id' | 'signature'>): AuditHead;
};

/** A new Ed25519 key, PKCS #8 PEM. */
export function newAuditKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** UserError where the text is no Ed25519 private key; `where` says where it came from. */
export function readAuditKey(pem: string, where: string): AuditKey {
  const key = privateKeyOf(pem);
  if (key === null)
    throw new UserError(`${where} holds no Ed25519 private key`, {
      fix: 'make one: openssl genpkey -algorithm ed25519 -out audit-key.pem',
    });
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  const id = auditKeyId(publicKey);
  return {
    id,
    publicKey,
    sign(head) {
      const signed = { ...head, key_id: id };
      return { ...signed, signature: sign(null, signedBytes(signed), key).toString('base64url') };
    },
  };
}

function privateKeyOf(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}

/** The begin of the sha256 of the public key's DER: 128 bits, so that no second key has the same. */
export function auditKeyId(publicKey: string): string {
  const der = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 32);
}

export function isSignedBy({ signature, ...signed }: AuditHead, publicKey: string): boolean {
  try {
    if (auditKeyId(publicKey) !== signed.key_id) return false;
    return verify(null, signedBytes(signed), createPublicKey(publicKey), Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}

function signedBytes({ seq, digest, at, key_id }: Omit<AuditHead, 'signature'>): Buffer {
  return Buffer.from(canonicalJson({ kind: 'roundhouse-audit-head', seq, digest, at, key_id }));
}
