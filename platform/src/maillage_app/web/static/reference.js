// Trying the API from its reference: what is written in a form is sent with the token, and the answer is shown. The token stays in its field: nothing keeps it,
// no cookie goes along, nothing is asked of another host.
(() => {
  "use strict";
  const SHOWN = 200000; // characters of a body
  const token = document.getElementById("f-token"), slug = document.getElementById("f-slug");
  if (!token || !slug) return;

  // The cooperative that the token is for: the last piece of its audience.
  const cooperativeOf = (text) => {
    try {
      const part = text.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      const found = /\/api\/v1\/cooperatives\/([a-z0-9-]+)$/.exec(JSON.parse(atob(part)).aud);
      return found ? found[1] : "";
    } catch { return ""; }
  };
  token.addEventListener("input", () => { const named = cooperativeOf(token.value.trim()); if (named) slug.value = named; });

  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  const refuse = (form, field, words) => {
    const wrong = form.querySelector("[data-trial-wrong]");
    wrong.textContent = words; wrong.hidden = !words;
    form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
    if (field) { field.setAttribute("aria-invalid", "true"); field.focus(); }
  };

  // The request that a form says, or what is missing in it.
  const requestOf = (form) => {
    if (!token.value.trim()) return { field: token, words: "Collez d’abord un jeton d’accès, en haut de la page." };
    const headers = new Headers(), query = new URLSearchParams();
    let path = form.dataset.path, body;
    if (path.includes("{slug}")) {
      if (!slug.value.trim()) return { field: slug, words: "Donnez le nom de la coopérative, en haut de la page." };
      path = path.replace("{slug}", encodeURIComponent(slug.value.trim()));
    }
    try { headers.set("Authorization", `Bearer ${token.value.trim()}`); } catch { return { field: token, words: "Ce jeton contient des caractères qui n’en sont pas." }; }
    for (const input of form.querySelectorAll("[data-in]")) {
      const value = input.value.trim();
      if (!value && input.required) return { field: input, words: `Il manque « ${input.name} ».` };
      if (!value) continue;
      if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(value));
      if (input.dataset.in === "query") query.set(input.name, value);
      if (input.dataset.in === "header") {
        try { headers.set(input.name, value); } catch { return { field: input, words: `« ${input.name} » contient des caractères qu’un en-tête ne porte pas.` }; }
      }
      if (input.dataset.in === "body") {
        try { JSON.parse(value); } catch (error) { return { field: input, words: `Ce n’est pas du JSON : ${error.message}` }; }
        headers.set("Content-Type", "application/json");
        body = value;
      }
    }
    const address = query.size ? `${path}?${query}` : path;
    return { address, init: { method: form.dataset.method, headers, body, credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" } };
  };

  const show = async (form, answer, milliseconds) => {
    const part = (name) => form.querySelector(`[data-trial-${name}]`);
    const kind = answer.headers.get("content-type") || "", file = part("file"), link = file.querySelector("a");
    if (link.href) { URL.revokeObjectURL(link.href); link.removeAttribute("href"); }
    file.hidden = true;
    part("headers").textContent = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    if (/json|^text\//.test(kind)) {
      let text = await answer.text();
      try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
      part("body").textContent = text.length > SHOWN ? `${text.slice(0, SHOWN)}\n…` : text;
    } else {
      const bytes = await answer.blob();
      part("body").textContent = bytes.size ? `${bytes.size} octets, ${kind}` : "Sans contenu";
      if (bytes.size) { link.href = URL.createObjectURL(bytes); file.hidden = false; }
    }
    part("answer").hidden = false;
    part("status").textContent = `${answer.status} ${answer.statusText} · ${Math.round(milliseconds)} ms`;
  };

  const start = (form) => {
    const button = form.querySelector("button"), words = button.querySelector("span"), key = form.querySelector('[name="Idempotency-Key"]');
    let sure = form.dataset.method !== "DELETE", busy = false;
    if (key) { key.value = newKey(); }
    form.noValidate = true;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      const { field, words: missing, address, init } = requestOf(form);
      refuse(form, field, missing || "");
      if (missing) return;
      if (!sure) { sure = true; words.textContent = "Oui, supprimer"; return; }
      busy = true;
      form.setAttribute("aria-busy", "true");
      const begun = performance.now();
      try {
        const answer = await fetch(address, init);
        await show(form, answer, performance.now() - begun);
        // done: the next one is another one, unless the person gives the same key again
        if (key && answer.ok && !answer.headers.has("idempotency-replayed")) key.value = newKey();
      } catch {
        refuse(form, null, "Pas de réponse. Vérifiez votre connexion, puis renvoyez : la même clé n’agit pas deux fois.");
      } finally {
        busy = false;
        form.removeAttribute("aria-busy");
        if (form.dataset.method === "DELETE") { sure = false; words.textContent = "Envoyer"; }
      }
    });
  };
  document.querySelector("[data-trial-who]").hidden = false;
  document.querySelectorAll("[data-trial]").forEach(start);
})();
