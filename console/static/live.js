// Keeps the list of alerts up to date while it is read, and the reader's place in it. The page is
// asked for again, and its live parts are put in place of the old ones; the row at the top of the
// window stays where it was. If that row is gone from the page, the reader is asked first.
"use strict";

const EVERY_MS = 5000;
const notice = document.getElementById("live");

function rows(root) {
  return [...root.querySelectorAll("[data-revision]")];
}

function state(root) {
  return rows(root).map((row) => row.id + ":" + row.dataset.revision).join(" ");
}

function firstVisible() {
  return rows(document).find((row) => row.getBoundingClientRect().bottom > 0);
}

function put(page) {
  const focused = document.activeElement?.closest("[data-revision]")?.id;
  const known = new Set(rows(document).map((row) => row.id + ":" + row.dataset.revision));
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh && (part.dataset.live === "list" || !part.contains(document.activeElement))) {
      part.replaceChildren(...fresh.childNodes);
    }
  }
  for (const row of rows(document)) {
    if (!known.has(row.id + ":" + row.dataset.revision)) row.classList.add("fresh");
  }
  if (focused) document.getElementById(focused)?.querySelector("a")?.focus({ preventScroll: true });
  notice.hidden = true;
}

function update(page) {
  const anchor = window.scrollY > 0 ? firstVisible() : undefined;
  if (!anchor) return put(page);
  const before = anchor.getBoundingClientRect().top;
  if (!rows(page).some((row) => row.id === anchor.id)) {
    const button = document.createElement("button");
    button.textContent = "There are new alerts. Show them";
    button.addEventListener("click", () => { put(page); window.scrollTo(0, 0); });
    notice.replaceChildren(button);
    notice.hidden = false;
    return;
  }
  put(page);
  const after = document.getElementById(anchor.id).getBoundingClientRect().top;
  window.scrollBy({ top: after - before, behavior: "instant" });
}

async function refresh() {
  if (document.hidden || !window.getSelection().isCollapsed) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (state(page) !== state(document)) {
      update(page);
    } else {
      const times = page.querySelectorAll("[data-revision] time");
      document.querySelectorAll("[data-revision] time").forEach((time, index) => {
        time.textContent = times[index].textContent;
      });
      if (notice.dataset.lost) notice.hidden = true;
    }
    delete notice.dataset.lost;
  } catch {
    notice.dataset.lost = "yes";
    notice.textContent = "The console does not answer; this list may be out of date.";
    notice.hidden = false;
  }
}

setInterval(refresh, EVERY_MS);
document.addEventListener("visibilitychange", refresh);
