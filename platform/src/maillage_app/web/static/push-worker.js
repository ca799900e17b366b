// Shows our notifications, says that they were shown, opens the page they are about. Asks nothing of anybody else.
"use strict";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (e) => e.waitUntil(self.clients.claim()));
self.addEventListener("push", (e) => {
  let told = {};
  try { told = e.data.json(); } catch { /* an empty notification still has to be shown */ }
  const shown = self.registration.showNotification(told.title || "Maillage", {
    body: told.body || "Vous avez un message : ouvrez pour le lire.", tag: told.tag, lang: "fr", renotify: Boolean(told.tag),
    requireInteraction: Boolean(told.urgent), vibrate: told.urgent ? [400, 200, 400, 200, 400] : [200], icon: "/static/favicon.svg",
    data: { url: told.url || "/" },
  });
  const say = () => told.receipt ? fetch(told.receipt, { method: "POST", credentials: "omit" }).catch(() => {}) : null;
  e.waitUntil(shown.then(say));
});
self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  const url = new URL(e.notification.data.url, self.location.origin);
  if (url.origin !== self.location.origin) return;
  e.waitUntil(self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((open) => {
    const there = open.find((client) => client.url === url.href);
    return there ? there.focus() : self.clients.openWindow(url.href);
  }));
});
