// Notifications of this phone: asked for by a press, kept in step at each visit. The page works without.
(() => {
  "use strict";
  const box = document.querySelector("[data-push]");
  if (!box || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  const state = box.querySelector("[data-push-state]"), on = box.querySelector("[data-push-on]");
  const csrf = () => document.querySelector("meta[name=csrf-token]")?.content || "";
  const key = () => Uint8Array.from(atob(box.dataset.key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const keep = async (subscription) => {
    const answer = await fetch(box.dataset.url, {
      method: "POST", credentials: "same-origin", body: JSON.stringify(subscription.toJSON()),
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf() },
    });
    if (!answer.ok) throw new Error(String(answer.status));
  };
  const show = (text, canTurnOn) => { state.textContent = text; on.hidden = !canTurnOn; };
  const worker = () => navigator.serviceWorker.register("/static/push-worker.js");
  const look = async () => {
    if (Notification.permission === "denied") return show("Ce navigateur bloque nos notifications : autorisez-les dans ses réglages. Les SMS continuent.", false);
    const subscription = await (await worker()).pushManager.getSubscription();
    if (!subscription) return show("Elles ne sont pas activées sur ce téléphone.", true);
    await keep(subscription);
    show("Elles sont activées sur ce téléphone.", false);
  };
  on.addEventListener("click", async () => {
    on.disabled = true;
    try {
      if (await Notification.requestPermission() === "granted") {
        const registration = await worker();
        await navigator.serviceWorker.ready.catch(() => {});
        await keep(await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key() }));
      }
      await look();
    } catch { show("Ce téléphone n’a pas pu être inscrit. Les SMS continuent.", true); }
    on.disabled = false;
  });
  look().catch(() => show("Ce téléphone n’a pas pu être inscrit. Les SMS continuent.", true));
})();
