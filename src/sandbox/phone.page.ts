import { createHash } from 'node:crypto';

/** The page at `/sandbox`: everything that came from others is shown through textContent, never as HTML. */

const style = `
* { box-sizing: border-box; margin: 0 }
body { font: 15px/1.4 system-ui, sans-serif; background: #eef0f3; color: #1c1e21; height: 100vh; display: grid;
  grid-template-columns: 250px minmax(300px, 430px) minmax(250px, 1fr); gap: 20px; padding: 20px; justify-content: center }
h1 { font-size: 17px } h2 { font-size: 13px; color: #606770; margin: 16px 0 6px }
button, input, select { font: inherit; border: 1px solid #ccd0d5; border-radius: 18px; padding: 6px 14px; background: #fff; max-width: 100% }
button { cursor: pointer; color: #0866ff } button:hover { background: #f0f6ff }
aside { overflow: auto } aside button, aside select { display: block; width: 100%; text-align: left; margin-bottom: 6px; border-radius: 10px }
aside button.on { background: #0866ff; color: #fff }
small { color: #606770; display: block; overflow-wrap: anywhere }
main { background: #fff; border: 10px solid #1c1e21; border-radius: 36px; display: flex; flex-direction: column; overflow: hidden }
header { padding: 12px 18px; border-bottom: 1px solid #e4e6eb; font-weight: 600 }
#thread { flex: 1; overflow: auto; padding: 14px; display: flex; flex-direction: column; gap: 4px }
.bubble { max-width: 80%; border-radius: 18px; padding: 8px 13px; background: #f0f0f0; align-self: flex-start; overflow-wrap: anywhere; white-space: pre-wrap }
.mine { background: #0866ff; color: #fff; align-self: flex-end }
.card { border: 1px solid #e4e6eb; border-radius: 14px; padding: 10px; margin-top: 6px; background: #fff; color: #1c1e21 }
.card button { display: block; width: 100%; margin-top: 6px }
.bubble img { max-width: 100%; max-height: 220px; border-radius: 12px; display: block; margin-top: 4px }
.note { font-size: 12px; color: #8a8d91; align-self: flex-end }
#chips { display: flex; flex-wrap: wrap; gap: 6px; padding: 8px 14px }
form { display: flex; gap: 8px; padding: 10px 14px 16px; border-top: 1px solid #e4e6eb } form input { flex: 1; min-width: 0 }
pre { font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere; color: #606770 }
.refused { background: #fff; border-left: 4px solid #e02849; border-radius: 8px; padding: 8px 12px; margin-bottom: 8px }
@media (max-width: 800px) { body { grid-template-columns: 1fr; height: auto } main { height: 80vh } }`;

const script = `
const $ = (id) => document.getElementById(id);
let psid, pageId, shown = '';

function el(tag, props, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}
async function call(path, body) {
  const answer = await fetch('/sandbox/' + path, body === undefined ? {} :
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const json = await answer.json();
  $('problem').textContent = json.error ? json.error.message
    : json.delivered && json.delivered.status !== 200 ? 'The service did not take it: ' + json.delivered.reason : '';
  return json;
}
const web = (url) => /^https?:/.test(url) ? url : undefined;
function image(url) {
  return web(url) && el('img', { src: url, alt: url, referrerPolicy: 'no-referrer' });
}
function link(url) {
  return web(url) ? el('a', { href: url, textContent: url, target: '_blank', rel: 'noopener noreferrer' }) : String(url);
}
async function tap(choice) {
  const tapped = await call('people/' + psid + '/taps', { ...choice, page_id: pageId });
  if (web(tapped.opened)) window.open(tapped.opened, '_blank', 'noopener');
  else if (tapped.opened) $('problem').textContent = 'Opened ' + tapped.opened;
  refresh();
}
function buttons(list) {
  return (list || []).map((each) => el('button', { textContent: each.title || each.type,
    onclick: () => tap({ title: each.title || each.type }) }));
}
function attachment({ type, payload }) {
  payload = payload || {};
  if (type === 'template') return template(payload);
  const url = payload.url || (payload.attachment_id && location.origin + '/sandbox/people/files/' + payload.attachment_id);
  if (type === 'image' || type === 'sticker') return image(url);
  if (payload.coordinates) return el('span', {}, '📍 ' + payload.coordinates.lat + ', ' + payload.coordinates.long);
  return el('span', {}, '📎 ' + type + ' ', url ? link(url) : '');
}
function template(payload) {
  if (payload.template_type === 'button') return el('div', { className: 'card' }, payload.text, ...buttons(payload.buttons));
  const cards = Array.isArray(payload.elements) ? payload.elements : [payload];
  return el('div', {}, ...cards.map((card) => el('div', { className: 'card' },
    image(card.image_url || card.url), ...(card.images || []).map((each) => image(each.url)),
    el('b', { textContent: card.title || payload.template_type }), el('small', { textContent: card.subtitle || card.coupon_code || '' }),
    ...buttons(card.buttons),
    ...(card.images || []).filter((each) => each.action).map((each) => el('button', { textContent: each.action.text || each.action.url,
      onclick: () => tap({ title: each.action.text || each.action.type }) })))));
}
function bubble(message) {
  const { attachment: one, attachments = [], template: utility, sticker_id: sticker } = message.message;
  const parts = [...(one ? [one] : []), ...attachments].map(attachment);
  const rest = utility ? 'Template ' + utility.name : sticker && parts.length === 0 ? 'Sticker ' + sticker : '';
  return el('div', { className: 'bubble' + (message.from === 'person' ? ' mine' : ''), title: message.mid },
    message.text || rest, ...parts, ...Object.values(message.reactions).map((emoji) => el('small', { textContent: emoji })));
}
async function refresh() {
  const [pages, people, calls] = await Promise.all(['pages', 'people', 'calls?refused=true'].map((path) => fetch('/sandbox/' + path).then((answer) => answer.json())));
  const view = psid && await fetch('/sandbox/people/' + psid + '/messages?page_id=' + pageId).then((answer) => answer.json());
  const state = JSON.stringify([pages, people, calls, view, psid, pageId]);
  if (state === shown) return;
  shown = state;
  if (!pageId && pages.data[0]) pageId = (pages.data.find((page) => page.callback_url) || pages.data[0]).id;
  $('pages').replaceChildren(...pages.data.map((page) => el('option', { value: page.id, selected: page.id === pageId,
    textContent: page.name + (page.callback_url ? '' : ' (no callback)') })));
  $('people').replaceChildren(...people.data.filter((each) => each.page_id === pageId).map((each) => el('button',
    { className: each.psid === psid ? 'on' : '', onclick: () => { psid = each.psid; refresh(); } },
    each.first_name + ' ' + each.last_name, el('small', { textContent: each.psid }))));
  $('refused').replaceChildren(...calls.data.slice(-20).reverse().map((each) => el('div', { className: 'refused' },
    (each.answer && each.answer.error ? each.answer.error.message : 'HTTP ' + each.status),
    el('pre', { textContent: each.method + ' ' + each.path + '\\n' + JSON.stringify(each.params, null, 1) }))));
  if (!view || !view.messages) return;
  $('name').textContent = view.page_name;
  const last = view.messages.filter((each) => each.from === 'person').at(-1);
  $('thread').replaceChildren(...view.messages.map(bubble), last ? el('div', { className: 'note', textContent: last.read ? 'Seen' : '' }) : '',
    view.typing ? el('div', { className: 'bubble', textContent: '● ● ●' }) : '');
  $('thread').scrollTop = $('thread').scrollHeight;
  $('chips').replaceChildren(...view.quick_replies.map((reply) => el('button', { textContent: reply.title || reply.content_type,
    onclick: () => tap(reply.title ? { title: reply.title } : reply.content_type === 'text' ? { payload: String(reply.payload) } : { content_type: reply.content_type }) })));
}
$('pages').onchange = () => { pageId = $('pages').value; psid = undefined; refresh(); };
$('new').onclick = async () => {
  psid = String(Math.floor(1e15 + Math.random() * 8e15));
  await call('people', { psid, page_id: pageId });
  refresh();
};
$('write').onsubmit = async (event) => {
  event.preventDefault();
  const text = $('text').value;
  if (!psid || !text) return;
  $('text').value = '';
  await call('people/' + psid + '/messages', { text, page_id: pageId });
  refresh();
};
setInterval(() => document.hidden || refresh().catch(() => {}), 1000);
refresh();`;

export const phonePage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Messenger sandbox</title><style>${style}</style></head>
<body>
<aside><h1>Messenger sandbox</h1><h2>Page</h2><select id="pages" aria-label="Page"></select>
<h2>People</h2><div id="people"></div><button id="new">New person</button></aside>
<main><header id="name">Choose a person, or make a new one</header><div id="thread" role="log"></div><div id="chips"></div>
<form id="write"><input id="text" placeholder="Aa" aria-label="Message" autocomplete="off"><button>Send</button></form></main>
<aside><h2>Problems</h2><p id="problem" role="status"></p><h2>Refused Graph calls</h2><div id="refused"></div></aside>
<script>${script}</script>
</body></html>`;

const hash = (content: string) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

/** Only this page's own style and script run; images of messages may come from anywhere. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src ${hash(style)}`,
  `script-src ${hash(script)}`,
  "img-src 'self' http: https:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
