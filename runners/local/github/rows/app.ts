import type { Permissions } from '../../protocol.ts';

export type App = {
  id: number;
  slug: string;
  name: string;
  owner: string;
  client_id: string;
  public_key: string;
  webhook_url: string;
  webhook_secret: string;
  permissions: Permissions;
  events: string[];
  created_at: string;
};

export type Installation = {
  id: number;
  app_id: number;
  account: string;
  repository_ids: number[];
  suspended_at?: string | null;
  /** What its owner accepted, where the app asks for more by now. */
  permissions?: Permissions;
  created_at: string;
};

/** Kept by the sha256 of the token, never by the token. */
export type Token =
  | { kind: 'user'; login: string }
  | {
      kind: 'installation';
      installation_id: number;
      permissions: Permissions;
      repository_ids: number[];
      expires_at: string;
    }
  | {
      kind: 'job';
      run_id: number;
      attempt: number;
      repository_id: number;
      permissions: Permissions;
      expires_at: string;
    };

export type Delivery = {
  id: number;
  guid: string;
  app_id: number;
  installation_id: number | null;
  repository_id: number | null;
  event: string;
  action: string | null;
  redelivery: boolean;
  payload: unknown;
  /** Null while waiting to be sent. */
  delivered_at: string | null;
  created_at: string;
  duration: number;
  status: string;
  status_code: number;
  response: { headers: Record<string, string>; body: string } | null;
};
