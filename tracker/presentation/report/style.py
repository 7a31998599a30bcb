"""PURE: the style sheet and the script of a report. Without the script, a chart cannot be read at a point; all else works."""

LIGHT = """
--bg:#fff;--soft:#f6f7f8;--text:#1b1f23;--muted:#5b636c;--line:#e3e6e9;--strong:#c4cad0;--accent:#0b5cad;
--gpu-0:#0b5fa5;--gpu-1:#4f94d4;--gpu-2:#08477d;--gpu-3:#2d83cc;--cpu-0:#b35202;--cpu-1:#d67a22;--cpu-2:#8a3d00;--dram-0:#0b7a5b;
--dram-1:#2f9c79;--platform-0:#6b7280;--phase-0:#7b5ea7;--phase-1:#a6761d;--phase-2:#27828f;--phase-3:#bd4f76;--phase-4:#66707b;
--phase-5:#5562b5;--counter:#0b5fa5;--gauge:#4f94d4;--imputed:#a97a12;--model:#b3541e;--grid:#66707b;--good:#1a7f4b;--bad:#b42318;
--warn:#8a5a00;--notice:#fff8e6;--stripe:#ffffff99;--band:.13
"""
DARK = """
--bg:#121416;--soft:#1a1d20;--text:#eceef0;--muted:#a0a7ae;--line:#2a2e33;--strong:#4a5057;
--accent:#7cb8f2;--gpu-0:#3d8fd6;--gpu-1:#85bff0;--gpu-2:#2f7cc0;--gpu-3:#b3d7f6;--cpu-0:#ee8a33;--cpu-1:#f7b878;--cpu-2:#cf6f16;
--dram-0:#2fae88;--dram-1:#79d0b5;--platform-0:#8b929b;--phase-0:#b49ade;--phase-1:#d8ab52;--phase-2:#5fb9c6;--phase-3:#e58bab;
--phase-4:#9aa3ad;--phase-5:#98a3ee;--counter:#3d8fd6;--gauge:#85bff0;--imputed:#e5b95f;--model:#e08752;--grid:#9aa3ad;--good:#5cc58f;
--bad:#f28b82;--warn:#e8bf6a;--notice:#2a2415;--stripe:#00000080;--band:.2
"""
"""Colours by name. Devices of one kind differ in lightness. Devices of different kinds also differ in hue: blue, orange and green can be
told apart with any colour vision."""

_SCREEN = """
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
main,.top,footer{max-width:1000px;margin:0 auto;padding:0 28px}
.top{padding-top:40px}
article{padding:40px 0 24px}
article+article{border-top:1px solid var(--line)}
h1,h2,h3{font-weight:600;line-height:1.25;margin:0;letter-spacing:-.01em}
.top h1{margin-bottom:14px}
h1{font-size:22px;overflow-wrap:anywhere}
h2{font-size:18px}
section{margin-top:52px}
section>h2{margin-bottom:6px}
section>h3{margin-top:30px}
h3{font-size:15px;margin-bottom:10px}
p{margin:6px 0;max-width:72ch}
a{color:var(--accent);text-underline-offset:2px;overflow-wrap:anywhere}
.text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.muted,small,caption,figcaption{color:var(--muted)}
small{font-size:13px}
.headline{font-size:18px;color:var(--muted);margin:22px 0 4px;max-width:none}
.headline b{display:block;font-size:46px;line-height:1.15;font-weight:600;letter-spacing:-.025em;color:var(--text)}
.status{display:inline-block;font-size:13px;font-weight:500;padding:1px 10px;border-radius:99px;border:1px solid currentColor;
vertical-align:2px;margin-left:10px;letter-spacing:0}
.completed,.searched{color:var(--good)}.pruned{color:var(--muted)}.failed{color:var(--bad)}.interrupted{color:var(--warn)}.running{color:var(--accent)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;margin:28px 0 0;background:var(--line);
border:1px solid var(--line);border-radius:10px;overflow:hidden}
.facts div{background:var(--bg);padding:14px 18px}
.facts dt{font-size:13px;color:var(--muted)}
.facts dd{margin:2px 0 0;font-size:19px;font-weight:600;letter-spacing:-.01em}
.facts dd small{display:block;font-weight:400;letter-spacing:0}
.about{margin-top:8px;font-size:14px;color:var(--muted);max-width:none}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{margin:10px 0 0;padding:10px 14px;background:var(--soft);border-radius:8px;max-height:9em;overflow:auto}
pre code{white-space:pre-wrap;overflow-wrap:anywhere}
.notice{background:var(--notice);border-radius:8px;padding:10px 16px;margin-top:18px;max-width:none}
figure{margin:18px 0 0}
figcaption,p.muted,section>ul{font-size:14px}
section>ul{padding-left:20px}
.plot{position:relative;margin:14px 0 0 62px;border-radius:3px}
.plot.grid{margin-top:6px}
.chart{display:block;overflow:visible}
.chart text{font-size:12px;fill:var(--muted)}
.chart .left{text-anchor:end}.chart .middle{text-anchor:middle}.chart .first{text-anchor:start}.chart .last{text-anchor:end}
.marks line{vector-effect:non-scaling-stroke}
.level{stroke:var(--line)}.axis{stroke:var(--strong)}
.cursor{stroke:var(--text);stroke-dasharray:3 3}
.band{opacity:var(--band)}
rect.grid{fill:var(--grid);opacity:.75}rect.grid.estimated{opacity:.4}
.modelled{fill:url(#stripes)}.stripe{fill:var(--stripe)}
.marks path.lane{fill:none;stroke-width:1.5;vector-effect:non-scaling-stroke}
.defs{position:absolute}
.readout{display:block;min-height:21px;margin:4px 0 0 62px;font-size:13px;color:var(--muted)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:10px 0 0;padding:0;font-size:13px}
.legend li{display:flex;align-items:baseline;gap:7px;max-width:100%}
.legend svg{flex:none;position:relative;top:1px}
.plot~.legend{margin-left:62px}
.bars{list-style:none;margin:0;padding:0}
.bars li{margin:0 0 14px}
.bars svg{display:block;overflow:visible}
.words{display:flex;justify-content:space-between;align-items:baseline;gap:16px;font-size:14px;line-height:1.4;margin-bottom:4px}
.name{min-width:0}.name small{margin-left:8px}
.figure{flex:none;text-align:right;max-width:70%}
.track{fill:var(--soft)}.range{stroke:var(--text);stroke-width:1.5}
.plain{fill:var(--muted)}
.sweep .middle{paint-order:stroke;stroke:var(--bg);stroke-width:3px}
.dot{fill-opacity:.55}.mean{stroke-width:2.5}path.over{fill:none;stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-opacity:.8}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,360px),1fr));gap:0 48px}
details{margin:14px 0 0;font-size:14px}
summary{cursor:pointer;color:var(--accent);width:fit-content;padding:2px 6px;margin-left:-6px;border-radius:5px}
details[open]>summary{margin-bottom:8px}
.legend li:first-child{color:var(--muted)}
.scroll{overflow:auto;margin-top:10px;border-radius:6px}
.scroll.long{max-height:460px}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;padding:0 0 6px;font-size:13px}
th,td{text-align:left;vertical-align:top;padding:6px 18px 6px 0;border-bottom:1px solid var(--line)}
th{font-weight:500}
thead th{color:var(--muted);font-size:13px;position:sticky;top:0;background:var(--bg);white-space:nowrap}
th[scope=row]{overflow-wrap:anywhere;min-width:90px}
.n{text-align:right;white-space:nowrap}
.named{white-space:normal;overflow-wrap:break-word;unicode-bidi:isolate}
.cards a{overflow-wrap:break-word}
.cards th[scope=row]{overflow-wrap:break-word;min-width:200px}
.cards .quantity .more{display:block;font-size:13px;color:var(--muted)}
tr>:last-child{padding-right:0}
ol{padding-left:26px;font-size:14px}
li::marker{color:var(--muted)}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
footer{border-top:1px solid var(--line);padding:20px 28px 48px;margin-top:40px;font-size:13px;color:var(--muted)}
@media (max-width:600px){main,.top,footer{padding-left:16px;padding-right:16px}.headline b{font-size:36px}
.plot,.readout,.plot~.legend{margin-left:52px}.words{flex-wrap:wrap;gap:0 12px}.figure{max-width:100%;text-align:left}
section{margin-top:42px}.chart .spare{display:none}
.cards :is(table,caption,tbody,th,td){display:block}
.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.cards tbody tr{display:grid;grid-template-columns:1fr 1fr;gap:6px 16px;padding:12px 0;border-bottom:1px solid var(--line)}
.cards :is(th,td){border:0;padding:0;text-align:left}
.cards th[scope=row]{grid-column:1/-1}
.cards td[data-head]::before{content:attr(data-head);display:block;font-size:13px;color:var(--muted)}}
"""
_PRINT = """
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
@page{margin:16mm 14mm}body{font-size:11pt}main,.top,footer{max-width:none;padding-left:0;padding-right:0}
section{margin-top:26pt}article+article{break-before:page}figure,.bars li,tr,.facts{break-inside:avoid}h2,h3{break-after:avoid}
.cards table{font-size:9pt}.cards :is(th,td){padding-right:10px}.cards th[scope=row]{min-width:0}
.cards :is(small,thead th,.quantity .more){font-size:8pt}.cards thead th{white-space:normal}
.scroll,.scroll.long,pre{max-height:none;overflow:visible}thead th{position:static}details:not([open]),.readout{display:none}
"""
_FILLED = (
    *("gpu-0", "gpu-1", "gpu-2", "gpu-3", "cpu-0", "cpu-1", "cpu-2", "dram-0", "dram-1", "platform-0"),
    *(f"phase-{i}" for i in range(6)),
    *("counter", "gauge", "imputed", "model"),
)
CSS = (
    f":root{{color-scheme:light dark;{LIGHT}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}"
    f"{_SCREEN}{''.join(f'.{name}{{fill:var(--{name})}}' for name in _FILLED)}"
    f"{''.join(f'.lane.{kind}-0{{stroke:var(--{kind}-0)}}' for kind in ('gpu', 'cpu'))}"
    f"{''.join(f'.over.phase-{i}{{stroke:var(--phase-{i})}}' for i in range(6))}"
    f"@media print{{:root{{color-scheme:light;{LIGHT}}}{_PRINT}}}"
)

SCRIPT = """
for (const figure of document.querySelectorAll('figure[data-read]')) {
  const rows = [...figure.querySelectorAll('details table tbody tr')];
  const names = [...figure.querySelectorAll('details table thead th')].map(cell => cell.textContent);
  const plot = figure.querySelector('.plot'), line = plot.querySelector('.cursor'), out = figure.querySelector('.readout');
  const starts = rows.map(row => Number(row.dataset.at));
  if (!rows.length) continue;
  let at = 0;
  const read = index => {
    at = Math.max(0, Math.min(rows.length - 1, index));
    const next = at + 1 < rows.length ? starts[at + 1] : 1;
    const x = 100 * (starts[at] + Math.min(next, 1)) / 2 + '%';
    line.setAttribute('x1', x); line.setAttribute('x2', x); line.setAttribute('visibility', 'visible');
    const cells = [...rows[at].children].map(cell => cell.textContent);
    out.textContent = cells.map((text, i) => i ? names[i] + ' ' + text : text).filter((_, i) => cells[i]).join('  ·  ');
  };
  const hide = () => { line.setAttribute('visibility', 'hidden'); out.textContent = out.dataset.hint; };
  const found = share => { let i = starts.findIndex(start => start > share); return (i < 0 ? rows.length : i) - 1; };
  plot.addEventListener('pointermove', event => {
    const box = plot.getBoundingClientRect(); read(found((event.clientX - box.left) / box.width));
  });
  plot.addEventListener('pointerleave', hide);
  plot.addEventListener('blur', hide);
  plot.addEventListener('focus', () => { if (plot.matches(':focus-visible')) read(at); });
  plot.addEventListener('keydown', event => {
    const page = Math.max(1, Math.round(rows.length / 20));
    const to = {ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - page, PageDown: at + page, Home: 0, End: rows.length - 1}[event.key];
    if (to !== undefined) { event.preventDefault(); read(to); }
  });
  plot.tabIndex = 0;
  plot.setAttribute('role', 'group');
  plot.setAttribute('aria-label', out.dataset.hint);
  hide();
}
"""
