import { App, Octokit } from 'octokit';
import type { AppFacts } from '../lifecycle/doctor-app.ts';
import { guardedFetch, octokitDefaults } from './client.ts';
import { orNull, statusOf } from './repository.ts';
import { type Asker, isUnanswered, readAs } from './setup-read.ts';

export type SetupAccess = {
  apiUrl: string;
  owner: string;
  repo: string;
  /** Null where the app's credentials aren't given. */
  app: { appId: string; privateKey: string } | null;
  /** A person's token. */
  token: string | null;
};

export type OpenSetup = { facts: AppFacts; appId: number | null; askers: Asker[] };

const NO_KEY = { unread: 'set APP_ID and PRIVATE_KEY to have the app looked at' };

/** Reads the app with its own key, and gathers who may ask about the repository: the person first, who may see more. */
export async function openSetup({ apiUrl, owner, repo, app: key, token }: SetupAccess): Promise<OpenSetup> {
  const Client = clientFor(apiUrl);
  const askers: Asker[] =
    token === null ? [] : [{ octokit: new Client({ auth: token }), who: 'GITHUB_TOKEN' }];
  if (key === null) {
    const facts = { app: NO_KEY, installation: NO_KEY, hook: NO_KEY, deliveries: NO_KEY };
    return { facts, appId: null, askers };
  }
  const signer = new App({ ...key, Octokit: Client });
  const app = await readApp(signer.octokit);
  if ('unread' in app || 'refused' in app.value) {
    const why = { unread: 'GitHub does not take the key of the app' };
    return { facts: { app, installation: why, hook: why, deliveries: why }, appId: null, askers };
  }
  const asApp: Asker[] = [{ octokit: signer.octokit, who: 'the app' }];
  const found = await readAs(asApp, (octokit) =>
    orNull(octokit.request('GET /repos/{owner}/{repo}/installation', { owner, repo })),
  );
  const installed = 'value' in found ? (found.value?.data ?? null) : null;
  if (installed && !installed.suspended_at)
    askers.push({ octokit: await signer.getInstallationOctokit(installed.id), who: 'the app' });
  const facts: AppFacts = {
    app,
    installation: 'unread' in found ? found : { value: installationOf(installed) },
    hook: await readAs(asApp, readHook),
    deliveries: await readAs(asApp, readDeliveries),
  };
  return { facts, appId: app.value.id, askers };
}

function clientFor(baseUrl: string) {
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return Octokit.defaults({
    ...octokitDefaults(baseUrl)({}),
    baseUrl,
    request: { fetch: guardedFetch(baseUrl) },
    log: quiet,
  });
}

async function readApp(octokit: Octokit): Promise<AppFacts['app']> {
  try {
    const { data } = await octokit.request('GET /app');
    if (!data?.slug) return { value: { refused: 'GitHub does not know this app' } };
    return { value: { id: data.id, slug: data.slug } };
  } catch (error) {
    const status = statusOf(error);
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    if (isUnanswered(error)) throw error;
    return { value: { refused: status === null ? `the key can’t sign: ${why}` : `${status} ${why}` } };
  }
}

type Installation = {
  permissions: object;
  events: readonly string[];
  suspended_at?: string | null;
  html_url: string;
};

function installationOf(
  one: Installation | null,
): Extract<AppFacts['installation'], { value: unknown }>['value'] {
  if (one === null) return null;
  return {
    permissions: one.permissions as Record<string, string>,
    events: one.events,
    suspended: Boolean(one.suspended_at),
    settings: one.html_url,
  };
}

async function readHook(octokit: Octokit) {
  const { data } = await octokit.request('GET /app/hook/config');
  return {
    url: data.url || null,
    hasSecret: Boolean(data.secret),
    insecureSsl: String(data.insecure_ssl ?? '0') === '1',
    contentType: data.content_type ?? null,
  };
}

async function readDeliveries(octokit: Octokit) {
  const { data } = await octokit.request('GET /app/hook/deliveries', { per_page: 50 });
  return data.map(({ event, action, status, status_code }) => ({
    event: action ? `${event}.${action}` : event,
    status: status_code,
    message: status,
  }));
}
