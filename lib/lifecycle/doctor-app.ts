import { APP_EVENTS, APP_PERMISSIONS, type Level } from './app-needs.ts';
import { type Check, checkRead, fail, ok, type Read, skip, warn } from './doctor.ts';

export type Grants = { permissions: Record<string, string>; events: readonly string[] };

export type AppFacts = {
  /** `refused`: GitHub does not take the key. */
  app: Read<{ id: number; slug: string } | { refused: string }>;
  installation: Read<(Grants & { suspended: boolean; settings: string }) | null>;
  hook: Read<{ url: string | null; hasSecret: boolean; insecureSsl: boolean; contentType: string | null }>;
  /** Newest first. */
  deliveries: Read<{ event: string; status: number; message: string }[]>;
};

export function checkApp({ app, installation, hook, deliveries }: AppFacts): Check[] {
  return [
    ...checkRead('app key', app, (found) =>
      'refused' in found
        ? fail('app key', found.refused, 'set APP_ID and PRIVATE_KEY to those of the same GitHub App')
        : ok('app key', `GitHub knows it as ${found.slug} (${found.id})`),
    ),
    ...checkRead('app installation', installation, checkInstallation),
    ...checkRead('webhook', hook, checkHook),
    ...checkRead('webhook deliveries', deliveries, checkDeliveries),
  ];
}

function checkInstallation(
  installation: (Grants & { suspended: boolean; settings: string }) | null,
): Check[] {
  const name = 'app installation';
  if (installation === null)
    return [
      fail(name, 'the app is not installed on this repository', 'install it: the app’s page, Install App'),
    ];
  const { suspended, settings } = installation;
  return [
    suspended
      ? fail(name, 'suspended: no event is sent and every call is refused', `lift it at ${settings}`)
      : ok(name, 'installed on this repository'),
    ...checkPermissions(installation),
    ...checkEvents(installation),
  ];
}

function checkPermissions({ permissions }: Grants & { settings: string }): Check[] {
  const name = 'app permissions';
  const has = (permission: string, level: Level) =>
    permissions[permission] === 'write' ||
    permissions[permission] === 'admin' ||
    permissions[permission] === level;
  const missing = Object.entries(APP_PERMISSIONS).filter(
    ([permission, { level }]) => !has(permission, level),
  );
  const excess = Object.entries(permissions)
    .filter(([permission, level]) => {
      const needed = APP_PERMISSIONS[permission]?.level;
      return needed === undefined || (needed === 'read' && level !== 'read');
    })
    .map(([permission, level]) => `${permission}: ${level}`);
  const grant = 'grant them in the settings of the app, then accept the change in the installation';
  return [
    missing.length === 0
      ? ok(name, `all ${Object.keys(APP_PERMISSIONS).length} granted`)
      : fail(
          name,
          missing.map(([permission, { level, why }]) => `lacks ${permission}: ${level} (${why})`).join('\n'),
          grant,
        ),
    ...(excess.length === 0
      ? []
      : [
          warn(
            'app permissions beyond need',
            excess.join(', '),
            'take them away in the settings of the app: it never uses them, whoever steals its key would',
          ),
        ]),
  ];
}

function checkEvents({ events }: Grants): Check[] {
  const missing = APP_EVENTS.filter((event) => !events.includes(event));
  if (missing.length === 0) return [ok('app events', `subscribed to all ${APP_EVENTS.length}`)];
  return [
    fail(
      'app events',
      `not subscribed to ${missing.join(', ')}`,
      'tick them in the settings of the app, Permissions & events',
    ),
  ];
}

function checkHook(hook: {
  url: string | null;
  hasSecret: boolean;
  insecureSsl: boolean;
  contentType: string | null;
}): Check {
  const { url, hasSecret, insecureSsl, contentType } = hook;
  if (url === null)
    return fail('webhook', 'no address', 'set it to https://<host of the app>/api/github/webhooks');
  const faults = [
    ...(hasSecret ? [] : ['no secret: anybody could send it events']),
    ...(contentType === 'json' ? [] : [`content type ${contentType ?? 'form'} instead of json`]),
    ...(insecureSsl ? ['certificates are not verified'] : []),
  ];
  if (faults.length > 0)
    return fail('webhook', `${url}: ${faults.join('; ')}`, 'mend it in the settings of the app, Webhook');
  if (!/\/api\/github\/webhooks\/?$/.test(url))
    return warn(
      'webhook',
      url,
      'the app listens under /api/github/webhooks: check that something leads there',
    );
  return ok('webhook', `${url}, with a secret`);
}

const NEWEST = 5;

function checkDeliveries(deliveries: { event: string; status: number; message: string }[]): Check {
  const name = 'webhook deliveries';
  const isGood = ({ status }: { status: number }) => status >= 200 && status < 400;
  const failed = deliveries.filter((one) => !isGood(one));
  const [last] = failed;
  if (deliveries.length === 0) return skip(name, 'none in the last three days, so nothing is known');
  if (last === undefined) return ok(name, `the last ${deliveries.length} were taken`);
  const found = `${failed.length} of the last ${deliveries.length} failed, newest ${last.event}: ${last.status} ${last.message}`;
  const fix =
    'look whether the app runs and is reachable, and whether WEBHOOK_SECRET is the one of the settings; it heals by itself what it missed';
  return deliveries.slice(0, NEWEST).some(isGood) ? warn(name, found, fix) : fail(name, found, fix);
}
