import { useApi } from "@klapka/kit/api";
import { useTranslation } from "react-i18next";

/** The words for a device's id: its account and name, or that it was a browser. */
export function useDeviceName(): (id: string) => string {
  const { t } = useTranslation("admin");
  const devices = useApi().query.useQuery("get", "/api/admin/devices");
  return (id) => {
    if (id.startsWith("browser:")) return t("devices.browser");
    const device = devices.data?.find((d) => d.id === id);
    return device ? [device.username, device.name].filter(Boolean).join(" · ") : "";
  };
}
