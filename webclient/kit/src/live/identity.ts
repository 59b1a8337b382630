/** Who this browser and this tab are, so that the exchange knows a returning one. */
export interface Identity {
  clientId: string;
  tabId: string;
}

/**
 * Reads or makes the ids: the browser's outlives the session, the tab's lives as
 * long as the tab and survives its reload.
 */
export function identity(browser: Storage, tab: Storage): Identity {
  return { clientId: remember(browser, "klapka.client"), tabId: remember(tab, "klapka.tab") };
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
