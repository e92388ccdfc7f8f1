import { createHash } from 'node:crypto';
import { decodeJwt, importSPKI, jwtVerify } from 'jose';
import type { Permissions } from '../protocol.ts';
import { findAccount, type Hub } from './hub.ts';
import { notFound, Refusal } from './refusal.ts';
import type { App, Installation } from './rows/app.ts';
import type { Repository, Role } from './rows/repository.ts';

/** Who asks. `app` holds a JWT, `installation` an installation token, `job` a GITHUB_TOKEN. */
export type Actor =
  | { kind: 'anonymous' }
  | { kind: 'user'; login: string }
  | { kind: 'app'; app: App }
  | {
      kind: 'installation';
      app: App;
      installation_id: number;
      permissions: Permissions;
      repository_ids: number[];
    }
  | { kind: 'job'; run_id: number; permissions: Permissions; repository_ids: number[] };

export const ACTIONS_BOT = 'github-actions[bot]';
/** The id that GitHub Actions itself has as an app. */
export const ACTIONS_APP_ID = 15368;

const ROLES: Role[] = ['read', 'triage', 'write', 'maintain', 'admin'];

export function tokenKey(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function actorLogin(actor: Actor): string {
  if (actor.kind === 'user') return actor.login;
  if (actor.kind === 'installation' || actor.kind === 'app') return `${actor.app.slug}[bot]`;
  if (actor.kind === 'job') return ACTIONS_BOT;
  throw new Refusal(401, 'Requires authentication');
}

export function viaApp(actor: Actor): number | null {
  if (actor.kind === 'installation') return actor.app.id;
  return actor.kind === 'job' ? ACTIONS_APP_ID : null;
}

export function appOf(actor: Actor): number | undefined {
  return viaApp(actor) ?? undefined;
}

/** The header of a REST call, or the password of git's Basic authentication. */
export async function authenticate(hub: Hub, header: string | undefined): Promise<Actor> {
  const token = credential(header);
  if (!token) return { kind: 'anonymous' };
  const found = hub.db.get('tokens', tokenKey(token));
  if (!found && token.split('.').length === 3 && !token.startsWith('gh')) return appByJwt(hub, token);
  if (!found) throw new Refusal(401, 'Bad credentials');
  if (found.kind === 'user') return { kind: 'user', login: found.login };
  if (Date.parse(found.expires_at) <= Date.now()) throw new Refusal(401, 'Bad credentials');
  if (found.kind === 'job') {
    return {
      kind: 'job',
      run_id: found.run_id,
      permissions: found.permissions,
      repository_ids: [found.repository_id],
    };
  }
  const installation = hub.db.get('installations', found.installation_id);
  const app = installation && hub.db.get('apps', installation.app_id);
  if (!app) throw new Refusal(401, 'Bad credentials');
  if (installation.suspended_at) throw new Refusal(403, 'This installation has been suspended');
  const { installation_id, permissions } = found;
  // What the installation lost since is out of reach at once.
  const repository_ids = found.repository_ids.filter((id) => installation.repository_ids.includes(id));
  return { kind: 'installation', app, installation_id, permissions, repository_ids };
}

function credential(header: string | undefined): string | undefined {
  const [scheme, value] = (header ?? '').trim().split(/\s+/, 2);
  if (!scheme || !value) return undefined;
  if (/^(bearer|token)$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const decoded = Buffer.from(value, 'base64').toString();
  return decoded.slice(decoded.indexOf(':') + 1) || undefined;
}

const CLOCK_SKEW_SECONDS = 60;
const MAX_JWT_SECONDS = 600;

async function appByJwt(hub: Hub, token: string): Promise<Actor> {
  let claims: ReturnType<typeof decodeJwt>;
  try {
    claims = decodeJwt(token);
  } catch {
    throw new Refusal(401, 'A JSON web token could not be decoded');
  }
  const app = hub.db.find('apps', ({ id, client_id }) =>
    [String(id), client_id].includes(String(claims.iss)),
  );
  if (!app) throw new Refusal(404, 'Integration not found');
  try {
    await jwtVerify(token, await importSPKI(app.public_key, 'RS256'), {
      algorithms: ['RS256'],
      clockTolerance: 0,
    });
  } catch (error) {
    const expired = (error as { code?: string }).code === 'ERR_JWT_EXPIRED';
    throw new Refusal(
      401,
      expired
        ? "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
        : 'A JSON web token could not be decoded',
    );
  }
  const now = Math.floor(Date.now() / 1000);
  if (typeof claims.exp !== 'number')
    throw new Refusal(401, "Missing 'expiration time' claim ('exp') in assertion");
  if (claims.exp > now + MAX_JWT_SECONDS) {
    throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  }
  if (typeof claims.iat !== 'number' || claims.iat > now + CLOCK_SKEW_SECONDS) {
    throw new Refusal(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  return { kind: 'app', app };
}

export function roleOf(hub: Hub, repo: Repository, login: string): Role | undefined {
  if (login.toLowerCase() === repo.owner.toLowerCase()) return 'admin';
  const account = findAccount(hub, login);
  const own = account && repo.collaborators[account.login];
  const teams = hub.db
    .filter(
      'teams',
      ({ org, members }) => org === repo.owner && account !== undefined && account.login in members,
    )
    .flatMap(({ repositories }) => repositories[repo.id] ?? []);
  const everyone: Role[] = repo.private ? [] : ['read'];
  return [...(own ? [own] : []), ...teams, ...everyone].toSorted(
    (a, b) => ROLES.indexOf(b) - ROLES.indexOf(a),
  )[0];
}

export function hasRole(hub: Hub, repo: Repository, login: string, wanted: Role): boolean {
  const role = roleOf(hub, repo, login);
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/**
 * What an endpoint asks. `permissions` as in the header x-accepted-github-permissions: alternatives apart by
 * `;`, all of one alternative apart by `,`; empty = any token that reaches the repository.
 */
export type Access = { permissions: string; role: Role };

export function allows(granted: Permissions, wanted: string): boolean {
  if (wanted === '') return true;
  return wanted.split(';').some((alternative) =>
    alternative
      .trim()
      .split(',')
      .every((one) => {
        const [name = '', level] = one.trim().split('=');
        const has = name === 'metadata' ? (granted[name] ?? 'read') : granted[name];
        return has === 'write' || (has === 'read' && level === 'read');
      }),
  );
}

export function canRead(hub: Hub, repo: Repository, actor: Actor): boolean {
  if (!repo.private) return true;
  if (actor.kind === 'user') return hasRole(hub, repo, actor.login, 'read');
  if (actor.kind === 'installation' || actor.kind === 'job') return actor.repository_ids.includes(repo.id);
  return false;
}

export function authorize(options: { hub: Hub; repo: Repository; actor: Actor; access: Access }): void {
  const { hub, repo, actor, access } = options;
  if (actor.kind === 'app') throw new Refusal(403, 'Resource not accessible by integration');
  if (!canRead(hub, repo, actor)) throw notFound();
  const reads =
    access.permissions === '' || access.permissions.split(';').some((one) => !one.includes('=write'));
  if (actor.kind === 'anonymous') {
    if (reads && access.role === 'read') return;
    throw new Refusal(401, 'Requires authentication');
  }
  if (actor.kind === 'user') {
    if (hasRole(hub, repo, actor.login, access.role)) return;
    throw new Refusal(
      403,
      access.role === 'admin'
        ? 'Must have admin rights to Repository.'
        : 'Must have push access to repository',
    );
  }
  // A token narrowed to other repositories cannot write to a public one.
  const inReach = actor.repository_ids.includes(repo.id);
  if (inReach ? allows(actor.permissions, access.permissions) : reads) return;
  throw new Refusal(403, 'Resource not accessible by integration', {
    headers: { 'x-accepted-github-permissions': access.permissions },
  });
}

/** What the owner of the installation has accepted so far: all, unless the app asked for more since. */
export function grantedTo(app: App, installation: Installation): Permissions {
  return installation.permissions ?? app.permissions;
}
