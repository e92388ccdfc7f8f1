import { join } from 'node:path';
import { isLoopback } from '#lib/github/client.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

export type Settings = {
  appId: string;
  privateKey: string;
  webhookSecret: string;
  apiUrl: string;
  /** Ed25519 private key that the audit log's head is signed with, or the path of one; null = kept in `dir`. */
  auditKey: string | null;
  /** Folder of the journal. */
  dir: string;
  /** Seconds that records are collected before a commit; null = the policy says. */
  pace: number | null;
  /** How often the app looks by itself at what GitHub says. */
  reconcileMs: number;
  /** URLs of stores by lower-case name. */
  stores: Record<string, string>;
};

const MIN_SECRET = 16;
/** Different characters: a random hexadecimal of that length has nearly always more. */
const MIN_KINDS = 6;
/** Probot's own default, and what people leave in example files. */
const WELL_KNOWN_SECRETS = ['development', 'changeme', 'secret', 'your-webhook-secret'];

/** Reads the environment once, and tells everything that is wrong with it at once. */
export function readSettings(env: Record<string, string | undefined>): Settings {
  const faults: string[] = [];
  const need = (name: string) => {
    const value = env[name]?.trim() ?? '';
    if (value === '') faults.push(`${name} is missing`);
    return value;
  };
  const appId = need('APP_ID');
  const privateKey = need('PRIVATE_KEY').replaceAll('\\n', '\n');
  const webhookSecret = need('WEBHOOK_SECRET');
  const apiUrl = (env.GITHUB_API_URL ?? 'https://api.github.com').replace(/\/+$/, '');
  if (webhookSecret !== '' && isWeak(webhookSecret)) {
    faults.push(
      `WEBHOOK_SECRET is a well-known word, a pattern or shorter than ${MIN_SECRET} characters: make one with \`openssl rand -hex 32\` and give it to the GitHub App too`,
    );
  }
  if (!URL.canParse(apiUrl)) faults.push(`GITHUB_API_URL ${JSON.stringify(apiUrl)} is not a URL`);
  const pace = env.ROUNDHOUSE_PACE === undefined ? null : Number(env.ROUNDHOUSE_PACE);
  if (pace !== null && !(pace >= 0 && pace <= 60)) faults.push('ROUNDHOUSE_PACE must be 0 to 60 seconds');
  if (faults.length > 0) {
    throw new UserError(faults.join('\n'), {
      fix: 'set these variables to the values of the GitHub App (Settings, Developer settings, GitHub Apps)',
    });
  }
  const local = isLoopback(apiUrl);
  return {
    appId,
    privateKey,
    webhookSecret,
    apiUrl,
    auditKey: env.ROUNDHOUSE_AUDIT_KEY?.trim().replaceAll('\\n', '\n') || null,
    dir: env.ROUNDHOUSE_DIR ?? join(process.cwd(), '.roundhouse', 'app'),
    pace: pace ?? (local ? 0 : null),
    reconcileMs: local ? 2_000 : 60_000,
    stores: storesOf(env),
  };
}

/** Whoever guesses it speaks as GitHub. A word is no better for being repeated, a pattern no better than short. */
function isWeak(secret: string): boolean {
  if (secret.length < MIN_SECRET || new Set(secret).size < MIN_KINDS) return true;
  const rest = WELL_KNOWN_SECRETS.reduce((left, word) => left.replaceAll(word, ''), secret.toLowerCase());
  return rest.length < MIN_SECRET / 2;
}

function storesOf(env: Record<string, string | undefined>): Record<string, string> {
  const prefix = 'ROUNDHOUSE_STORE_';
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, url]) =>
      name.startsWith(prefix) && url ? [[name.slice(prefix.length).toLowerCase(), url]] : [],
    ),
  );
}
