import { describe, expect, it } from 'vitest';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readSettings } from '../../app/settings.ts';

const env = {
  APP_ID: '7',
  PRIVATE_KEY: '-----BEGIN\\nKEY',
  WEBHOOK_SECRET: 'f4b1c0ffee00f4b1c0ffee',
  GITHUB_API_URL: 'http://127.0.0.1:4440/api/v3/',
  ROUNDHOUSE_DIR: '/data',
  ROUNDHOUSE_STORE_MAIN: 'file:///store',
};

describe('readSettings', () => {
  it('reads the environment', () => {
    expect(readSettings(env)).toEqual({
      appId: '7',
      privateKey: '-----BEGIN\nKEY',
      webhookSecret: env.WEBHOOK_SECRET,
      apiUrl: 'http://127.0.0.1:4440/api/v3',
      auditKey: null,
      dir: '/data',
      pace: 0,
      reconcileMs: 2000,
      stores: { main: 'file:///store' },
    });
  });

  it('leaves pace to the policy and looks once a minute against the real GitHub', () => {
    const { pace, reconcileMs, apiUrl } = readSettings({ ...env, GITHUB_API_URL: undefined });
    expect({ pace, reconcileMs, apiUrl }).toEqual({
      pace: null,
      reconcileMs: 60_000,
      apiUrl: 'https://api.github.com',
    });
  });

  it.each([
    ['a missing secret', { WEBHOOK_SECRET: undefined }, /WEBHOOK_SECRET is missing/],
    ["Probot's default secret", { WEBHOOK_SECRET: 'development' }, /well-known/],
    ['a short secret', { WEBHOOK_SECRET: 'short' }, /shorter than 16/],
    ['a well-known secret repeated', { WEBHOOK_SECRET: 'ChangeMe-changeme-changeme' }, /well-known/],
    ['a secret of one character', { WEBHOOK_SECRET: 'x'.repeat(40) }, /pattern/],
    ['a blank secret', { WEBHOOK_SECRET: '   ' }, /WEBHOOK_SECRET is missing/],
    ['a missing key', { PRIVATE_KEY: ' ' }, /PRIVATE_KEY is missing/],
    ['an address that is none', { GITHUB_API_URL: 'github' }, /not a URL/],
    ['a pace that is none', { ROUNDHOUSE_PACE: 'fast' }, /ROUNDHOUSE_PACE/],
  ])('refuses to start with %s', (_what, over, message) => {
    expect(() => readSettings({ ...env, ...over })).toThrow(message);
  });

  it('tells all faults at once', () => {
    const read = () => readSettings({});
    expect(read).toThrow(UserError);
    expect(read).toThrow(/APP_ID.*\n.*PRIVATE_KEY.*\n.*WEBHOOK_SECRET/);
  });
});
