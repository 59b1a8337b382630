/** Who this browser and this tab are, so that the exchange knows a returning one. */
export interface Identity {
  clientId: string;
  tabId: string;
}

/**
 * Reads or makes the ids: the browser's outlives the session, the tab's lives as
 * long as the tab and survives its reload. A duplicated tab comes with a copy of
 * the original's id; taken finds that out, and the copy gets one of its own.
 */
export async function identify(
  browser: Storage,
  tab: Storage,
  taken: (tabId: string) => Promise<boolean> = takenByAnother,
): Promise<Identity> {
  const clientId = remember(browser, "klapka.client");
  if (await taken(remember(tab, "klapka.tab"))) tab.removeItem("klapka.tab");
  return { clientId, tabId: remember(tab, "klapka.tab") };
}

/** Holds a lock by the tab's name for as long as the page lives. */
function takenByAnother(tabId: string): Promise<boolean> {
  // Without locks (an insecure page) there is no telephony to be confused either.
  if (!("locks" in navigator)) return Promise.resolve(false);
  return new Promise((resolve) => {
    void navigator.locks.request(`klapka.tab.${tabId}`, { ifAvailable: true }, (lock) => {
      resolve(lock === null);
      return lock ? new Promise(() => undefined) : undefined;
    });
  });
}

function remember(storage: Storage, key: string): string {
  let id = storage.getItem(key);
  if (!id) {
    // randomUUID wants HTTPS or localhost; the sign-in page must work before that.
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    id = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    storage.setItem(key, id);
  }
  return id;
}
