import createFetchClient, { type Middleware } from "openapi-fetch";
import createQueryClient from "openapi-react-query";
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError, toApiError } from "./problem.ts";
import type { paths } from "./types.ts";

/** What every request carries, known only after the first answer. */
interface Credentials {
  csrf: string;
  clientId: string;
  tabId: string;
}

/** Makes the typed client; origin is empty in a page. */
export function createApi(origin = "") {
  const credentials: Credentials = { csrf: "", clientId: "", tabId: "" };
  const http = createFetchClient<paths>({ baseUrl: origin, fetch: (r) => fetch(r) });
  const identify: Middleware = {
    onRequest({ request }) {
      if (credentials.csrf) request.headers.set("X-CSRF-Token", credentials.csrf);
      if (credentials.clientId) request.headers.set("X-Client-Id", credentials.clientId);
      if (credentials.tabId) request.headers.set("X-Tab-Id", credentials.tabId);
      return request;
    },
    // Every failure becomes the one error type, with its fields, before anybody
    // else sees it.
    async onResponse({ response }) {
      if (!response.ok) throw await toApiError(response);
    },
    onError({ error }) {
      return error instanceof ApiError ? error : new ApiError(0, "offline");
    },
  };
  http.use(identify);
  return {
    http,
    query: createQueryClient(http),
    /** Sets what later requests carry. */
    identify: (c: Partial<Credentials>) => void Object.assign(credentials, c),
  };
}

/** The typed client of one page. */
export type Api = ReturnType<typeof createApi>;

/**
 * The cache of the server's data. onUnauthorized is told when a session has
 * ended, whichever request found out.
 */
export function createQueries(onUnauthorized: () => void): QueryClient {
  const watch = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) onUnauthorized();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError: watch }),
    mutationCache: new MutationCache({ onError: watch }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // What the server refused it will refuse again; only a lost connection
        // or a fault of its own is worth another try.
        retry: (count, error) =>
          count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      },
    },
  });
}
