import { ApiContext } from "@klapka/kit/api";
import { startI18n } from "@klapka/kit/i18n";
import { identify, LiveContext } from "@klapka/kit/live";
import { KlapkaProvider } from "@klapka/kit/theme";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createAppRouter } from "./router.tsx";
import { createServices, ServicesContext } from "./services.ts";

await startI18n(["app", "kit"]);

const services = createServices(await identify(localStorage, sessionStorage), () => {
  const { pathname, search } = location;
  if (pathname !== "/sign-in" && pathname !== "/setup") {
    void router.navigate({ to: "/sign-in", search: { next: pathname + search } });
  }
});
const router = createAppRouter(services);

const root = document.getElementById("root");
if (!root) throw new Error("no root element in index.html");
createRoot(root).render(
  <StrictMode>
    <KlapkaProvider queries={services.queries}>
      <ApiContext value={services.api}>
        <LiveContext value={services.live}>
          <ServicesContext value={services}>
            <RouterProvider router={router} />
          </ServicesContext>
        </LiveContext>
      </ApiContext>
    </KlapkaProvider>
  </StrictMode>,
);
