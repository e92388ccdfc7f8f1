import { type Repository, statusOf } from './repository.ts';

export type AnnotatedTag = { name: string; message: string; target: string };

export type Tags = ReturnType<typeof tags>;

/** Annotated tags. A lightweight tag has no message and says nothing to the registry, so it isn't listed. */
export function tags({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  const known = new Map<string, AnnotatedTag>();
  return {
    /** `prefix` is the begin of the tags' names. */
    async list(prefix: string): Promise<AnnotatedTag[]> {
      const refs = await octokit.paginate(octokit.rest.git.listMatchingRefs, {
        ...at,
        ref: `tags/${prefix}`,
        per_page: 100,
      });
      const found: AnnotatedTag[] = [];
      for (const { ref, object } of refs) {
        if (object.type !== 'tag') continue;
        const tag = known.get(object.sha) ?? (await read(object.sha, ref.slice('refs/tags/'.length)));
        known.set(object.sha, tag);
        found.push(tag);
      }
      return found;
    },
    /** 'exists' when a tag of that name is there; 'workflows' when GitHub refuses it for workflow files. */
    async create({ name, message, target }: AnnotatedTag): Promise<'created' | 'exists' | 'workflows'> {
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
        if (statusOf(error) === 422) return 'exists';
        if (statusOf(error) === 403 && String(error).includes('workflows')) return 'workflows';
        throw error;
      }
    },
  };

  async function read(sha: string, name: string): Promise<AnnotatedTag> {
    const { data } = await octokit.rest.git.getTag({ ...at, tag_sha: sha });
    return { name, message: data.message, target: data.object.sha };
  }
}
