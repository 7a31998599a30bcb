"""PURE: the style sheet and the script of the pages. Without the script, the page of a running run is not refreshed; all else works."""

from ..presentation.report.style import CSS

STYLE = (
    CSS
    + """
.bar{display:flex;flex-wrap:wrap;gap:6px 26px;align-items:baseline;max-width:1200px;margin:0 auto;padding:18px 28px;font-size:14px}
.bar b{font-size:16px;letter-spacing:-.01em}.bar a{text-decoration:none}
.bar .place{margin-left:auto;color:var(--muted);overflow-wrap:anywhere}
.wide{max-width:1200px}
form.filter{display:flex;flex-wrap:wrap;gap:10px 12px;align-items:end;margin:14px 0 6px}
label{display:grid;gap:3px;font-size:13px;color:var(--muted);min-width:0;max-width:100%}
input,select,button{font:inherit;font-size:14px;color:var(--text);background:var(--bg);border:1px solid var(--strong);border-radius:7px;
padding:6px 10px}select{max-width:min(260px,100%)}
input[type=search]{min-width:min(280px,70vw)}
button{cursor:pointer}button.first{background:var(--accent);border-color:var(--accent);color:var(--bg)}
button:disabled{opacity:.45;cursor:default}
.runs td,.runs th{padding-top:8px;padding-bottom:8px}
.runs .pick{width:30px}
.runs .name small{display:block;margin:0}.wide~footer{max-width:1200px}
.runs thead a{color:inherit}
.sides small{display:block}.sides td,.sides th{padding-top:8px;padding-bottom:8px}
.compared{padding-left:0;list-style:none;margin:14px 0}.verdict{font-weight:600;max-width:none}
.pages{display:flex;gap:18px;align-items:baseline;margin:16px 0;font-size:14px}
.live{font-size:13px;color:var(--accent);min-height:21px}
.bar [aria-current]{color:var(--text);font-weight:600}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.front section{margin-top:44px}.front section.now{margin-top:10px}
.front .headline{font-size:15px;margin-top:14px}.front .headline b{font-size:36px}
.deck{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:18px;align-items:start;margin-top:14px}
.card{max-width:564px;padding:18px 20px 16px;border:1px solid var(--line);border-radius:12px;min-width:0}
.card h3{margin:0}.card .about{margin:2px 0 0;font-size:13px}.card figure{margin-top:12px}
.card .plot{margin-right:6px}.card figcaption{font-size:13px}
.figures{display:flex;flex-wrap:wrap;gap:8px 26px;margin:14px 0 0}
.figures dt{font-size:13px;color:var(--muted)}
.figures dd{margin:0;font-size:19px;font-weight:600;letter-spacing:-.01em}
.figures :is(small,.more){display:block;font-size:13px;font-weight:400;letter-spacing:0;color:var(--muted)}
.card .figures+.about{margin-top:12px}.used{display:block;margin:6px 0}
.sparkline{margin-top:12px}.sparkline svg{display:block}.sparkline small{display:block;margin-top:2px}
.spark{fill:none;stroke:var(--accent);stroke-width:1.5;vector-effect:non-scaling-stroke}.under{fill:var(--accent);opacity:.12}
.best{margin:12px 0 0;padding-left:22px;font-size:14px}.best li{padding:3px 0}
.best .figure{display:block;max-width:none;text-align:left;font-size:13px;color:var(--muted)}
.month .bars{margin-top:20px}
form.filter>a{padding:6px 4px}
@media (max-width:600px){.bar{padding:14px 16px}
:is(.bar,h3,th,td,li,.filter,.pages) a{display:inline-block;min-height:24px;padding:2px 0}
input[type=checkbox]{width:24px;height:24px;margin:0}
summary{padding-top:4px;padding-bottom:4px}
.figures{gap:8px 18px}
form.filter{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
form.filter :is(input,select){width:100%;min-width:0;max-width:100%}form.filter :is(label:first-child,button,a){grid-column:1/-1}
.runs.cards thead{position:static;width:auto;height:auto;clip-path:none}
.runs thead tr{display:flex;flex-wrap:wrap;gap:4px 14px;padding:0 0 10px;border-bottom:1px solid var(--line)}
.runs thead tr::before{content:"sort by";font-size:13px;color:var(--muted)}
.runs thead :is(.pick,.unsorted){display:none}.runs thead th{padding:0}
.runs.cards tbody tr{grid-template-columns:26px 1fr 1fr;align-items:start}
.runs.cards tbody :is(td,th){padding:0}.cards :is(td,th),.cards td[data-head]::before{min-width:0;overflow-wrap:anywhere;white-space:normal}
.runs thead th{white-space:normal;overflow-wrap:anywhere}
.runs.cards tbody .pick{grid-row:1/span 5;width:auto;padding-top:2px}.runs.cards tbody .name{grid-column:2/-1}}
@media print{.bar,form.filter,.pages,.live,.pick{display:none}}
"""
)

SCRIPT = """
const form = document.querySelector('form.picked');
if (form) {
  const button = form.querySelector('button'), boxes = [...form.querySelectorAll('input[name=run]')];
  const count = () => { const n = boxes.filter(box => box.checked).length;
    button.disabled = n < 2; button.textContent = n < 2 ? 'Compare: select two runs or more' : `Compare ${n} runs`; };
  form.addEventListener('change', count);
  count();
}
const rest = document.querySelector('[data-again]');  // of the first page: what is read again, but not all the time
const renew = async () => {
  if (!rest || document.hidden || rest.contains(document.activeElement)) return;
  try {
    const page = new DOMParser().parseFromString(await (await fetch(rest.dataset.again)).text(), 'text/html');
    const made = page.querySelector('[data-again]'), open = [...rest.querySelectorAll('details')].map(e => e.open);
    if (!made) return;
    rest.innerHTML = made.innerHTML;
    rest.querySelectorAll('details').forEach((e, i) => { e.open = open[i]; });
  } catch { /* the server is gone: what trains now says so */ }
};
if (rest) setInterval(renew, 60000);
const live = document.querySelector('[data-live]');
if (live) {
  const said = document.querySelector('.live');
  const stops = 'a, summary, pre, .plot, .scroll', all = what => [...live.querySelectorAll(what)];
  // names an element by its words, because its figures change
  const key = e => e.tagName + e.classList[0] + (e.matches('summary, a') ? e.textContent : '').replace(/[^\\p{L}]+/gu, '');
  const source = new EventSource(live.dataset.live);
  const idle = () => live.querySelector('.now') && !live.querySelector('.card');  // then nothing changes for long
  const say = () => { said.textContent = idle() ? 'live' : 'live: as of ' + new Date().toLocaleTimeString(); };
  source.addEventListener('update', event => {
    const open = new Set(all('details[open] > summary').map(key)), at = document.activeElement;
    const focused = at && live.contains(at) ? key(at) : null;
    const shown = () => all('.card h3 a').map(e => e.href).join();
    const before = shown();
    live.innerHTML = JSON.parse(event.data);
    if (shown() !== before) renew();  // a run has begun or ended
    for (const summary of all('details > summary')) summary.parentElement.open = open.has(key(summary));
    const refocus = () => { if (focused) all(stops).find(e => key(e) === focused)?.focus({preventScroll: true}); };
    if (!live.querySelector('figure[data-read]')) { refocus(); say(); return; }
    const again = document.createElement('script');
    again.src = '/static/report.js';
    refocus();
    again.addEventListener('load', refocus);  // a chart can have the focus only after its script has run
    live.append(again);
    say();
  });
  source.addEventListener('silent', () => { said.textContent = 'the database does not answer: this is an earlier state'; });
  source.addEventListener('ended', () => { source.close(); said.remove(); });  // the last update is the page of the run that ended
  source.onerror = () => { said.textContent = 'not connected: this is an earlier state'; };
}
"""
