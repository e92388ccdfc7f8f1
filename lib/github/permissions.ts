import { PERMISSIONS, type Permission } from '#lib/lifecycle/approval.ts';
import { orNull, type Repository } from './repository.ts';

export type People = ReturnType<typeof people>;

/** Who may do what: asked live, never from a cache. */
export function people({ octokit, owner, repo }: Repository) {
  return {
    async permission(login: string): Promise<Permission> {
      const answer = await orNull(
        octokit.rest.repos.getCollaboratorPermissionLevel({ owner, repo, username: login }),
      );
      if (answer === null) return 'none';
      const { role_name, permission } = answer.data;
      return (
        PERMISSIONS.find((level) => level === role_name) ??
        PERMISSIONS.find((level) => level === permission) ??
        'none'
      );
    },
    async inTeam(team: string, login: string): Promise<boolean> {
      const answer = await orNull(
        octokit.rest.teams.getMembershipForUserInOrg({ org: owner, team_slug: team, username: login }),
      );
      return answer?.data.state === 'active';
    },
  };
}
