import { ApiError, type Api, type CauseCode } from "@klapka/kit/api";
import { ErrorNotice, Waiting } from "@klapka/kit/ui";
import { Center } from "@mantine/core";
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { NotFoundPage } from "./shell/NotFoundPage.tsx";

/** What routes may use to decide. */
interface Context {
  api: Api;
  queries: QueryClient;
}

/** The filters of the call records, as they stand in the address. */
export interface RecordFilters {
  search?: string | undefined;
  extension?: string | undefined;
  cause?: CauseCode | undefined;
  /** Days, YYYY-MM-DD in the reader's time zone; both ends belong to it. */
  since?: string | undefined;
  until?: string | undefined;
}

const root = createRootRouteWithContext<Context>()();

const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  beforeLoad: async ({ context: { api, queries } }) => {
    try {
      const options = api.query.queryOptions("get", "/api/me");
      const me = await queries.query({ ...options, staleTime: "static" });
      api.identify({ csrf: me.csrf });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      // Another application answers there; this page is about to be left.
      await new Promise(() => undefined);
    }
  },
  component: lazyRouteComponent(() => import("./shell/Shell.tsx"), "Shell"),
});

const overview = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(() => import("./overview/OverviewPage.tsx"), "OverviewPage"),
});

const people = createRoute({
  getParentRoute: () => shell,
  path: "/people",
  component: lazyRouteComponent(() => import("./people/PeoplePage.tsx"), "PeoplePage"),
});

const extensions = createRoute({
  getParentRoute: () => shell,
  path: "/extensions",
  component: lazyRouteComponent(() => import("./extensions/ExtensionsPage.tsx"), "ExtensionsPage"),
});

const devices = createRoute({
  getParentRoute: () => shell,
  path: "/devices",
  component: lazyRouteComponent(() => import("./devices/DevicesPage.tsx"), "DevicesPage"),
});

const registrations = createRoute({
  getParentRoute: () => shell,
  path: "/registrations",
  component: lazyRouteComponent(
    () => import("./registrations/RegistrationsPage.tsx"),
    "RegistrationsPage",
  ),
});

const calls = createRoute({
  getParentRoute: () => shell,
  path: "/calls",
  component: lazyRouteComponent(() => import("./calls/CallsPage.tsx"), "CallsPage"),
});

const records = createRoute({
  getParentRoute: () => shell,
  path: "/records",
  validateSearch: (search): RecordFilters => ({
    search: text(search.search),
    extension: text(search.extension),
    cause: text(search.cause) as CauseCode | undefined,
    since: day(search.since),
    until: day(search.until),
  }),
  component: lazyRouteComponent(() => import("./records/RecordsPage.tsx"), "RecordsPage"),
});

const bans = createRoute({
  getParentRoute: () => shell,
  path: "/bans",
  component: lazyRouteComponent(() => import("./bans/BansPage.tsx"), "BansPage"),
});

const traces = createRoute({
  getParentRoute: () => shell,
  path: "/trace",
  validateSearch: (search): { search?: string | undefined } => ({ search: text(search.search) }),
  component: lazyRouteComponent(() => import("./trace/TracesPage.tsx"), "TracesPage"),
});

const trace = createRoute({
  getParentRoute: () => shell,
  path: "/trace/$call",
  component: lazyRouteComponent(() => import("./trace/TracePage.tsx"), "TracePage"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(() => import("./settings/SettingsPage.tsx"), "SettingsPage"),
});

const tree = root.addChildren([
  shell.addChildren([
    overview,
    people,
    extensions,
    devices,
    registrations,
    calls,
    records,
    bans,
    traces,
    trace,
    settings,
  ]),
]);

/** Makes the portal's router. */
export function createAdminRouter(context: Context) {
  return createRouter({
    routeTree: tree,
    context,
    basepath: "/admin",
    defaultPreload: "intent",
    scrollRestoration: true,
    defaultPendingComponent: Waiting,
    defaultNotFoundComponent: NotFoundPage,
    defaultErrorComponent: ({ error, reset }) => (
      <Center mih={320} p="md">
        <ErrorNotice error={error} onRetry={reset} />
      </Center>
    ),
  });
}

/** Where to sign in so as to come back here. */
export function signInAddress({ pathname, search }: Pick<Location, "pathname" | "search">): string {
  return `/sign-in?next=${encodeURIComponent(pathname + search)}`;
}

function text(value: unknown): string | undefined {
  const words = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return words || undefined;
}

function day(value: unknown): string | undefined {
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAdminRouter>;
  }
}
