import { ApiError } from "@klapka/kit/api";
import { ErrorNotice, Waiting } from "@klapka/kit/ui";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { Center } from "@mantine/core";
import type { Services } from "./services.ts";
import { NotFoundPage } from "./shell/NotFoundPage.tsx";

/** What routes may use to decide. */
interface Context {
  services: Services;
}

const root = createRootRouteWithContext<Context>()();

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search): { next?: string | undefined } => ({ next: text(search.next) }),
  component: lazyRouteComponent(() => import("./entry/SignInPage.tsx"), "SignInPage"),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  // A token of digits alone must not become a number on its way here.
  validateSearch: (search): { token?: string | undefined } => ({ token: text(search.token) }),
  component: lazyRouteComponent(() => import("./entry/SetupPage.tsx"), "SetupPage"),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  beforeLoad: async ({ context: { services }, location }) => {
    const { api, queries } = services;
    try {
      const me = await queries.query({
        ...api.query.queryOptions("get", "/api/me"),
        staleTime: "static",
      });
      api.identify({ csrf: me.csrf });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the router's way
      throw redirect({ to: "/sign-in", search: { next: location.href } });
    }
  },
  component: lazyRouteComponent(() => import("./shell/Shell.tsx"), "Shell"),
});

const people = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(() => import("./people/PeoplePage.tsx"), "PeoplePage"),
});

const dial = createRoute({
  getParentRoute: () => shell,
  path: "/dial",
  component: lazyRouteComponent(() => import("./calls/DialPage.tsx"), "DialPage"),
});

const history = createRoute({
  getParentRoute: () => shell,
  path: "/history",
  validateSearch: (
    search,
  ): {
    direction?: "missed" | "incoming" | "outgoing" | undefined;
    search?: string | undefined;
  } => ({
    direction: (["missed", "incoming", "outgoing"] as const).find((d) => d === search.direction),
    search: text(search.search),
  }),
  component: lazyRouteComponent(() => import("./history/HistoryPage.tsx"), "HistoryPage"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(() => import("./settings/SettingsPage.tsx"), "SettingsPage"),
});

const tree = root.addChildren([
  signIn,
  setup,
  shell.addChildren([people, dial, history, settings]),
]);

/** Makes the router over the page's services. */
export function createAppRouter(services: Services) {
  return createRouter({
    routeTree: tree,
    context: { services },
    defaultPreload: "intent",
    scrollRestoration: true,
    defaultPendingComponent: Waiting,
    defaultNotFoundComponent: NotFoundPage,
    defaultErrorComponent: ({ error, reset }) => (
      <Center h="60dvh" p="md">
        <ErrorNotice error={error} onRetry={reset} />
      </Center>
    ),
  });
}

function text(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
