// What the pages do in the browser. Every page works without it.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  // The server's clock decides: a phone that is five minutes wrong still shows the right delays.
  const skew = root.dataset.now ? Date.parse(root.dataset.now) - Date.now() : 0;
  const now = () => Date.now() + skew;
  const say = (text) => { const a = document.getElementById("announcer"); if (a) a.textContent = text; };
  const use = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon"); svg.setAttribute("viewBox", "0 0 24 24"); svg.setAttribute("aria-hidden", "true");
    const u = document.createElementNS("http://www.w3.org/2000/svg", "use");
    u.setAttribute("href", "/static/icons.svg#" + name); svg.append(u); return svg;
  };
  const tone = (el, name) => { if (!el.classList.contains("t-" + name)) { el.className = el.className.replace(/\bt-\w+/, "t-" + name); return true; } return false; };

  // Countdowns: the same words as templates/ui/case.html.
  const two = (n) => String(n).padStart(2, "0");
  const span = (s) => {
    const m = Math.floor(s / 60);
    if (m < 1) return "moins d’une min";
    if (m < 60) return m + " min";
    if (m < 1440) return Math.floor(m / 60) + " h" + (m % 60 ? " " + two(m % 60) : "");
    const h = Math.floor((m % 1440) / 60);
    return Math.floor(m / 1440) + " j" + (h ? " " + h + " h" : "");
  };
  const tick = () => {
    for (const el of document.querySelectorAll("[data-deadline]")) {
      const left = Math.floor((Date.parse(el.dataset.deadline) - now()) / 1000);
      if (Number.isNaN(left)) continue;
      const out = el.querySelector("[data-deadline-text]") || el;
      const text = left < 0 ? "en retard de " + span(-left) : "dans " + span(left);
      if (out.textContent !== text) out.textContent = text;
      const is = left < 0 ? "danger" : left <= Number(el.dataset.warn || 900) ? "warning" : "neutral";
      if (tone(el, is)) {
        el.querySelector("use")?.setAttribute("href", "/static/icons.svg#" + { danger: "warning", warning: "alarm", neutral: "clock" }[is]);
        if (is === "danger") say("Délai dépassé : " + (el.closest("tr, .card")?.querySelector(".cell-title, .card__title")?.textContent.trim() || "une intervention"));
      }
    }
    for (const el of document.querySelectorAll("[data-clock]")) {
      const text = new Intl.DateTimeFormat("fr-FR", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Paris" }).format(now());
      if (el.textContent !== text) el.textContent = text;
    }
  };
  tick(); setInterval(tick, 1000);

  // Questions before an action.
  const ask = (question, yesLabel, danger, onYes) => {
    const dialog = document.getElementById("confirm-template").content.firstElementChild.cloneNode(true);
    const yes = dialog.querySelector("[data-yes]");
    dialog.querySelector(".dialog__question").textContent = question;
    if (yesLabel) yes.textContent = yesLabel;
    if (danger) yes.className = "btn btn--danger";
    dialog.querySelector("[data-no]").addEventListener("click", () => dialog.close());
    yes.addEventListener("click", () => { dialog.close(); onYes(); });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog); dialog.showModal();
  };
  document.addEventListener("click", (e) => {
    const summary = e.target.closest("details[data-confirm] > summary");
    if (summary) {
      e.preventDefault();
      const form = summary.parentElement.querySelector("form"), button = form.querySelector("button");
      ask(form.querySelector(".confirm__text").textContent, button.textContent.trim(), button.classList.contains("btn--danger"), () => form.requestSubmit());
      return;
    }
    for (const d of document.querySelectorAll("details[data-dismiss][open]")) if (!d.contains(e.target)) d.open = false;
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    const d = document.querySelector("details[data-dismiss][open]");
    if (d) { d.open = false; d.querySelector("summary").focus(); }
  });
  document.addEventListener("htmx:confirm", (e) => {
    if (!e.detail.question) return;
    e.preventDefault();
    ask(e.detail.question, e.detail.elt.dataset.confirmLabel, e.detail.elt.classList.contains("btn--danger"), () => e.detail.issueRequest(true));
  });

  // A form is sent once.
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (form.method !== "post" || e.defaultPrevented) return;
    if (form.dataset.sending) { e.preventDefault(); return; }
    form.dataset.sending = "1";
    for (const b of form.querySelectorAll("button[type=submit]")) b.setAttribute("aria-disabled", "true");
  });
  const release = (root) => {
    for (const f of (root.matches?.("form") ? [root] : root.querySelectorAll("form[data-sending]"))) {
      delete f.dataset.sending;
      for (const b of f.querySelectorAll("button[type=submit]")) b.removeAttribute("aria-disabled");
    }
  };
  window.addEventListener("pageshow", () => release(document));
  document.addEventListener("htmx:afterRequest", (e) => { const f = e.detail.elt.closest("form"); if (f) release(f); });

  // What was chosen since the words were typed stays: the answer to them comes too late.
  const typed = new WeakMap(), chosen = new WeakMap();
  document.addEventListener("input", (e) => typed.set(e.target, performance.now()));
  document.addEventListener("change", (e) => { for (let el = e.target; el; el = el.parentElement) chosen.set(el, performance.now()); });
  document.addEventListener("htmx:beforeSwap", (e) => {
    const words = typed.get(e.detail.requestConfig.elt);
    if (words && chosen.get(e.detail.target) > words) e.detail.shouldSwap = false;
  });

  // Toasts: HX-Trigger: {"showToast": {"tone": "success", "text": "Appel pris"}}.
  const toast = (kind, text, title) => {
    const box = document.getElementById("toasts");
    if (!box || !text) return;
    const el = document.createElement("div"), body = document.createElement("div"), p = document.createElement("p"), close = document.createElement("button");
    el.className = "alert t-" + kind;
    if (kind === "danger") el.setAttribute("role", "alert");
    if (title) { const t = document.createElement("p"); t.className = "alert__title"; t.textContent = title; body.append(t); }
    p.textContent = text; body.append(p);
    close.type = "button"; close.className = "toast__close"; close.setAttribute("aria-label", "Fermer ce message"); close.append(use("close"));
    close.addEventListener("click", () => el.remove());
    el.append(use({ danger: "warning", warning: "warning", success: "check" }[kind] || "info"), body, close);
    box.append(el);
    if (kind !== "danger") {
      let timer = setTimeout(() => el.remove(), 8000);
      for (const on of ["mouseenter", "focusin"]) el.addEventListener(on, () => clearTimeout(timer));
      for (const off of ["mouseleave", "focusout"]) el.addEventListener(off, () => { timer = setTimeout(() => el.remove(), 4000); });
    }
  };
  document.addEventListener("showToast", (e) => {
    const d = e.detail || {};
    toast(d.tone || "info", d.text || d.value, d.title);
  });
  document.addEventListener("htmx:sendError", () => toast("danger", "Pas de réponse du serveur. Rien n’a été enregistré.", "Connexion perdue"));
  document.addEventListener("htmx:responseError", (e) => {
    const xhr = e.detail.xhr, kind = xhr.getResponseHeader("content-type") || "";
    let text = xhr.status === 403 ? "Votre session a peut-être expiré : rechargez la page." : "Réessayez dans un instant.";
    if (kind.includes("json")) { try { const p = JSON.parse(xhr.responseText); text = p.detail || p.title || text; } catch { /* keep the default */ } }
    toast("danger", text, "L’action n’a pas abouti");
  });
  // An AppError answered as an HTML fragment (header HX-Reswap or HX-Retarget) is shown in place, not lost.
  document.addEventListener("htmx:beforeSwap", (e) => {
    const xhr = e.detail.xhr;
    if (xhr.status >= 400 && (xhr.status === 422 || xhr.getResponseHeader("HX-Retarget") || xhr.getResponseHeader("HX-Reswap"))) { e.detail.shouldSwap = true; e.detail.isError = false; }
  });

  // Live regions: say when the line is cut, fetch again when it is back.
  const announced = new WeakMap();
  const region = (e) => e.target.closest?.("[data-live]");
  const lost = (box, is) => { const p = box.querySelector("[data-live-lost]"); if (p && p.hidden === is) p.hidden = !is; };
  document.addEventListener("htmx:sseError", (e) => { const box = region(e); if (box) { box.dataset.cut = "1"; lost(box, true); } });
  document.addEventListener("htmx:sseOpen", (e) => {
    const box = region(e);
    if (!box) return;
    lost(box, false);
    if (box.dataset.cut) { delete box.dataset.cut; for (const el of box.querySelectorAll("[hx-trigger*='live:resync']")) window.htmx.trigger(el, "live:resync"); }
  });
  document.addEventListener("htmx:afterSwap", (e) => {
    tick(); focusError(e.target);
    const box = region(e);
    if (!box || !e.target.hasAttribute("data-live-body")) return;
    if (now() - (announced.get(box) || 0) > 10000) { announced.set(box, now()); say(""); setTimeout(() => say(box.dataset.announce), 50); }
  });
  for (const kind of ["online", "offline"]) window.addEventListener(kind, () => { for (const p of document.querySelectorAll("[data-offline]")) p.hidden = kind === "online"; });
  if (navigator.onLine === false) for (const p of document.querySelectorAll("[data-offline]")) p.hidden = false;

  // The list of errors takes the focus, so that it is read first.
  const focusError = (root) => root.querySelector?.("[data-autofocus]")?.focus();
  focusError(document);
})();
