// The timeline: unpack the columns, draw them on one canvas, move about in them. All times are in units since the begin
// of the history; the view is [from, to].
(async () => {
'use strict';
const $ = id => document.getElementById(id);
const canvas = $('canvas'), tip = $('tip'), said = $('said'), ctx = canvas.getContext('2d');
const OK = 0, FAIL = 1, INFO = 2, OPEN = 3;
const STATUS = ['ok', 'failed', 'unknown', 'never answered'];

const unpack = async text => {
  const zipped = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const plain = new Blob([zipped]).stream().pipeThrough(new DecompressionStream('gzip'));
  const bytes = new Uint8Array(await new Response(plain).arrayBuffer());
  const size = new DataView(bytes.buffer).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  let at = 4 + size;
  const columns = {};
  for (const {name, n, width} of data.columns || []) {
    const values = new Float64Array(n);
    for (let b = 0, unit = 1; b < width; b++, unit *= 256)
      for (let i = 0; i < n; i++) values[i] += bytes[at++] * unit;
    columns[name] = values;
  }
  return {data, columns};
};
let data, columns;
try {
  ({data, columns} = await unpack($('data').textContent));
} catch (e) {
  canvas.replaceWith('The timeline can not be unpacked by this browser: ' + e);
  return;
}
$('data').remove();

// Bars come as the gap to the bar before and the length: make them begin and end, track by track.
const bars = (kind, lengths) => {
  const gap = columns[kind + '.gap'] || [], length = columns[kind + '.length'] || gap;
  const from = new Float64Array(gap.length), to = new Float64Array(gap.length), tracks = [];
  let i = 0;
  for (const n of lengths) {
    const first = i;
    for (let last = 0; i < first + n; i++) {
      from[i] = last + gap[i];
      last = to[i] = from[i] + (kind === 'access' ? 0 : length[i]);
    }
    tracks.push([first, i]);
  }
  return {from, to, tracks};
};
const lanes = data.lanes || [], faults = data.faults || [], anomalies = data.anomalies || [];
const ops = bars('op', lanes.flatMap(l => l.tracks));
const holds = bars('hold', lanes.map(l => l.holds));
const accesses = bars('access', lanes.map(l => l.accesses));
let track = 0;
lanes.forEach((l, i) => {
  l.tracks = l.tracks.map(() => ops.tracks[track++]);
  l.holds = holds.tracks[i];
  l.accesses = accesses.tracks[i];
});
const value = (name, i) => { const v = columns[name]; return v ? v[i] : 0; };
const signed = (name, i) => { const v = value(name, i); return v % 2 ? -(v + 1) / 2 : v / 2; };
const text = (name, i) => data.strings[value(name, i)];
const ofOps = columns['op.status'] || [], refused = columns['access.rejected'] || [];
// Ops in blocks, each with the worst status: where many are one pixel they are looked at block by block.
const BLOCK = 8, worstOf = new Uint8Array(Math.ceil(ofOps.length / BLOCK));
for (let i = 0; i < ofOps.length; i++) { const b = Math.floor(i / BLOCK); if (ofOps[i] > worstOf[b]) worstOf[b] = ofOps[i]; }

// ---- layout, top to bottom
const OVER = 26, AXIS = 20, ROW = 17, RIGHT = 10, TRACK = 15;
const tenures = data.tenures || [];
ctx.font = '600 12px system-ui, sans-serif';
const LEFT = Math.min(140, Math.max(64, ...[...lanes, ...tenures].map(l => Math.ceil(ctx.measureText(l.name).width) + 18)));
const rows = []; // of fault names: each row's end
for (const f of faults) {
  f.row = rows.findIndex(end => end <= f.from);
  if (f.row < 0) f.row = rows.push(0) - 1;
  rows[f.row] = f.to;
}
let top = OVER + AXIS + rows.length * ROW + 14;
const LANES = top;
for (const r of tenures) {
  r.y = top;
  r.height = r.tracks.length * ROW;
  top += r.height + 5;
}
for (const l of lanes) {
  l.y = top;
  l.height = l.server ? 22 : 14 + Math.max(1, l.tracks.length) * TRACK + 11;
  top += l.height + 7;
}
const HEIGHT = top + 2;
const lane = new Map(lanes.map(l => [l.name, l]));

const END = Math.max(data.to, 1), SECOND = 1e9 / data.unit;
let view = [0, END], width = 0, current = -1, hover = null, colors = {};
const x = t => LEFT + (t - view[0]) / (view[1] - view[0]) * (width - LEFT - RIGHT);
const timeAt = px => view[0] + (px - LEFT) / (width - LEFT - RIGHT) * (view[1] - view[0]);
const seconds = (t, digits = 3) => ((t - data.zero) / SECOND).toFixed(digits);
const duration = t => { const s = t / SECOND; return s >= 1 ? s.toFixed(2) + ' s' : s >= 1e-3 ? (s * 1e3).toFixed(2) + ' ms' : (s * 1e6).toFixed(0) + ' µs'; };

const readColors = () => {
  const style = getComputedStyle(document.documentElement);
  for (const c of ['bg', 'card', 'text', 'muted', 'line', 'soft', 'leader', 'follower', 'hold', 'ok', 'fail', 'info', 'bad', 'fault', 'down', 'error'])
    colors[c] = style.getPropertyValue('--' + c).trim();
};

// ---- drawing
const rect = (x0, y, x1, h, fill) => { ctx.fillStyle = fill; ctx.fillRect(x0, y, Math.max(x1 - x0, 1), h); };
const label = (s, px, y, color, room = Infinity, font = '11px') => {
  ctx.font = font + ' system-ui, sans-serif';
  if (ctx.measureText(s).width > room) return;
  ctx.fillStyle = color;
  ctx.fillText(s, px, y);
};
const hatch = (x0, y, x1, h, color, step, slant) => {
  ctx.save();
  ctx.beginPath(); ctx.rect(x0, y, Math.max(x1 - x0, 2), h); ctx.clip();
  ctx.strokeStyle = color; ctx.lineWidth = 1.3; ctx.beginPath();
  for (let px = x0 - (slant ? h : 0); px < x1; px += step) { ctx.moveTo(px, y + h); ctx.lineTo(px + (slant ? h : 0), y); }
  ctx.stroke(); ctx.strokeRect(x0 + .5, y + .5, Math.max(x1 - x0 - 1, 1), h - 1);
  ctx.restore();
};
// first of [lo, hi) whose end is not before t
const search = (to, lo, hi, t) => { while (lo < hi) { const m = (lo + hi) >> 1; if (to[m] < t) lo = m + 1; else hi = m; } return lo; };

const mood = a => a.hazard ? colors.fail : colors.bad;

const drawOver = () => {
  const px = t => LEFT + t / END * (width - LEFT - RIGHT), y = 5, h = OVER - 10;
  rect(LEFT, y, width - RIGHT, h, colors.soft);
  ctx.globalAlpha = .45;
  for (const f of faults) rect(px(f.from), y, px(f.to), h, colors.fault);
  ctx.globalAlpha = 1;
  for (const a of [...anomalies].reverse()) rect(px(a.from) - 1, y + h - 5, px(a.to) + 1, 5, mood(a));
  ctx.strokeStyle = colors.text; ctx.lineWidth = 1.5;
  ctx.strokeRect(px(view[0]), y - 1.5, Math.max(px(view[1]) - px(view[0]), 3), h + 3);
  label('run', 10, OVER - 9, colors.muted);
};
const drawAxis = () => {
  const want = (view[1] - view[0]) / SECOND / Math.max(2, (width - LEFT) / 110);
  let step = Math.pow(10, Math.floor(Math.log10(want)));
  for (const m of [1, 2, 5, 10]) if (step * m >= want) { step *= m; break; }
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  ctx.textAlign = 'center';
  for (let s = Math.ceil((view[0] - data.zero) / SECOND / step) * step; s * SECOND + data.zero <= view[1]; s += step) {
    const px = x(s * SECOND + data.zero);
    rect(px, OVER + AXIS - 2, px + 1, HEIGHT, colors.line);
    label((Math.abs(s) < step / 2 ? 0 : s).toFixed(digits) + ' s', Math.min(px, width - 24), OVER + 13, colors.muted);
  }
  ctx.textAlign = 'left';
};
const drawFaults = () => {
  for (const f of faults) {
    if (f.to < view[0] || f.from > view[1]) continue;
    const x0 = Math.max(x(f.from), LEFT), x1 = Math.min(x(f.to), width - RIGHT), y = OVER + AXIS + f.row * ROW;
    ctx.globalAlpha = .08; rect(x0, y, x1, HEIGHT - y, colors.fault);
    ctx.globalAlpha = .3; rect(x0, y, x1, ROW - 2, colors.fault);
    ctx.globalAlpha = 1;
    for (const s of [f.label, f.id])
      if (ctx.measureText(s).width < x1 - x0 - 8) { label(s, x0 + 5, y + 11, colors.text, x1 - x0 - 8, '600 11px'); break; }
  }
  label('faults', 10, OVER + AXIS + 11, colors.muted, rows.length ? Infinity : 0);
};
const drawStates = l => {
  for (const s of l.states) {
    if (s.to < view[0] || s.from > view[1]) continue;
    const x0 = Math.max(x(s.from), LEFT), x1 = Math.min(x(s.to), width - RIGHT), h = l.height;
    if (s.state === 'down') hatch(x0, l.y, x1, h, colors.down, 6, true);
    else if (s.state === 'paused') hatch(x0, l.y, x1, h, colors.error, 6, false);
    else if (s.state === 'leader' || s.state === 'standalone') rect(x0, l.y, x1, h, colors.leader);
    else if (s.state === 'follower') { ctx.globalAlpha = .55; rect(x0, l.y + 4, x1, h - 8, colors.follower); ctx.globalAlpha = 1; }
    else { rect(x0, l.y + h / 2, x1, 1, colors.muted); continue; }
    const dead = s.state === 'down' || s.state === 'paused';
    for (const name of [s.state, s.state[0].toUpperCase()]) {
      ctx.font = '600 11px system-ui, sans-serif';
      const room = x1 - x0 - 8, w = ctx.measureText(name).width;
      if (w > room) continue;
      const y = l.y + (l.server ? 15 : h / 2 + 4);
      if (dead) rect(x0 + 4, y - 11, x0 + 12 + w, 15, colors.card);
      label(name, x0 + 8, y, !dead && s.state !== 'follower' ? colors.card : colors.text, room, '600 11px');
      break;
    }
  }
};
const drawHolds = l => {
  const [first, last] = l.holds;
  for (let i = search(holds.to, first, last, view[0]), done = -1; i < last && holds.from[i] < view[1]; i++) {
    const x0 = Math.max(x(holds.from[i]), LEFT), x1 = Math.min(x(holds.to[i]), width - RIGHT);
    if (x1 <= done) continue;
    rect(x0, l.y, x1, 11, colors.hold);
    done = Math.floor(x0) + 1;
    if (data.values) label(text('hold.name', i), x0 + 4, l.y + 9.5, colors.card, x1 - x0 - 6, '600 10px');
  }
};
// A row of tenures; where two overlap there is a second track, and what lies in it is in the colour of what is wrong.
const drawTenures = r => {
  rect(0, r.y + r.height + 2, width, 1, colors.line);
  label(r.name, 10, r.y + 12, colors.text, LEFT - 14, '600 12px');
  r.tracks.forEach((track, k) => {
    let done = -1;
    for (const t of track) {
      if (t.to < view[0] || t.from > view[1]) continue;
      const x0 = Math.max(x(t.from), LEFT), x1 = Math.min(x(t.to), width - RIGHT), y = r.y + k * ROW;
      if (x1 <= done) continue;
      rect(x0, y, Math.max(x0 + 1, x1 - 1), ROW - 3, r.name === 'health' ? colors.fail : k ? colors.bad : colors.hold);
      done = Math.floor(x0) + 1;
      for (const s of [t.label, t.node]) {
        ctx.font = '600 10px system-ui, sans-serif';
        if (ctx.measureText(s).width < x1 - x0 - 8) { label(s, x0 + 4, y + 10.5, colors.card, x1 - x0 - 6, '600 10px'); break; }
      }
    }
  });
};
// Ops of one pixel are drawn as one, with the worst status: a failure is seen at every zoom.
const drawOps = l => {
  let seen = 0;
  const pixel = t => Math.max(Math.floor(x(t)), LEFT);
  l.tracks.forEach(([first, last], k) => {
    const y = l.y + 14 + k * TRACK;
    let px = -1, end = -1, worst = OK, at = -1;
    const flush = () => { if (px >= 0) drawOp(px, end, y, worst, at); };
    for (let i = search(ops.to, first, last, view[0]); i < last && ops.from[i] <= view[1]; i++) {
      const z = i + BLOCK - 1; // the ops of a track do not overlap: the block's last ends last
      if (i % BLOCK === 0 && z < last && ops.from[z] <= view[1] && end - px <= 2 && pixel(ops.from[i]) === px && pixel(ops.from[z]) === px && x(ops.to[z]) - px <= 2) {
        worst = Math.max(worst, worstOf[i / BLOCK]); end = Math.max(end, Math.min(Math.max(px + 1, x(ops.to[z])), width - RIGHT));
        seen += BLOCK; i = z;
        continue;
      }
      seen++;
      const x0 = pixel(ops.from[i]), x1 = Math.min(Math.max(x0 + 1, x(ops.to[i])), width - RIGHT), s = ofOps[i];
      if (x0 === px && x1 - x0 <= 2 && end - px <= 2) { worst = Math.max(worst, s); end = Math.max(end, x1); continue; }
      flush();
      px = x0; end = x1; worst = s; at = i;
    }
    flush();
  });
  return seen;
};
const drawOp = (x0, x1, y, s, i) => {
  const h = TRACK - 3, w = x1 - x0, gap = w > 4 ? 1 : 0;
  if (s === OK) rect(x0, y, x1 - gap, h, colors.ok);
  else if (s === FAIL) rect(x0, y, x1 - gap, h, colors.fail);
  else if (w > 4) { rect(x0, y, x1 - gap, h, colors.card); ctx.strokeStyle = colors.info; ctx.lineWidth = 2; ctx.strokeRect(x0 + 1, y + 1, w - gap - 2, h - 2); }
  else rect(x0, y - 2, x1, h + 4, colors.info);
  const mark = ['', '✕ ', '? ', '… '][s], ink = s >= INFO ? colors.info : colors.card;
  if (w > 14) {
    const name = mark + text('op.f', i);
    ctx.font = '600 10px system-ui, sans-serif';
    label(ctx.measureText(name).width < w - 8 ? name : mark, x0 + 4, y + 9.5, ink, w - 6, '600 10px');
  }
};
const drawAccesses = l => {
  const [first, last] = l.accesses, y = l.y + l.height - 9;
  for (let i = search(accesses.to, first, last, view[0]), done = -1; i < last && accesses.from[i] <= view[1]; i++) {
    const px = Math.round(x(accesses.from[i]));
    if (refused[i]) {
      ctx.strokeStyle = colors.bad; ctx.lineWidth = 2; ctx.beginPath();
      ctx.moveTo(px - 4, y); ctx.lineTo(px + 4, y + 8); ctx.moveTo(px + 4, y); ctx.lineTo(px - 4, y + 8); ctx.stroke();
    } else if (px !== done) rect(px, y, px + 1, 8, colors.text);
    done = px;
  }
};
const shade = (a, i) => {
  const x0 = Math.max(x(a.from), LEFT), x1 = Math.min(x(a.to), width - RIGHT);
  ctx.globalAlpha = i === current ? .12 : .06;
  if (x1 > LEFT && x0 < width - RIGHT) rect(x0, LANES - 12, x1, HEIGHT - LANES, mood(a));
  ctx.globalAlpha = 1;
};
const drawAnomaly = (a, i, names) => {
  if (a.to < view[0] || a.from > view[1]) return;
  ctx.strokeStyle = mood(a); ctx.lineWidth = 1; ctx.setLineDash(a.hazard ? [3, 3] : []);
  for (const t of [a.from, a.to]) {
    if (t < view[0] || t > view[1]) continue;
    ctx.beginPath(); ctx.moveTo(x(t), LANES - 12); ctx.lineTo(x(t), HEIGHT); ctx.stroke();
  }
  ctx.setLineDash([]);
  for (const p of a.proof) {
    const l = lane.get(p.node), px = x(p.at);
    if (!l || px < LEFT - 1 || px > width - RIGHT + 1) continue;
    const y = l.y + l.height - 10;
    ctx.fillStyle = mood(a); ctx.beginPath(); ctx.moveTo(px - 6, y - 9); ctx.lineTo(px + 6, y - 9); ctx.lineTo(px, y); ctx.fill();
  }
  let px = Math.max(x(a.from), LEFT);
  while (names.some(n => Math.abs(n - px) < 17)) px += 17;
  names.push(px);
  rect(px, LANES - 12, px + 15, 13, mood(a));
  label(String(i + 1), px + 4, LANES - 2, colors.card, Infinity, '700 10px');
};
const draw = () => {
  const began = performance.now(), scale = devicePixelRatio || 1;
  width = canvas.clientWidth;
  canvas.style.height = HEIGHT + 'px';
  canvas.width = Math.round(width * scale); canvas.height = Math.round(HEIGHT * scale);
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  rect(0, 0, width, HEIGHT, colors.card);
  ctx.font = '600 11px system-ui, sans-serif';
  drawOver(); drawAxis(); drawFaults();
  anomalies.forEach(shade);
  let seen = 0;
  tenures.forEach(drawTenures);
  for (const l of lanes) {
    rect(0, l.y + l.height + 3, width, 1, colors.line);
    label(l.name, 10, l.y + (l.server ? 15 : 23), colors.text, LEFT - 14, '600 12px');
    if (!l.server) { drawHolds(l); seen += drawOps(l); drawAccesses(l); }
    drawStates(l);
    if (l.server && l.tracks.length) seen += drawOps(l);
  }
  const names = [];
  for (let i = anomalies.length; i-- > 0;) drawAnomaly(anomalies[i], i, names);
  window.__riven = {
    ops: ofOps.length, drawn: seen, holds: holds.from.length, accesses: accesses.from.length, lanes: lanes.length, tenures: tenures.flatMap(r => r.tracks.flat()).length, faults: faults.length,
    anomalies: anomalies.length, unit: data.unit, view: view.map(t => (t - data.zero) / SECOND), current, took: performance.now() - began,
  };
};
let queued = false;
const redraw = () => { if (!queued) { queued = true; requestAnimationFrame(() => { queued = false; draw(); }); } };

// ---- moving about
let keep;
const show = (from, to, tell = true) => {
  const least = Math.max(20e-6 * SECOND, 1), length = Math.min(Math.max(to - from, least), END);
  from = Math.min(Math.max(from, 0), END - length);
  view = [from, from + length];
  redraw();
  clearTimeout(keep);
  if (tell) keep = setTimeout(() => { const whole = length >= END; history.replaceState(null, '', whole ? location.pathname + location.search : `#t=${seconds(view[0], 6)},${seconds(view[1], 6)}`); }, 60);
};
const zoom = (factor, around = (view[0] + view[1]) / 2) => show(around - (around - view[0]) * factor, around + (view[1] - around) * factor);
const pan = part => { const d = (view[1] - view[0]) * part; show(view[0] + d, view[1] + d); };
const next = () => {
  if (!anomalies.length) { said.textContent = 'This run has no anomaly.'; return; }
  current = (current + 1) % anomalies.length;
  const a = anomalies[current], room = Math.max((a.to - a.from) / 4, .2 * SECOND);
  show(a.from - room, a.to + room);
  said.textContent = `${a.hazard ? 'Hazard' : 'Anomaly'} ${current + 1} of ${anomalies.length}: ${a.sentence}`;
  canvas.scrollIntoView({block: 'nearest'});
};
const fromHash = scroll => {
  const m = /^#t=(-?[\d.]+),(-?[\d.]+)$/.exec(location.hash);
  if (!m) return;
  show(m[1] * SECOND + data.zero, m[2] * SECOND + data.zero, false);
  if (scroll) canvas.scrollIntoView({block: 'center'});
};
const does = {
  in: () => zoom(.6), out: () => zoom(1 / .6), left: () => pan(-.2), right: () => pan(.2), all: () => { current = -1; show(0, END); }, next,
};
const keys = {w: 'in', s: 'out', a: 'left', d: 'right', n: 'next', 0: 'all'};
const arrows = {ArrowUp: 'in', ArrowDown: 'out', ArrowLeft: 'left', ArrowRight: 'right'};
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const what = keys[e.key] || (document.activeElement === canvas && arrows[e.key]);
  if (what) { e.preventDefault(); does[what](); }
});
document.querySelectorAll('[data-do]').forEach(b => b.addEventListener('click', () => does[b.dataset.do]()));
document.querySelector('.tools').hidden = false;
document.querySelector('[data-do=next]').hidden = !anomalies.length;
addEventListener('hashchange', () => fromHash(true));

canvas.addEventListener('wheel', e => {
  if (Math.abs(e.deltaX) > Math.abs(e.deltaY) || e.shiftKey) { e.preventDefault(); pan((e.deltaX || e.deltaY) / width); return; }
  if (!e.ctrlKey && document.activeElement !== canvas) return; // the page scrolls until the timeline has been asked for
  e.preventDefault();
  zoom(Math.pow(1.0015, e.deltaY), timeAt(e.offsetX));
}, {passive: false});
let drag = null;
canvas.addEventListener('pointerdown', e => {
  canvas.setPointerCapture(e.pointerId);
  drag = {px: e.offsetX, view: [...view], over: e.offsetY < OVER};
  if (drag.over) jump(e.offsetX);
});
const jump = px => { const t = (px - LEFT) / (width - LEFT - RIGHT) * END, half = (view[1] - view[0]) / 2; show(t - half, t + half); };
canvas.addEventListener('pointerup', () => { drag = null; });
canvas.addEventListener('pointercancel', () => { drag = null; });
canvas.addEventListener('pointermove', e => {
  if (drag && drag.over) jump(e.offsetX);
  else if (drag) { const d = (drag.px - e.offsetX) / (width - LEFT - RIGHT) * (view[1] - view[0]); show(drag.view[0] + d, drag.view[1] + d); }
  point(e.offsetX, e.offsetY);
});
canvas.addEventListener('pointerleave', () => { tip.hidden = true; });

// ---- what is under the pointer
const near = (list, [first, last], t, slack) => { const i = search(list.to, first, last, t - slack); return i < last && list.from[i] <= t + slack ? i : -1; };
const lines = list => list.filter(Boolean).join('\n');
const more = (kind, i) => data.values ? [kind !== 'hold' && text(kind + '.hold', i) && 'hold ' + text(kind + '.hold', i), signed(kind + '.token', i) && 'token ' + signed(kind + '.token', i)] : [];
const describe = (px, py) => {
  const t = timeAt(px), slack = 3 / (width - LEFT - RIGHT) * (view[1] - view[0]);
  if (py > OVER + AXIS && py < LANES - 12) {
    const f = faults.find(f => f.from <= t && t <= f.to && f.row === Math.floor((py - OVER - AXIS) / ROW));
    return f && lines([f.label, f.nodes && 'on ' + f.nodes.join(', '), `${seconds(f.from)} s to ${seconds(f.to)} s`]);
  }
  const r = tenures.find(r => py >= r.y && py < r.y + r.height);
  if (r) {
    const is = (r.tracks[Math.floor((py - r.y) / ROW)] || []).find(x => x.from - slack <= t && t <= x.to + slack);
    return is && lines([`${r.name}: ${is.label}`, is.hold && 'hold ' + is.hold, `${seconds(is.from, 6)} s, for ${duration(is.to - is.from)}`]);
  }
  const l = lanes.find(l => py >= l.y && py < l.y + l.height + 4);
  if (!l) return '';
  const state = l.states.find(s => s.from <= t && t <= s.to);
  const was = state && `${l.name} ${state.state}, ${seconds(state.from)} s to ${seconds(state.to)} s`;
  if (l.server) return was;
  if (py < l.y + 13) {
    const i = near(holds, l.holds, t, slack);
    return i < 0 ? was : lines([`${l.name} believes that it holds`, data.values && text('hold.name', i), ...more('hold', i), `${seconds(holds.from[i], 6)} s, for ${duration(holds.to[i] - holds.from[i])}`, was]);
  }
  const k = Math.floor((py - l.y - 14) / TRACK);
  if (k < l.tracks.length) {
    const i = near(ops, l.tracks[k], t, slack);
    return i < 0 ? was : lines([`${l.name} ${text('op.f', i)} ${data.values ? text('op.key', i) : ''}: ${STATUS[ofOps[i]]}`, data.values && text('op.error', i), ...more('op', i), data.values && signed('op.n', i) && 'value ' + signed('op.n', i), `${seconds(ops.from[i], 6)} s, took ${duration(ops.to[i] - ops.from[i])}`, was]);
  }
  const i = near(accesses, l.accesses, t, slack);
  return i < 0 ? was : lines([`${l.name} access ${data.values ? value('access.seq', i) : ''} ${refused[i] ? 'refused' : 'accepted'}`, ...more('access', i), `${seconds(accesses.from[i], 6)} s`, was]);
};
const point = (px, py) => {
  const what = px > LEFT && !drag ? describe(px, py) : '';
  tip.hidden = !what;
  if (!what) return;
  tip.textContent = what;
  tip.style.transform = `translate(${Math.max(4, Math.min(px + 14, width - tip.offsetWidth - 6))}px,${Math.max(2, Math.min(py + 16, HEIGHT - tip.offsetHeight - 4))}px)`;
};

// ---- paper shows the whole run, in the light colours
let before;
addEventListener('beforeprint', () => {
  before = view; view = [0, END];
  document.documentElement.dataset.print = '';
  canvas.style.width = '688px'; // A4 within the margins of the style
  readColors(); draw();
});
addEventListener('afterprint', () => {
  view = before;
  delete document.documentElement.dataset.print;
  canvas.style.width = '';
  readColors(); draw();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readColors(); redraw(); });
new ResizeObserver(() => { if (canvas.clientWidth !== width) redraw(); }).observe(canvas);

readColors();
fromHash(false);
draw();
})();
