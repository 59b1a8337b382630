import type admin from "./locales/en/admin.json";
import type app from "./locales/en/app.json";
import type kit from "./locales/en/kit.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: false;
    resources: { admin: typeof admin; app: typeof app; kit: typeof kit };
  }
}
