// Signature pads: a finger or a mouse draws, the hidden input gets a PNG data URL. The ink is dark on white whatever the colour scheme.
(() => {
  "use strict";
  const start = (field) => {
    if (field.dataset.ready) return;
    field.dataset.ready = "1";
    const pad = field.querySelector("[data-signature-pad]"), canvas = pad.querySelector("canvas"), input = field.querySelector("input[type=hidden]");
    const ctx = canvas.getContext("2d");
    let last = null, drawn = 0;
    pad.hidden = false;
    const size = () => {
      const r = canvas.getBoundingClientRect(), k = Math.min(window.devicePixelRatio || 1, 2);
      canvas.width = Math.round(r.width * k); canvas.height = Math.round(r.height * k);
      ctx.setTransform(k, 0, 0, k, 0, 0);
      ctx.lineWidth = 2.4; ctx.lineCap = "round"; ctx.lineJoin = "round"; ctx.strokeStyle = "#1b1b2f";
    };
    const clear = () => { size(); drawn = 0; input.value = ""; };
    const at = (e) => { const r = canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
    canvas.addEventListener("pointerdown", (e) => { if (e.button) return; canvas.setPointerCapture(e.pointerId); last = at(e); e.preventDefault(); });
    canvas.addEventListener("pointermove", (e) => {
      if (!last) return;
      for (const ev of e.getCoalescedEvents?.() || [e]) {
        const p = at(ev);
        ctx.beginPath(); ctx.moveTo(...last); ctx.lineTo(...p); ctx.stroke();
        drawn += Math.hypot(p[0] - last[0], p[1] - last[1]); last = p;
      }
    });
    // A dot is not a signature: at least 60 px of ink.
    const end = () => { if (last) { last = null; input.value = drawn > 60 ? canvas.toDataURL("image/png") : ""; } };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    pad.querySelector("[data-signature-clear]").addEventListener("click", clear);
    // Turning the phone would stretch the drawing: it is drawn again.
    let width = 0;
    new ResizeObserver(() => { const w = Math.round(canvas.getBoundingClientRect().width); if (w && w !== width) { width = w; clear(); } }).observe(canvas);
  };
  const all = (root) => { if (root.matches?.("[data-signature]")) start(root); root.querySelectorAll?.("[data-signature]").forEach(start); };
  all(document);
  document.addEventListener("htmx:afterSwap", (e) => all(e.target));
})();
