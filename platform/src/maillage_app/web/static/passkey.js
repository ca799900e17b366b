// Passkeys: asks the server what to sign or to make, the browser for the key, and sends the answer back.
(() => {
  "use strict";
  const buttons = document.querySelectorAll("[data-passkey]");
  if (!buttons.length) return;
  const csrf = document.querySelector('meta[name="csrf-token"]')?.content || "";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const post = async (path, body) => {
    const answer = await fetch(path, {
      method: "POST", credentials: "same-origin", body: JSON.stringify(body || {}),
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf },
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.message || said.title || "La demande n’a pas abouti. Rechargez la page.");
    return said;
  };

  const create = async (options) => {
    const made = await navigator.credentials.create({ publicKey: {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: (options.excludeCredentials || []).map((each) => ({ ...each, id: bytes(each.id) })),
    } });
    return { id: made.id, rawId: text(made.rawId), type: made.type, response: {
      clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() || [],
    } };
  };

  const show = async (options) => {
    const shown = await navigator.credentials.get({ publicKey: {
      ...options, challenge: bytes(options.challenge),
      allowCredentials: (options.allowCredentials || []).map((each) => ({ ...each, id: bytes(each.id) })),
    } });
    return { id: shown.id, rawId: text(shown.rawId), type: shown.type, response: {
      clientDataJSON: text(shown.response.clientDataJSON), authenticatorData: text(shown.response.authenticatorData),
      signature: text(shown.response.signature), userHandle: shown.response.userHandle ? text(shown.response.userHandle) : null,
    } };
  };

  const words = (error) => {
    if (error.name === "NotAllowedError") return "Rien n’a été confirmé sur votre appareil. Recommencez quand vous voulez.";
    if (error.name === "InvalidStateError") return "Cet appareil a déjà une clé pour votre compte.";
    if (error.name === "SecurityError") return "Cette adresse ne permet pas les clés d’accès.";
    return error.message;
  };

  for (const button of buttons) {
    const box = button.closest("[data-passkey-box]"), said = box.querySelector("[data-passkey-error]");
    if (!window.PublicKeyCredential) { said.textContent = "Ce navigateur ne connaît pas les clés d’accès."; said.hidden = false; continue; }
    button.disabled = false;
    button.addEventListener("click", async () => {
      said.hidden = true; button.disabled = true;
      try {
        const options = await post(button.dataset.passkey + "/options");
        const answer = await (button.dataset.kind === "create" ? create(options) : show(options));
        const done = await post(button.dataset.passkey, answer);
        window.location.assign(done.location);
      } catch (error) {
        said.textContent = words(error); said.hidden = false; button.disabled = false;
      }
    });
  }
})();
