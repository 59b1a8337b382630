import type { Api } from "@klapka/kit/api";

/** How long before they expire credentials are replaced, in milliseconds. */
const early = 10 * 60_000;

/**
 * The relays that may help to reach the exchange. They are asked for once and
 * kept while their credentials are good, so that nothing is waited for when the
 * network has just changed; without an answer there are none.
 */
export function createServers(api: Pick<Api, "http">): () => Promise<RTCIceServer[]> {
  let known: RTCIceServer[] = [];
  let fresh = 0;
  let asking: Promise<void> | null = null;
  const ask = async () => {
    try {
      const { data } = await api.http.GET("/api/ice");
      known = data?.servers ?? [];
      fresh = data?.until ? Date.parse(data.until) - early : Date.now() + early;
    } catch {
      fresh = 0; // offline or signed out; the next one asks again
    } finally {
      asking = null;
    }
  };
  return async () => {
    if (Date.now() < fresh) return known;
    asking ??= ask();
    // What is known serves a call that goes on; only the first has to wait.
    if (known.length === 0 && fresh === 0) await asking;
    return known;
  };
}
