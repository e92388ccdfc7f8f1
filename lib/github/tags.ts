import { isWorkflowsRefusal, orNull, type Repository, statusOf } from './repository.ts';

/** `message` is null for a lightweight tag: it says nothing, but its name is taken. */
export type Tag = { name: string; message: string | null; target: string };

export type Tags = ReturnType<typeof tags>;

/** Tags of a repository. */
export function tags({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  const known = new Map<string, Tag>();
  return {
    /** `prefix` is the begin of the tags' names. */
    async list(prefix: string): Promise<Tag[]> {
      const refs = await octokit.paginate(octokit.rest.git.listMatchingRefs, {
        ...at,
        ref: `tags/${prefix}`,
        per_page: 100,
      });
      const found: Tag[] = [];
      for (const { ref, object } of refs) {
        const name = ref.slice('refs/tags/'.length);
        if (object.type !== 'tag') {
          found.push({ name, message: null, target: object.sha });
          continue;
        }
        const tag = known.get(object.sha) ?? (await read(object.sha, name));
        known.set(object.sha, tag);
        found.push({ ...tag, name });
      }
      return found;
    },
    /**
     * An annotated tag. 'exists' when a tag of that name is there; 'workflows' when GitHub refuses it for
     * workflow files.
     */
    async create({
      name,
      message,
      target,
    }: Tag & { message: string }): Promise<'created' | 'exists' | 'workflows'> {
      const { data } = await octokit.rest.git.createTag({
        ...at,
        tag: name,
        message,
        object: target,
        type: 'commit',
      });
      try {
        await octokit.rest.git.createRef({ ...at, ref: `refs/tags/${name}`, sha: data.sha });
        return 'created';
      } catch (error) {
        // GitHub has one status for a name that is taken and for a name or target that it can't have.
        if (statusOf(error) === 422 && (await isThere(name))) return 'exists';
        if (isWorkflowsRefusal(error)) return 'workflows';
        throw error;
      }
    },
  };

  async function isThere(name: string): Promise<boolean> {
    return (await orNull(octokit.rest.git.getRef({ ...at, ref: `tags/${name}` }))) !== null;
  }

  async function read(sha: string, name: string): Promise<Tag> {
    const { data } = await octokit.rest.git.getTag({ ...at, tag_sha: sha });
    return { name, message: data.message, target: data.object.sha };
  }
}
