// The timelines: one canvas for each finding, drawn from the data in the page.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const LABEL = 190, ROW = 26, AXIS = 24, LEAST = 1000;
for (const canvas of document.querySelectorAll("canvas.when")) {
  const line = data[canvas.dataset.of], tip = document.getElementById("tip" + canvas.dataset.of);
  const [first, last] = line.between_ns;
  let from = first, to = Math.max(last, first + LEAST), held = null;
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const width = () => canvas.clientWidth - LABEL - 26;
  const x = ns => LABEL + (ns - from) / (to - from) * width();
  const ns = at => from + (at - LABEL) / width() * (to - from);
  function step() {
    const rough = (to - from) / 8, power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
  }
  function draw() {
    const scale = window.devicePixelRatio || 1, height = AXIS + line.rows.length * ROW + 8;
    canvas.style.height = height + "px";
    canvas.width = canvas.clientWidth * scale; canvas.height = height * scale;
    const c = canvas.getContext("2d");
    c.scale(scale, scale); c.clearRect(0, 0, canvas.clientWidth, height);
    c.font = "12px system-ui, 'Liberation Sans', sans-serif"; c.textBaseline = "middle";
    const every = step(), digits = Math.max(0, Math.min(9, Math.ceil(9 - Math.log10(every))));
    c.textAlign = "center";
    for (let at = Math.ceil(from / every) * every; at <= to; at += every) {
      c.strokeStyle = colour("--line"); c.beginPath(); c.moveTo(x(at), AXIS); c.lineTo(x(at), height); c.stroke();
      c.fillStyle = colour("--soft"); c.fillText((at / 1e9).toFixed(digits) + " s", x(at), AXIS / 2);
    }
    line.rows.forEach((row, index) => {
      const top = AXIS + index * ROW + 4;
      for (const marked of [false, true]) for (const slice of row.slices) {
        const end = slice.to_ns ?? to;
        if (slice.marked !== marked || end < from || slice.from_ns > to) continue;
        const a = Math.max(LABEL, x(slice.from_ns)), b = Math.max(a + 1.5, Math.min(x(end), LABEL + width()));
        c.fillStyle = colour(marked ? "--bad" : "--slice"); c.fillRect(a, top, b - a, ROW - 8);
        if (b - a > 60) {
          c.save(); c.beginPath(); c.rect(a, top, b - a - 4, ROW - 8); c.clip();
          c.fillStyle = marked ? "#fff" : colour("--ink"); c.textAlign = "left"; c.fillText(slice.name, a + 5, top + ROW / 2 - 4); c.restore();
        }
      }
      c.fillStyle = colour("--card"); c.fillRect(0, top - 4, LABEL - 4, ROW);
      c.fillStyle = colour("--ink"); c.textAlign = "left"; c.fillText(row.name, 10, top + ROW / 2 - 4, LABEL - 20);
    });
  }
  function under(event) {
    const row = line.rows[Math.floor((event.offsetY - AXIS) / ROW)], at = ns(event.offsetX), near = (to - from) / width() * 2;
    if (!row || event.offsetX < LABEL) return null;
    const hits = row.slices.filter(s => s.from_ns - near <= at && (s.to_ns ?? to) + near >= at);
    return hits.sort((a, b) => b.marked - a.marked || b.from_ns - a.from_ns)[0] ?? null;
  }
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    const at = ns(event.offsetX), by = Math.exp(event.deltaY * 0.002);
    if ((to - from) * by < LEAST && by < 1) return;
    from = at - (at - from) * by; to = at + (to - at) * by; draw();
  }, { passive: false });
  canvas.addEventListener("pointerdown", event => { held = event.offsetX; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointermove", event => {
    if (held !== null) {
      const by = (held - event.offsetX) / width() * (to - from);
      from += by; to += by; held = event.offsetX; draw(); return;
    }
    const slice = under(event);
    tip.textContent = slice ? `${(slice.from_ns / 1e9).toFixed(6)} s  ${slice.text}` : "\u00a0";
  });
  canvas.addEventListener("dblclick", () => { from = first; to = Math.max(last, first + LEAST); draw(); });
  canvas.addEventListener("keydown", event => {
    const by = { ArrowLeft: [-.1, -.1], ArrowRight: [.1, .1], "+": [.1, -.1], "-": [-.1, .1] }[event.key];
    if (!by) return;
    const wide = to - from; from += by[0] * wide; to += by[1] * wide; event.preventDefault(); draw();
  });
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", draw);
  draw();
}
