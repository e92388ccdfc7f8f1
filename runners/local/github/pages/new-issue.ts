import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import { listTree, resolveCommit } from '../rest/contents.ts';
import { readYaml } from '../yaml.ts';
import { type Html, html } from './html.ts';
import { href, type PageCall, repositoryPage } from './layout.ts';
import { markdown } from './markdown.ts';

/** GitHub docs, syntax-for-githubs-form-schema: what Roundhouse's forms are made of. */
const FIELD = z.object({
  type: z.enum(['markdown', 'input', 'textarea', 'dropdown', 'checkboxes']),
  id: z.string().optional(),
  attributes: z.object({
    label: z.string().default(''),
    description: z.string().default(''),
    placeholder: z.string().default(''),
    value: z.string().default(''),
    render: z.string().optional(),
    multiple: z.boolean().default(false),
    options: z
      .array(
        z.union([
          z.object({ label: z.string(), required: z.boolean().default(false) }),
          z.union([z.string(), z.number(), z.boolean()]).transform(String),
        ]),
      )
      .default([]),
  }),
  validations: z.object({ required: z.boolean().default(false) }).default({ required: false }),
});
const FORM = z.object({
  name: z.string(),
  description: z.string().default(''),
  title: z.string().default(''),
  labels: z
    .union([z.string().transform((text) => text.split(',').map((one) => one.trim())), z.array(z.string())])
    .default([]),
  body: z.array(FIELD),
});
type Field = z.infer<typeof FIELD>;
type IssueForm = z.infer<typeof FORM> & { file: string };

const FOLDER = '.github/ISSUE_TEMPLATE';

/** The issue forms of the default branch; a file that is none is left out, as on GitHub. */
async function issueForms(call: PageCall): Promise<IssueForm[]> {
  const git = call.hub.git(call.repo);
  const commit = await resolveCommit(call.hub, call.repo, undefined);
  const folder = commit ? await git.info(`${commit}:${FOLDER}`) : undefined;
  if (folder?.type !== 'tree') return [];
  const files = (await listTree(git, folder.oid)).filter(
    ({ path }) => /\.ya?ml$/.test(path) && !/^config\./.test(path),
  );
  const forms = await Promise.all(
    files.map(async ({ path, sha }) => {
      const text = (await git.read(sha))?.content.toString() ?? '';
      const read = readYaml(text);
      const form = 'fault' in read ? undefined : FORM.safeParse(read.value).data;
      if (form) return [{ ...form, file: path }];
      call.hub.log(`${FOLDER}/${path} is no issue form`);
      return [];
    }),
  );
  return forms.flat();
}

/** `/issues/new`: the forms to choose from, the chosen one, or a blank issue. */
export async function newIssuePage(call: PageCall): Promise<string> {
  const forms = await issueForms(call);
  const chosen = forms.find(({ file }) => file === call.query.template);
  const choices = forms.map(
    ({ file, name, description }) =>
      html`<li><a href="${href(call, 'issues/new')}?template=${encodeURIComponent(file)}"><strong>${name}</strong></a> <span class="soft">${description}</span></li>`,
  );
  const main = html`<h2>New issue</h2>${choices.length > 0 && html`<div class="panel"><h3>Forms</h3><ul class="rows">${choices}</ul></div>`}
<div class="panel"><h3>${chosen?.name ?? 'Blank issue'}</h3><div class="body"><form method="post">
<input type="hidden" name="template" value="${chosen?.file ?? ''}"><label>Title <input name="title" value="${chosen?.title ?? ''}" required></label>
${chosen ? chosen.body.map((field, at) => fieldInput(field, at)) : html`<label>Text <textarea name="body" rows="8"></textarea></label>`}
<button class="primary"${!call.login && html` disabled`}>Create issue</button></form>${!call.login && html`<p class="soft">Sign in to create it.</p>`}</div></div>`;
  return repositoryPage(call, { title: 'New issue', tab: '/issues', main });
}

function fieldInput({ type, attributes, validations }: Field, at: number): Html {
  const { label, description, placeholder, value, options, multiple } = attributes;
  if (type === 'markdown') return markdown(value);
  const required = validations.required && html` required`;
  const note = description && html`<span class="soft">${description}</span>`;
  const name = `field-${at}`;
  if (type === 'checkboxes') {
    const boxes = options.map((option, index) => {
      const text = typeof option === 'string' ? option : option.label;
      const must = typeof option !== 'string' && option.required && html` required`;
      return html`<p><input type="checkbox" id="${name}-${index}" name="${name}-${index}"${must}> <label for="${name}-${index}" class="beside">${text}</label></p>`;
    });
    return html`<fieldset><legend>${label}</legend>${note}${boxes}</fieldset>`;
  }
  const control =
    type === 'input'
      ? html`<input name="${name}" value="${value}" placeholder="${placeholder}"${required}>`
      : type === 'textarea'
        ? html`<textarea name="${name}" rows="4" placeholder="${placeholder}"${required}>${value}</textarea>`
        : html`<select name="${name}"${multiple && html` multiple`}${required}>${!multiple && html`<option value="">None</option>`}${options.map((option) => html`<option>${String(option)}</option>`)}</select>`;
  return html`<label>${label}${validations.required && ' *'} ${note}${control}</label>`;
}

export type NewIssue = { title: string; body: string; labels: string[] };

/** What a sent form says: each answer under its label, `_No response_` where there is none. */
export async function readIssueForm(call: PageCall, form: Record<string, string>): Promise<NewIssue> {
  const title = form.title ?? '';
  const chosen = form.template
    ? (await issueForms(call)).find(({ file }) => file === form.template)
    : undefined;
  if (!chosen) return { title, body: form.body ?? '', labels: [] };
  const sections = chosen.body.flatMap((field, at) =>
    field.type === 'markdown' ? [] : [`### ${field.attributes.label}\n\n${answer(field, at, form)}`],
  );
  // A label of the form that the repository has not is dropped.
  const labels = chosen.labels.filter((name) => call.repo.labels.some((one) => one.name === name));
  return { title, body: sections.join('\n\n'), labels };
}

function answer({ type, attributes, validations }: Field, at: number, form: Record<string, string>): string {
  const name = `field-${at}`;
  if (type === 'checkboxes') {
    const lines = attributes.options.map((option, index) => {
      const text = typeof option === 'string' ? option : option.label;
      const ticked = form[`${name}-${index}`] !== undefined;
      if (!ticked && typeof option !== 'string' && option.required)
        throw new Refusal(422, `${attributes.label}: "${text}" must be ticked`);
      return `- [${ticked ? 'X' : ' '}] ${text}`;
    });
    return lines.join('\n');
  }
  const value = (form[name] ?? '').replace(/\r\n/g, '\n').trim();
  if (value === '' && validations.required) throw new Refusal(422, `${attributes.label} must not be empty`);
  if (value === '') return '_No response_';
  return attributes.render ? `\`\`\`${attributes.render}\n${value}\n\`\`\`` : value;
}
