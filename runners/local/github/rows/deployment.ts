export type Deployment = {
  id: number;
  repository_id: number;
  sha: string;
  ref: string;
  task: string;
  payload: unknown;
  environment: string;
  original_environment: string;
  description: string | null;
  creator: string;
  via_app: number | null;
  transient_environment: boolean;
  production_environment: boolean;
  created_at: string;
  updated_at: string;
};

type DeploymentState =
  | 'error'
  | 'failure'
  | 'inactive'
  | 'in_progress'
  | 'queued'
  | 'pending'
  | 'success'
  | 'waiting';

export type DeploymentStatus = {
  id: number;
  repository_id: number;
  deployment_id: number;
  state: DeploymentState;
  description: string;
  environment: string;
  environment_url: string;
  log_url: string;
  creator: string;
  via_app: number | null;
  created_at: string;
};

export type Environment = {
  id: number;
  repository_id: number;
  name: string;
  /** Minutes. */
  wait_timer: number;
  prevent_self_review: boolean;
  /** Logins; one of them suffices. */
  reviewers: string[];
  /** `protected` = branches with rules; a list = name patterns; null = every branch. */
  branches: 'protected' | string[] | null;
  secrets: Record<string, string>;
  vars: Record<string, string>;
  created_at: string;
  updated_at: string;
};

/** An answer of a reviewer to a job that waits for an environment. */
export type DeploymentReview = {
  id: number;
  run_id: number;
  environment_ids: number[];
  state: 'approved' | 'rejected';
  user: string;
  comment: string;
};
