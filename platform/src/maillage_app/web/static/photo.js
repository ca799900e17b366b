// Photo fields: pictures are reduced before sending (2000 px, JPEG: a 3G phone, and the place they were taken at is not sent), with a preview.
(() => {
  "use strict";
  const MAX = 2000;
  const reduce = async (file) => {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const k = Math.min(1, MAX / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * k); canvas.height = Math.round(bitmap.height * k);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", .85));
    const thumb = document.createElement("canvas"), side = Math.min(bitmap.width, bitmap.height);
    thumb.width = thumb.height = 176;
    thumb.getContext("2d").drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, 176, 176);
    thumb.setAttribute("role", "img"); thumb.setAttribute("aria-label", file.name);
    bitmap.close();
    return [new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg", lastModified: file.lastModified }), thumb];
  };
  document.addEventListener("change", async (e) => {
    const box = e.target.closest?.("[data-photo]");
    if (!box || e.target.type !== "file") return;
    const list = box.querySelector("[data-photo-list]"), kept = new DataTransfer();
    list.replaceChildren();
    for (const file of e.target.files) {
      try { const [small, thumb] = await reduce(file); kept.items.add(small); list.append(thumb); }
      catch { kept.items.add(file); const p = document.createElement("span"); p.textContent = file.name; list.append(p); }
    }
    e.target.files = kept.files;
  });
})();
