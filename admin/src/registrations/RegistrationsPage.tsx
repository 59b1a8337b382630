import { useApi } from "@klapka/kit/api";
import { formatDateTime, useLanguage } from "@klapka/kit/i18n";
import { Badge, Code, Text } from "@mantine/core";
import { IconAntenna, IconAntennaOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { List } from "../parts/List.tsx";
import { Page } from "../parts/Page.tsx";

/** How often the list looks again, in milliseconds. */
const refresh = 5_000;

/** Which phones are reachable where at this moment. */
export function RegistrationsPage() {
  const { t } = useTranslation("admin");
  const language = useLanguage();
  const api = useApi();
  const query = api.query.useQuery("get", "/api/admin/registrations", undefined, {
    refetchInterval: refresh,
  });
  return (
    <Page title={t("registrations.title")} text={t("registrations.hint")}>
      <List
        label={t("registrations.title")}
        query={query}
        idOf={(r) => `${r.username} ${r.contact}`}
        textsOf={(r) => [r.username, r.extension, r.user_agent, r.remote]}
        empty={{
          icon: <IconAntenna size={30} />,
          title: t("registrations.none"),
          text: t("registrations.noneHint"),
        }}
        columns={[
          { accessor: "username", title: t("devices.username"), sortable: true },
          { accessor: "user_agent", title: t("registrations.userAgent"), sortable: true },
          {
            accessor: "remote",
            title: t("registrations.remote"),
            sortable: true,
            render: (r) => (
              <>
                <Text size="sm">
                  {r.transport.toUpperCase()} {r.remote}
                </Text>
                <Code>{r.contact}</Code>
              </>
            ),
          },
          {
            accessor: "reachable",
            title: t("list.state"),
            sortable: true,
            render: (r) =>
              r.reachable ? (
                <Badge
                  variant="light"
                  color="green"
                  leftSection={<IconAntenna size={14} aria-hidden />}
                >
                  {t("registrations.reachable")}
                </Badge>
              ) : (
                <Badge
                  variant="light"
                  color="orange"
                  leftSection={<IconAntennaOff size={14} aria-hidden />}
                >
                  {t("registrations.silent")}
                </Badge>
              ),
          },
          {
            accessor: "expires_at",
            title: t("registrations.expires"),
            sortable: true,
            render: (r) => formatDateTime(r.expires_at, language),
          },
        ]}
      />
    </Page>
  );
}
