import { ApiContext, createApi, createQueries } from "@klapka/kit/api";
import { startI18n } from "@klapka/kit/i18n";
import { KlapkaProvider } from "@klapka/kit/theme";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles.ts";
import { createAdminRouter, signInAddress } from "./router.tsx";

await startI18n(["admin", "kit"]);

const api = createApi();
const queries = createQueries(() => location.assign(signInAddress(location)));
const router = createAdminRouter({ api, queries });

const root = document.getElementById("root");
if (!root) throw new Error("no root element in index.html");
createRoot(root).render(
  <StrictMode>
    <KlapkaProvider queries={queries}>
      <ApiContext value={api}>
        <RouterProvider router={router} />
      </ApiContext>
    </KlapkaProvider>
  </StrictMode>,
);
