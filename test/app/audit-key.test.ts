import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newAuditKey } from '#lib/formats/audit-key.ts';
import { openAuditKey } from '../../app/audit-key.ts';

let dir = '';
const told: string[] = [];
const log = { info: (_: object, text: string) => void told.push(text), warn: () => {}, error: () => {} };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'audit-key-'));
  told.length = 0;
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('the key of the audit log', () => {
  it('is made once, kept readable for the app alone, and told', async () => {
    const made = await openAuditKey({ auditKey: null, dir }, log);
    expect(statSync(join(dir, 'audit-key.pem')).mode & 0o777).toBe(0o600);
    expect(told).toHaveLength(1);
    expect((await openAuditKey({ auditKey: null, dir }, log)).id).toBe(made.id);
    expect(told).toHaveLength(1);
  });

  it('is the one of the setting, as text or as a file', async () => {
    const pem = newAuditKey();
    const path = join(dir, 'shared.pem');
    writeFileSync(path, pem);
    const [text, file] = [
      await openAuditKey({ auditKey: pem, dir }, log),
      await openAuditKey({ auditKey: path, dir }, log),
    ];
    expect(text.id).toBe(file.id);
    expect(told).toEqual([]);
  });

  it('is refused where it is none: another kind, no key, no file', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    for (const auditKey of [rsa.toString(), '-----BEGIN nothing', join(dir, 'nowhere.pem')]) {
      await expect(openAuditKey({ auditKey, dir }, log)).rejects.toThrow(/Ed25519|can't be read/);
    }
  });
});
