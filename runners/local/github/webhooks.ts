import { createHmac, randomUUID } from 'node:crypto';
import { type Hub, timestamp } from './hub.ts';
import type { App, Delivery } from './rows/app.ts';
import type { Repository } from './rows/repository.ts';
import { nodeId, repositoryShape, userShape } from './shapes/account.ts';

export type Emission = {
  repo: Repository;
  event: string;
  action?: string;
  sender: string;
  payload: Record<string, unknown>;
  /** Sent to this app alone: what concerns a check goes to the app that made it. */
  only_app?: number;
};

/**
 * Queue an event for every installed app that subscribes to it. It is journaled with the change that caused
 * it and sent once both are on the disk.
 */
export function emit(hub: Hub, emission: Emission): void {
  const { repo, event, action, sender, payload } = emission;
  hub.wakeQueue(repo);
  const installations = hub.db.filter('installations', (one) => one.repository_ids.includes(repo.id));
  for (const installation of installations) {
    const app = hub.db.get('apps', installation.app_id);
    if (!app?.events.includes(event) || installation.suspended_at) continue;
    if (emission.only_app !== undefined && emission.only_app !== app.id) continue;
    enqueue(hub, {
      app,
      event,
      action: action ?? null,
      installation_id: installation.id,
      repository_id: repo.id,
      payload: {
        ...(action ? { action } : {}),
        ...payload,
        repository: payload.repository ?? repositoryShape(hub, repo),
        organization: organizationShape(hub, repo.owner),
        sender: userShape(hub, sender),
        installation: { id: installation.id, node_id: nodeId('Installation', installation.id) },
      },
    });
  }
}

function organizationShape(hub: Hub, login: string) {
  const { id, node_id, url, avatar_url } = userShape(hub, login);
  return {
    login,
    id,
    node_id,
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url,
    description: '',
  };
}

export function enqueue(
  hub: Hub,
  options: Pick<Delivery, 'event' | 'action' | 'installation_id' | 'repository_id' | 'payload'> & {
    app: App;
  },
): void {
  const { app, ...rest } = options;
  const id = hub.db.nextId();
  hub.db.put('deliveries', id, {
    id,
    guid: randomUUID(),
    app_id: app.id,
    ...rest,
    redelivery: false,
    delivered_at: null,
    created_at: timestamp(),
    duration: 0,
    status: 'pending',
    status_code: 0,
    response: null,
  });
  hub.deliver(id);
}

/** Send one delivery again: a new row with the same GUID, as GitHub does. */
export function redeliver(hub: Hub, former: Delivery): Delivery {
  const id = hub.db.nextId();
  const row = hub.db.put('deliveries', id, {
    ...former,
    id,
    redelivery: true,
    delivered_at: null,
    created_at: timestamp(),
    duration: 0,
    status: 'pending',
    status_code: 0,
    response: null,
  });
  hub.deliver(id);
  return row;
}

/** Kept, listed and sent again for this long (GitHub docs, handling-failed-webhook-deliveries). */
const DELIVERY_DAYS = 3;

export function isFresh(delivery: Delivery, now = Date.now()): boolean {
  return now - Date.parse(delivery.created_at) <= DELIVERY_DAYS * 86_400_000;
}

const ANSWER_WITHIN_MS = 10_000;
const AT_ONCE = 8;
const KEPT_RESPONSE_BYTES = 4096;

export type Deliveries = {
  kick(): void;
  deliver(id: number): void;
  pending(): number;
  stop(): Promise<void>;
};

/** Sends what waits, a few at once, each one time: GitHub does not try again by itself. */
export function startDeliveries(hub: Hub): Deliveries {
  const flying = new Map<number, Promise<void>>();
  let stopped = false;
  const waiting = hub.db.filter('deliveries', (one) => one.delivered_at === null).map(({ id }) => id);
  let scheduled = false;

  async function pump() {
    scheduled = false;
    if (stopped) return;
    // An event must not be seen before what it tells of is safe.
    await hub.db.committed();
    while (!stopped && flying.size < AT_ONCE) {
      const id = waiting.shift();
      const row = id === undefined ? undefined : hub.db.get('deliveries', id);
      if (id === undefined) return;
      if (!row) continue;
      flying.set(
        id,
        send(hub, row).finally(() => {
          flying.delete(id);
          kick();
        }),
      );
    }
  }
  function kick() {
    if (scheduled || stopped) return;
    scheduled = true;
    setImmediate(() => pump().catch((error) => hub.log(`webhooks: ${String(error)}`)));
  }
  return {
    kick,
    deliver(id) {
      waiting.push(id);
      kick();
    },
    pending: () => waiting.length + flying.size,
    async stop() {
      stopped = true;
      await Promise.allSettled(flying.values());
    },
  };
}

async function send(hub: Hub, delivery: Delivery): Promise<void> {
  const app = hub.db.get('apps', delivery.app_id);
  const started = Date.now();
  const outcome = app?.webhook_url
    ? await post(app, delivery)
    : { status: 'no webhook URL', status_code: 0, response: null };
  hub.db.put('deliveries', delivery.id, {
    ...delivery,
    ...outcome,
    delivered_at: timestamp(),
    duration: (Date.now() - started) / 1000,
  });
  await hub.db.committed();
}

type Outcome = Pick<Delivery, 'status' | 'status_code' | 'response'>;

export function deliveryRequest(
  app: App,
  delivery: Delivery,
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(delivery.payload);
  const digest = (algorithm: string) => createHmac(algorithm, app.webhook_secret).update(body).digest('hex');
  return {
    body,
    headers: {
      'content-type': 'application/json',
      accept: '*/*',
      'user-agent': 'GitHub-Hookshot/local',
      'x-github-delivery': delivery.guid,
      'x-github-event': delivery.event,
      'x-github-hook-id': String(app.id),
      'x-github-hook-installation-target-id': String(app.id),
      'x-github-hook-installation-target-type': 'integration',
      'x-hub-signature': `sha1=${digest('sha1')}`,
      'x-hub-signature-256': `sha256=${digest('sha256')}`,
    },
  };
}

async function post(app: App, delivery: Delivery): Promise<Outcome> {
  try {
    const response = await fetch(app.webhook_url, {
      method: 'POST',
      redirect: 'manual',
      ...deliveryRequest(app, delivery),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    return {
      status: response.ok ? 'OK' : `Invalid HTTP Response: ${response.status}`,
      status_code: response.status,
      response: { headers: Object.fromEntries(response.headers), body: text.slice(0, KEPT_RESPONSE_BYTES) },
    };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    return { status: timedOut ? 'timed out' : 'failed to connect to host', status_code: 0, response: null };
  }
}
