import { notFound } from '../refusal.ts';
import { milestoneShape } from '../shapes/issue.ts';
import { actButton } from './forms.ts';
import { badge, html, time } from './html.ts';
import { href, type PageCall, repositoryPage } from './layout.ts';
import { markdown } from './markdown.ts';

export function labelsPage(call: PageCall): string {
  const rows = call.repo.labels.map(
    ({ name, description, color }) =>
      html`<li><span class="label">${name}</span> <span class="soft">#${color} ${description}</span> <a href="${href(call, 'issues')}?label=${encodeURIComponent(name)}">issues</a> ${call.login && actButton('delete', 'Delete', { name })}</li>`,
  );
  const make =
    call.login &&
    html`<form method="post"><input type="hidden" name="act" value="create"><label>Name <input name="name" required></label><label>Colour <input name="color" value="ededed"></label><label>Description <input name="description"></label><button>Create label</button></form>`;
  const main = html`<h2>Labels</h2><div class="panel"><ul class="rows">${rows}</ul></div>${make}`;
  return repositoryPage(call, { title: 'Labels', tab: '/issues', main });
}

export function milestonesPage(call: PageCall): string {
  const rows = call.repo.milestones.map((one) => {
    const { open_issues, closed_issues } = milestoneShape(call.hub, call.repo, one);
    const next = one.state === 'open' ? 'closed' : 'open';
    return html`<li>${badge(one.state)} <a href="${href(call, 'milestone', one.number)}"><strong>${one.title}</strong></a>
<div class="soft">${open_issues} open, ${closed_issues} closed${one.due_on && html`, due ${time(one.due_on)}`}</div>${call.login && actButton('state', one.state === 'open' ? 'Close' : 'Reopen', { number: String(one.number), state: next })}</li>`;
  });
  const make =
    call.login &&
    html`<form method="post"><input type="hidden" name="act" value="create"><label>Title <input name="title" required></label><label>Description <textarea name="description" rows="3"></textarea></label><button>Create milestone</button></form>`;
  const main = html`<h2>Milestones</h2><div class="panel"><ul class="rows">${rows}${rows.length === 0 && html`<li class="soft">None.</li>`}</ul></div>${make}`;
  return repositoryPage(call, { title: 'Milestones', tab: '/issues', main });
}

export function milestonePage(call: PageCall): string {
  const milestone = call.repo.milestones.find(({ number }) => String(number) === call.params.number);
  if (!milestone) throw notFound();
  const rows = call.hub.db
    .filter('issues', (one) => one.repository_id === call.repo.id && one.milestone === milestone.number)
    .map(
      (one) =>
        html`<li>${badge(one.pull?.merged_at ? 'merged' : one.state)} <a href="${href(call, one.pull ? 'pull' : 'issues', one.number)}">${one.title}</a> <span class="soft">#${one.number}</span></li>`,
    );
  const main = html`<h2>${milestone.title}</h2><p>${badge(milestone.state)}</p>${milestone.description && markdown(milestone.description)}
<div class="panel"><ul class="rows">${rows}${rows.length === 0 && html`<li class="soft">No issues.</li>`}</ul></div>`;
  return repositoryPage(call, { title: milestone.title, tab: '/issues', main });
}
